package script

import (
	"bufio"
	"bytes"
	"errors"
	"testing"

	"github.com/fairlead/fairlead/internal/value"
)

func FuzzCheck(f *testing.F) {
	for _, seed := range []string{"", "x = 1", "def f(x):\n    return x\n", "if 1:\n  pass\nelif 2:\n\tpass",
		"x = [1 for y in z]", "load('a', 'b')", "f'{x}'", "\xff", "\xef", "\ufeff", "\ufffd"} {
		f.Add(seed, "")
		f.Add("y = 2", seed)
	}
	f.Fuzz(func(t *testing.T, source, dependency string) {
		p, err := Check("python", source, dependency)
		if err == nil {
			if _, syntax := compileStarlark(p.sources()); syntax != nil {
				err = syntax
			}
		}
		var refused *SyntaxError
		switch {
		case err == nil && p.Language != Starlark:
			t.Errorf("got %+v", p)
		case err != nil && !errors.As(err, &refused):
			t.Errorf("got %v", err)
		case err != nil && (refused.Line < 1 || refused.Source < 0 || refused.Source > 1):
			t.Errorf("got %+v", refused)
		}
	})
}

func FuzzWork(f *testing.F) {
	greeting, _ := appendMessage(nil, hello{})
	job, _ := request(task{Compile: true, Language: Starlark, Sources: []string{"x = 1"}, Output: 1}, value.Nil())
	f.Add(append(greeting, job...))
	f.Add([]byte("\x00\x00\x00\x02{}\x00\x00\x00\x02{}"))
	f.Fuzz(func(t *testing.T, input []byte) {
		r := bufio.NewReader(bytes.NewReader(input))
		var h hello
		if readMessage(r, smallFrame, &h) == nil {
			for {
				if _, err := readJob(r); err != nil {
					break
				}
			}
		}
	})
}
