package sessions

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
)

// recordLines runs a command and adds what goes in and out of it to a file: the
// program that stands between a client and its server on standard input and output.
func recordLines(file string, command []string) int {
	code, err := between(file, command)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	return code
}

func between(file string, command []string) (code int, err error) {
	record, err := os.OpenFile(file, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return 1, err
	}
	defer record.Close()
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Stdout, cmd.Stderr = io.MultiWriter(os.Stdout, record), os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return 1, err
	}
	told := make(chan os.Signal, 1)
	signal.Notify(told, os.Interrupt, syscall.SIGTERM)
	if err := cmd.Start(); err != nil {
		return 1, err
	}
	go func() {
		for s := range told {
			_ = cmd.Process.Signal(s)
		}
	}()
	go func() {
		_, _ = io.Copy(in, io.TeeReader(os.Stdin, record)) // the end of either is the end
		in.Close()
	}()
	err = cmd.Wait()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		return exit.ExitCode(), nil
	}
	return 0, err
}
