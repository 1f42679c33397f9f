package script

import (
	"bufio"
	"fmt"
	"io"
	"math"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
)

// Work is the main loop of a worker process: it reads tasks from in, which is
// the process's standard input, and writes replies to out. The first frame says
// how much memory the process may use, and Work sets that limit (see Limit).
//
// Work returns as soon as in ends, with nil unless it ends in the middle of a
// frame, whatever a script does meanwhile; the process must then exit. So a
// worker does not outlive the process that holds the other end of its input.
//
// Signals that end or reload the other process do not end the worker, whoever
// sends them to both: a terminal, an init system, an operator by the name of the
// program. The script that runs is finished.
func Work(in io.Reader, out io.Writer) error {
	signal.Ignore(os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	frames := bufio.NewReaderSize(in, 64<<10)
	var greeting hello
	if err := readMessage(frames, smallFrame, &greeting); err != nil {
		return ended(err)
	}
	if err := Limit(greeting.Memory); err != nil {
		return err
	}
	jobs := make(chan job)
	defer close(jobs)
	failed := make(chan error, 1)
	go func() { failed <- labour(jobs, out, greeting.Memory) }()
	for {
		next, err := readJob(frames)
		if err != nil {
			return ended(err)
		}
		select {
		case jobs <- next:
		case err := <-failed:
			return err
		}
	}
}

// ended is the error of a worker whose input ended with err.
func ended(err error) error {
	if err == io.EOF {
		return nil
	}
	return fmt.Errorf("read task: %w", err)
}

type job struct {
	task    task
	context []byte
}

func readJob(r *bufio.Reader) (j job, err error) {
	if err = readMessage(r, math.MaxUint32, &j.task); err != nil {
		return j, err
	}
	j.context, err = readFrame(r, math.MaxUint32)
	return j, noEOF(err)
}

// labour runs jobs until there are no more or a reply cannot be written.
func labour(jobs <-chan job, out io.Writer, memory int64) error {
	var known programs
	for j := range jobs {
		var r reply
		var result []byte
		program, refused := known.compile(j.task)
		if r.Refused = refused; refused == nil && !j.task.Compile {
			result, r.Failed = program.run(j.context, limits{statements: j.task.Statements, output: j.task.Output})
		}
		answer, err := appendMessage(nil, r)
		if err == nil {
			answer, err = appendFrame(answer, result)
		}
		if err == nil {
			_, err = out.Write(answer)
		}
		if err != nil {
			return fmt.Errorf("write reply: %w", err)
		}
		// What this script left must not count against the next.
		if memory > 0 && heapInUse() > uint64(memory)/8 {
			debug.FreeOSMemory()
		}
	}
	return nil
}

// programs are the scripts that a worker has compiled, by their text. It forgets
// them all when they get too many.
type programs struct {
	known map[string]compiled
	size  int // of the texts
}

// mostText is how much text the scripts may have that a worker keeps compiled.
const mostText = 1 << 20

func (p *programs) compile(t task) (compiled, *SyntaxError) {
	key := t.Language
	for _, text := range t.Sources {
		key += fmt.Sprintf(" %d %s", len(text), text)
	}
	if program, ok := p.known[key]; ok {
		return program, nil
	}
	program, refused := compile(t.Language, t.Sources)
	if refused != nil {
		return nil, refused
	}
	if p.size += len(key); p.known == nil || p.size > mostText {
		p.known, p.size = map[string]compiled{}, len(key)
	}
	p.known[key] = program
	return program, nil
}
