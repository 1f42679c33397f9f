package script

import (
	"context"
	"flag"
	"fmt"
	"os"
	"runtime"
	"runtime/pprof"
	"strings"
	"testing"
	"time"

	"github.com/fairlead/fairlead/internal/value"
)

// TestMain is a worker process when its first argument says so. Else it fails
// when a goroutine outlives the tests. (A fuzzing run leaves one of the testing
// package's own.)
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && strings.HasSuffix(os.Args[1], "-worker") {
		os.Exit(behave(os.Args[1]))
	}
	before := runtime.NumGoroutine()
	code := m.Run()
	if flag.Lookup("test.fuzz").Value.String() != "" {
		os.Exit(code)
	}
	for wait := time.Millisecond; code == 0 && runtime.NumGoroutine() > before; wait *= 2 {
		if wait > time.Second {
			fmt.Fprintln(os.Stderr, "goroutines left behind:")
			_ = pprof.Lookup("goroutine").WriteTo(os.Stderr, 1)
			code = 1
		}
		time.Sleep(wait)
	}
	os.Exit(code)
}

// behave is the life of a worker, good or bad.
func behave(kind string) int {
	switch kind {
	case "good-worker":
		if err := Work(os.Stdin, os.Stdout); err != nil {
			return 1
		}
	case "watched-worker": // as on systems without RLIMIT_DATA
		go watch(mapped() + 64<<20)
		_ = Work(os.Stdin, os.Stdout)
	case "dying-once-worker": // the first of them dies when it gets its first job
		died, err := os.OpenFile(os.Args[2], os.O_CREATE|os.O_EXCL, 0o600)
		if err == nil {
			_ = died.Close()
			_, _ = os.Stdin.Read(make([]byte, 1))
			return 3
		}
		_ = Work(os.Stdin, os.Stdout)
	case "short-worker":
		return 3
	case "babbling-worker":
		for {
			if _, err := os.Stdout.WriteString("I would rather talk. "); err != nil {
				return 0
			}
		}
	case "printing-worker":
		fmt.Println(os.Environ())
	case "parent-worker": // has a worker of its own, busy, and says its number
		pool := NewPool(Config{Command: command("good-worker")})
		go func() {
			endless := &Program{Language: JavaScript, Source: "while (true);"}
			_, _ = pool.Run(context.Background(), endless, value.Nil())
		}()
		for len(processes(pool)) == 0 {
			time.Sleep(time.Millisecond)
		}
		fmt.Println(processes(pool)[0])
		time.Sleep(time.Minute)
	}
	return 0
}

func command(kind string) []string {
	self, err := os.Executable()
	if err != nil {
		panic(err)
	}
	return []string{self, kind}
}

// processes returns the numbers of a pool's processes.
func processes(p *Pool) (pids []int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, w := range p.workers {
		pids = append(pids, w.process.Process.Pid)
	}
	return pids
}

// newPool returns a pool of good workers that the test closes.
func newPool(t testing.TB, cfg Config) *Pool {
	t.Helper()
	if cfg.Command == nil {
		cfg.Command = command("good-worker")
	}
	p := NewPool(cfg)
	t.Cleanup(p.Close)
	return p
}

// check compiles what the test expects to be fine.
func check(t testing.TB, language, source string, dependencies ...string) *Program {
	t.Helper()
	p, err := Check(language, source, dependencies...)
	if err != nil {
		t.Fatalf("Check(%s): %v", source, err)
	}
	return p
}

// parse is value.Parse of what is known to be JSON.
func parse(t testing.TB, text string) value.Value {
	t.Helper()
	v, err := value.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return v
}
