package script

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math"
	"runtime/debug"
	"strings"
)

// Work is the main loop of a worker process: it reads tasks from in, which is
// the process's standard input, and writes replies to out. The first frame says
// how much memory the process may use, and Work sets that limit (see Limit).
//
// Work returns as soon as in ends, with nil unless it ends in the middle of a
// frame, whatever a script does meanwhile; the process must then exit. So a
// worker does not outlive the process that holds the other end of its input.
func Work(in io.Reader, out io.Writer) error {
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
	known := programs{}
	for j := range jobs {
		result, failed := known.run(j)
		answer, err := appendMessage(nil, reply{Failed: failed})
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

// programs are the scripts that a worker has compiled, by their text.
type programs map[string]compiled

// mostPrograms is how many compiled scripts a worker keeps.
const mostPrograms = 32

func (p programs) run(j job) ([]byte, *ScriptError) {
	key := j.task.Language + "\x00" + strings.Join(j.task.Sources, "\x00")
	program, ok := p[key]
	if !ok {
		var err error
		if program, err = compile(j.task.Language, j.task.Sources); err != nil {
			return nil, uncompiled(err)
		}
		if len(p) == mostPrograms {
			clear(p)
		}
		p[key] = program
	}
	return program.run(j.context, limits{statements: j.task.Statements, output: j.task.Output})
}

// uncompiled makes an error of running out of one of compiling.
func uncompiled(err error) *ScriptError {
	var syntax *SyntaxError
	if errors.As(err, &syntax) {
		return &ScriptError{Source: syntax.Source, Line: syntax.Line, Column: syntax.Column, Message: syntax.Message}
	}
	return &ScriptError{Message: clip(err.Error())}
}
