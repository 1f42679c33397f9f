//go:build unix

package script

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"testing"

	"github.com/fairlead/fairlead/internal/value"
)

func TestClose_leavesNoProcess(t *testing.T) {
	pool := NewPool(Config{Command: command("good-worker"), Workers: 3})
	if _, err := pool.Run(t.Context(), check(t, "js", "1"), value.Nil()); err != nil {
		t.Fatal(err)
	}
	var busy sync.WaitGroup
	for range 5 { // two of them wait
		busy.Go(func() {
			if _, err := pool.Run(t.Context(), check(t, "js", endless), value.Nil()); !errors.Is(err, errClosed) {
				t.Errorf("got %v", err)
			}
		})
	}
	eventually(t, "three processes", func() bool { return len(processes(pool)) == 3 })
	pids := processes(pool)
	pool.Close()
	busy.Wait()
	for _, pid := range pids {
		if err := syscall.Kill(pid, 0); !errors.Is(err, syscall.ESRCH) {
			t.Errorf("process %d: %v", pid, err)
		}
	}
	if _, err := pool.Run(t.Context(), check(t, "js", "1"), value.Nil()); !errors.Is(err, errClosed) {
		t.Errorf("after Close: got %v", err)
	}
	pool.Close()
}

// A worker that is busy with an endless script must not outlive its parent.
func TestWorker_diesWithItsParent(t *testing.T) {
	parent := exec.Command(command("parent-worker")[0], "parent-worker")
	out, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	var pid int
	if _, err := fmt.Fscan(bufio.NewReader(out), &pid); err != nil {
		t.Fatal(err)
	}
	if err := parent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = parent.Wait()
	eventually(t, "the end of the worker", func() bool {
		if syscall.Kill(pid, 0) != nil {
			return true
		}
		// Nobody may have collected it yet.
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		return err != nil || bytes.Contains(stat, []byte(") Z "))
	})
}
