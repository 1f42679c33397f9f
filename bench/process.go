package main

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"
)

// process is a server that runs as a child of the bench.
type process struct {
	key    string
	pid    int
	urls   map[bool]string // true is its MCP adapter
	trace  gcTrace
	atRest memoryUse

	cmd   *exec.Cmd
	stdin interface{ Close() error }
}

// start runs a command and returns the first line it prints; nginx prints none.
// GODEBUG asks a Go program for its collector's trace, which is how its
// allocations are known from outside.
func start(key string, cmd *exec.Cmd, env []string) (*process, string, error) {
	p := &process{key: key, cmd: cmd}
	cmd.Env = append(inherited(), append(env, "GODEBUG=gctrace=1")...)
	cmd.Stderr = &p.trace
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 5 * time.Second
	var err error
	if p.stdin, err = cmd.StdinPipe(); err != nil {
		return nil, "", err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, "", err
	}
	if err := cmd.Start(); err != nil {
		return nil, "", err
	}
	p.pid = cmd.Process.Pid
	if key == "nginx" {
		return p, "", nil
	}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		p.stop()
		return nil, "", fmt.Errorf("%s ended before it was ready: %s", key, p.trace.other())
	}
	return p, line, nil
}

// inherited is the environment without what would change a child: settings of
// its runtime, and the credentials of a real account.
func inherited() []string {
	return slices.DeleteFunc(os.Environ(), func(v string) bool {
		name, _, _ := strings.Cut(v, "=")
		return slices.Contains([]string{"GOGC", "GOMEMLIMIT", "GODEBUG", "GOMAXPROCS", "KOYEB_API_KEY",
			"KOYEB_API_TOKEN", "KOYEB_TOKEN"}, name)
	})
}

// stop ends the process and waits for it.
func (p *process) stop() {
	_ = p.stdin.Close()
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	timer := time.AfterFunc(5*time.Second, func() { _ = p.cmd.Process.Kill() })
	defer timer.Stop()
	_ = p.cmd.Wait()
}
