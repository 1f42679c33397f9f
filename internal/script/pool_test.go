package script

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/fairlead/fairlead/internal/value"
)

const endless = "while (true);"

// eventually waits for what another process or goroutine is about to bring about.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("never: %s", what)
		}
	}
}

func TestPool_keepsOneWorkerForScriptsInTurn(t *testing.T) {
	pool := newPool(t, Config{})
	if n := len(processes(pool)); n != 0 {
		t.Errorf("%d processes before the first script", n)
	}
	for i := range 50 {
		p := check(t, []string{"js", "python"}[i%2], fmt.Sprintf("result = context['n'] * %d", i))
		v, err := pool.Run(t.Context(), p, parse(t, `{"n": 3}`))
		if err != nil || v.Text() != fmt.Sprint(3*i) {
			t.Fatalf("got %s, %v", v.Text(), err)
		}
	}
	if n := len(processes(pool)); n != 1 {
		t.Errorf("%d processes", n)
	}
}

// A script that loops keeps nobody from running: not in many calls at once, and not
// together with others like it.
func TestPool_loopingScriptsKeepNobodyWaiting(t *testing.T) {
	pool := newPool(t, Config{Workers: 2, Turn: 50 * time.Millisecond, Timeout: time.Hour})
	ctx, cancel := context.WithCancel(t.Context())
	var busy sync.WaitGroup
	var crowded atomic.Int64
	for i := range 12 {
		p := check(t, "js", fmt.Sprintf("%d; %s", i, endless))
		for range 3 {
			busy.Go(func() {
				_, err := pool.Run(ctx, p, value.Nil())
				var late *TimeoutError
				if errors.As(err, &late) && late.Crowded {
					crowded.Add(1)
				}
			})
		}
	}
	for range 5 {
		if v, err := pool.Run(t.Context(), check(t, "js", "result = 7"), value.Nil()); err != nil || v.Text() != "7" {
			t.Errorf("a short script: %s, %v", v.Text(), err)
		}
	}
	eventually(t, "looping scripts give way", func() bool { return crowded.Load() >= 8 })
	if n := len(processes(pool)); n > 4 {
		t.Errorf("%d processes", n)
	}
	cancel()
	busy.Wait()
}

// A long script that is alone, and one that became short, run as any other.
func TestPool_longScriptsRunToTheirEnd(t *testing.T) {
	pool := newPool(t, Config{Workers: 1, Turn: time.Millisecond})
	p := check(t, "js", "const end = Date.now() + context; while (Date.now() < end); result = 1")
	for _, ms := range []int64{50, 50, 0, 50} {
		if v, err := pool.Run(t.Context(), p, value.Int(ms)); err != nil || v.Text() != "1" {
			t.Errorf("%d ms: %s, %v", ms, v.Text(), err)
		}
	}
}

func TestRun_isRepeatedOnceWhenItsWorkerDied(t *testing.T) {
	died := t.TempDir() + "/died"
	pool := newPool(t, Config{Command: append(command("dying-once-worker"), died)})
	if v, err := pool.Run(t.Context(), check(t, "js", "result = 1"), value.Nil()); err != nil || v.Text() != "1" {
		t.Errorf("got %s, %v", v.Text(), err)
	}
	if _, err := os.Stat(died); err != nil {
		t.Error("no worker died")
	}
}

// Whoever has left when a place is free takes none with them.
func TestPool_keepsThePlacesOfCallersWhoHaveLeft(t *testing.T) {
	pool := newPool(t, Config{Workers: 1})
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	for range 50 {
		if _, err := pool.Run(gone, check(t, "js", "result = 1"), value.Nil()); !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
	}
	if !pool.fast.tryEnter() {
		t.Error("no place is left")
	}
}

func TestWork_isNotEndedBySignalsThatEndItsParent(t *testing.T) {
	pool := newPool(t, Config{})
	p := check(t, "js", "const end = Date.now() + 300; while (Date.now() < end); result = 1")
	// so that it runs and heeds no signals
	if _, err := pool.Run(t.Context(), check(t, "js", "1"), value.Nil()); err != nil {
		t.Fatal(err)
	}
	worker := processes(pool)[0]
	answer := make(chan error)
	go func() {
		_, err := pool.Run(t.Context(), p, value.Nil())
		answer <- err
	}()
	process, err := os.FindProcess(worker)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP} {
		if err := process.Signal(s); err != nil {
			t.Fatal(err)
		}
	}
	if err := <-answer; err != nil {
		t.Error(err)
	}
	if after := processes(pool); len(after) != 1 || after[0] != worker {
		t.Errorf("worker %d was replaced: %v", worker, after)
	}
}

func TestPool_runsAsManyAsItHasWorkers(t *testing.T) {
	pool := newPool(t, Config{Workers: 2, Turn: time.Hour})
	ctx, cancel := context.WithCancel(t.Context())
	var busy sync.WaitGroup
	for range 2 {
		busy.Go(func() { _, _ = pool.Run(ctx, check(t, "js", endless), value.Nil()) })
	}
	eventually(t, "two processes", func() bool { return len(processes(pool)) == 2 })

	impatient, enough := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer enough()
	if _, err := pool.Run(impatient, check(t, "js", "1"), value.Nil()); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("waiting: got %v", err)
	}
	if n := len(processes(pool)); n != 2 {
		t.Errorf("%d processes", n)
	}
	cancel()
	busy.Wait()
	if _, err := pool.Run(t.Context(), check(t, "js", "1"), value.Nil()); err != nil {
		t.Error(err)
	}
}

func TestPool_runsScriptsSideBySide(t *testing.T) {
	pool := newPool(t, Config{Workers: 3})
	var all sync.WaitGroup
	for i := range 60 {
		all.Go(func() {
			p := check(t, "js", fmt.Sprintf("if (%d %% 10 == 9) throw %d; result = context", i, i))
			v, err := pool.Run(t.Context(), p, value.Int(int64(i)))
			var failed *ScriptError
			switch {
			case i%10 == 9:
				if !errors.As(err, &failed) || failed.Message != fmt.Sprint(i) {
					t.Errorf("%d: got %v", i, err)
				}
			case err != nil || v.Text() != fmt.Sprint(i):
				t.Errorf("%d: got %s, %v", i, v.Text(), err)
			}
		})
	}
	all.Wait()
	if n := len(processes(pool)); n > 3 {
		t.Errorf("%d processes", n)
	}
}

func TestRun_isKilledWithItsContext(t *testing.T) {
	pool := newPool(t, Config{})
	for _, test := range []struct {
		name string
		stop func(context.Context) (context.Context, context.CancelFunc)
		want error
	}{
		{"cancelled", func(ctx context.Context) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancelCause(ctx)
			return ctx, func() { cancel(errors.ErrUnsupported) }
		}, errors.ErrUnsupported},
		{"deadline", func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithTimeout(ctx, 200*time.Millisecond)
		}, context.DeadlineExceeded},
	} {
		t.Run(test.name, func(t *testing.T) {
			ctx, cancel := test.stop(t.Context())
			defer cancel()
			if test.name == "cancelled" {
				go func() {
					for len(processes(pool)) == 0 {
						time.Sleep(time.Millisecond)
					}
					cancel()
				}()
			}
			_, err := pool.Run(ctx, check(t, "js", endless), value.Nil())
			if !errors.Is(err, test.want) {
				t.Errorf("got %v", err)
			}
			if n := len(processes(pool)); n != 0 {
				t.Errorf("%d processes", n)
			}
		})
	}
}

func TestRun_reportsCrashOfItsWorkerOnly(t *testing.T) {
	pool := newPool(t, Config{Workers: 2, Turn: time.Hour})
	ctx, cancel := context.WithCancel(t.Context())
	var other sync.WaitGroup
	other.Go(func() {
		if _, err := pool.Run(ctx, check(t, "js", endless), value.Nil()); !errors.Is(err, context.Canceled) {
			t.Errorf("the other run: %v", err)
		}
	})
	eventually(t, "a process", func() bool { return len(processes(pool)) == 1 })
	survivor := processes(pool)[0]
	crashed := make(chan struct{})
	other.Go(func() { // the worker that runs it, and the one that runs it again
		for {
			for _, pid := range processes(pool) {
				if p, err := os.FindProcess(pid); err == nil && pid != survivor {
					_ = p.Kill()
				}
			}
			select {
			case <-crashed:
				return
			case <-time.After(time.Millisecond):
			}
		}
	})
	_, err := pool.Run(t.Context(), check(t, "js", endless), value.Nil())
	close(crashed)
	var crash *CrashError
	if !errors.As(err, &crash) {
		t.Errorf("got %v", err)
	}
	if pids := processes(pool); len(pids) != 1 || pids[0] != survivor {
		t.Errorf("processes %v, want %d", pids, survivor)
	}
	if v, err := pool.Run(t.Context(), check(t, "js", "result = 1"), value.Nil()); err != nil || v.Text() != "1" {
		t.Errorf("the next run: %v", err)
	}
	cancel()
	other.Wait()
}

func TestRun_reportsBadWorkers(t *testing.T) {
	for _, kind := range []string{"short-worker", "babbling-worker", "printing-worker"} {
		pool := newPool(t, Config{Command: command(kind)})
		_, err := pool.Run(t.Context(), check(t, "js", "1"), value.Nil())
		var crash *CrashError
		if !errors.As(err, &crash) {
			t.Errorf("%s: got %v", kind, err)
		}
	}
	for _, argv := range [][]string{nil, {"/does/not/exist"}} {
		pool := NewPool(Config{Command: argv})
		if _, err := pool.Run(t.Context(), check(t, "js", "1"), value.Nil()); err == nil ||
			!strings.HasPrefix(err.Error(), "start script worker: ") {
			t.Errorf("%v: got %v", argv, err)
		}
		pool.Close()
	}
}

func TestWorker_hasNoEnvironment(t *testing.T) {
	t.Setenv("FAIRLEAD_TEST_SECRET", "s3cret")
	w, err := startWorker(command("printing-worker"), 0, func(*worker) {})
	if err != nil {
		t.Fatal(err)
	}
	text, _ := io.ReadAll(w.replies)
	<-w.exited
	if strings.Contains(string(text), "FAIRLEAD") || strings.Contains(string(text), "PATH") {
		t.Errorf("got %s", text)
	}
}

func TestPool_closesIdleWorkers(t *testing.T) {
	pool := newPool(t, Config{Idle: 10 * time.Millisecond})
	for range 3 {
		if _, err := pool.Run(t.Context(), check(t, "js", "1"), value.Nil()); err != nil {
			t.Fatal(err)
		}
		eventually(t, "no processes", func() bool { return len(processes(pool)) == 0 })
	}
}

func TestPool_replacesIdleWorkerThatDied(t *testing.T) {
	pool := newPool(t, Config{})
	for range 3 {
		if _, err := pool.Run(t.Context(), check(t, "js", "1"), value.Nil()); err != nil {
			t.Fatal(err)
		}
		pids := processes(pool)
		if p, err := os.FindProcess(pids[0]); err == nil {
			_ = p.Kill()
		}
		eventually(t, "no processes", func() bool { return len(processes(pool)) == 0 })
	}
}

// Where the kernel does not see to that, the end of the input does.
func TestWork_returnsWhenInputEndsDuringScript(t *testing.T) {
	greeting, err := appendMessage(nil, hello{})
	if err != nil {
		t.Fatal(err)
	}
	long := "for i in range(3000000):\n    pass"
	job, err := request(task{Language: Starlark, Sources: []string{long}, Statements: 1 << 30, Output: 1}, value.Nil())
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	in, feed := io.Pipe()
	out := writer(func(p []byte) (int, error) { close(done); return len(p), nil })
	ended := make(chan error)
	go func() { ended <- Work(in, out) }()
	if _, err := feed.Write(append(greeting, job...)); err != nil {
		t.Fatal(err)
	}
	_ = feed.Close()
	if err := <-ended; err != nil {
		t.Errorf("got %v", err)
	}
	select {
	case <-done:
		t.Error("the script had ended")
	default:
	}
	<-done
}

type writer func([]byte) (int, error)

func (w writer) Write(p []byte) (int, error) { return w(p) }

func TestWork_refusesBrokenInput(t *testing.T) {
	greeting, _ := appendMessage(nil, hello{})
	job, _ := request(task{Language: JavaScript, Sources: []string{"1"}, Output: 1}, value.Nil())
	for name, input := range map[string]string{
		"half a length":   "\x00\x00",
		"half a greeting": "\x00\x00\x00\x09{}",
		"no JSON":         "\x00\x00\x00\x02{]",
		"long greeting":   "\xff\xff\xff\xff",
		"half a job":      string(greeting) + string(job[:len(job)-2]),
		"no context":      string(greeting) + string(job[:len(job)-8]),
	} {
		if err := Work(strings.NewReader(input), io.Discard); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	for name, input := range map[string]string{"nothing": "", "a greeting": string(greeting)} {
		if err := Work(strings.NewReader(input), io.Discard); err != nil {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestRun_decodesResults(t *testing.T) {
	pool := newPool(t, Config{Workers: 1})
	const all = `{"b":[1,-2.5,true,false,null,"é"],"a":{"id":9223372036854775807}}`
	for _, language := range []string{"js", "python"} {
		v, err := pool.Run(t.Context(), check(t, language, "result = context"), parse(t, all))
		if err != nil || v.Text() != all {
			t.Errorf("%s: got %s, %v", language, v.Text(), err)
		}
		v, err = pool.Run(t.Context(), check(t, language, "other = 1"), value.Nil())
		if err != nil || !v.IsAbsent() {
			t.Errorf("%s: got %s, %v", language, v.Kind(), err)
		}
	}
	_, err := pool.Run(t.Context(), check(t, "js", `result = {"\ud800": 1, "\ufffd": 2}`), value.Nil())
	if outcome(err) != failure {
		t.Errorf("names that become equal: got %v", err)
	}
}

func TestWorker_forgetsProgramsBeforeTheyFillIt(t *testing.T) {
	var known programs
	padding := strings.Repeat(" ", mostText/4)
	for i := range 20 {
		source := fmt.Sprintf("result = %d%s", i, padding)
		for range 2 {
			program, refused := known.compile(task{Language: Starlark, Sources: []string{source}})
			if refused != nil {
				t.Fatal(refused)
			}
			if got, _ := program.run([]byte("{}"), limits{statements: 10, output: 10}); string(got) != fmt.Sprint(i) {
				t.Errorf("%d: got %s", i, got)
			}
		}
		if n := len(known.known); n > 4 {
			t.Fatalf("%d programs", n)
		}
	}
}
