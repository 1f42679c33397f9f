package script

import (
	"bufio"
	"bytes"
	"errors"
	"os"
	"os/exec"
	"sync"
	"time"

	"github.com/fairlead/fairlead/internal/value"
)

// worker is a process that runs one script after another.
type worker struct {
	process *exec.Cmd
	in      *os.File      // what the worker reads
	replies *bufio.Reader // what it writes
	hello   []byte        // what to send before the first job
	words   *beginning
	exited  chan struct{} // closed when the process is gone and process.ProcessState set
	retire  *time.Timer   // closes the worker when it idles for long
}

// startWorker starts a process and calls gone when it has ended, before exited
// is closed.
func startWorker(command []string, memory int64, gone func(*worker)) (*worker, error) {
	if len(command) == 0 {
		return nil, errors.New("no command")
	}
	childIn, in, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	out, childOut, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(err, childIn.Close(), in.Close())
	}
	w := &worker{
		process: exec.Command(command[0], command[1:]...),
		in:      in, replies: bufio.NewReader(out),
		words: &beginning{}, exited: make(chan struct{}),
	}
	w.hello, err = appendMessage(nil, hello{Memory: memory})
	w.process.Env = []string{}
	w.process.Stdin, w.process.Stdout, w.process.Stderr = childIn, childOut, w.words
	w.process.SysProcAttr = tied()
	if err == nil {
		err = w.process.Start()
	}
	_, _ = childIn.Close(), childOut.Close() // the process has its own
	if err != nil {
		return nil, errors.Join(err, in.Close(), out.Close())
	}
	go func() {
		_ = w.process.Wait() // ProcessState tells
		_, _ = in.Close(), out.Close()
		gone(w)
		close(w.exited)
	}()
	return w, nil
}

// kill ends the process at once. It may be called by anyone, at any time.
func (w *worker) kill() { _ = w.process.Process.Kill() } // fails only when it has ended

// alive tells whether the process has not ended yet, as far as is known.
func (w *worker) alive() bool {
	select {
	case <-w.exited:
		return false
	default:
		return true
	}
}

// run sends a job, as request has it, and waits for its answer, of at most limit
// bytes. After a *SyntaxError or *ScriptError the worker can run another job,
// after any other error it must be killed.
func (w *worker) run(request []byte, limit int) (value.Value, error) {
	if w.hello != nil {
		request = append(w.hello, request...)
		w.hello = nil
	}
	if _, err := w.in.Write(request); err != nil {
		return value.Value{}, err
	}
	var r reply
	if err := readMessage(w.replies, smallFrame, &r); err != nil {
		return value.Value{}, noEOF(err)
	}
	result, err := readFrame(w.replies, int64(limit))
	if err != nil {
		return value.Value{}, noEOF(err)
	}
	switch {
	case r.Refused != nil:
		return value.Value{}, r.Refused
	case r.Failed != nil:
		return value.Value{}, r.Failed
	case len(result) == 0:
		return value.Value{}, nil
	}
	answer, err := value.Parse(result)
	if err != nil {
		return value.Value{}, &ScriptError{Message: clip("result: " + err.Error())}
	}
	return answer, nil
}

// request is what run sends for a task.
func request(t task, context value.Value) ([]byte, error) {
	frames, err := appendMessage(nil, t)
	if err != nil {
		return nil, err
	}
	return appendFrame(frames, context.AppendJSON(nil))
}

// cause waits for the end of a process that broke off with err, which nobody
// killed, and says why it ended.
func (w *worker) cause(err error, memory int64) error {
	if errors.Is(err, errFrame) { // it lives, and talks nonsense
		w.kill()
		<-w.exited
		return &CrashError{Detail: err.Error()}
	}
	late := time.AfterFunc(5*time.Second, w.kill) // it hangs up, and lives
	<-w.exited
	late.Stop()
	state := w.process.ProcessState
	if state.ExitCode() == exitMemory || w.words.tellOfMemory() {
		return &MemoryError{Limit: memory}
	}
	return &CrashError{Detail: state.String()}
}

// beginning keeps the first bytes that a worker prints on its standard error,
// where the Go runtime says why it dies and a script has no way to print.
// Nothing of it is ever shown.
type beginning struct {
	mu   sync.Mutex
	text []byte
}

func (b *beginning) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.text = append(b.text, p[:min(len(p), 1024-len(b.text))]...)
	return len(p), nil
}

// deaths are the Go runtime's words for a process that is over its limits.
var deaths = []string{
	"out of memory", "cannot allocate memory", "stack exceeds",
	// its own tables got no memory; a bad pointer of a program begins with "panic"
	"SIGSEGV: segmentation violation\nPC=",
	"for -race mode", "ThreadSanitizer failed to allocate", // with the race detector
}

func (b *beginning) tellOfMemory() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, words := range deaths {
		if bytes.Contains(b.text, []byte(words)) {
			return true
		}
	}
	return false
}
