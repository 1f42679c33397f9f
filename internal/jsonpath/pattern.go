package jsonpath

import (
	"errors"
	"io"
	"regexp"
	"regexp/syntax"
	"unicode/utf8"

	"github.com/fairlead/fairlead/internal/budget"
)

// maxProgram is how many instructions a pattern may have. Go matches in time
// that grows with the length of the text times this, and never more.
const maxProgram = 5000

var errLargePattern = errors.New("the pattern repeats too much to be matched")

// pattern is a regular expression whose cost is known.
type pattern struct {
	*regexp.Regexp
	size int // instructions
}

// CompilePattern compiles a pattern in Go's syntax, and says how many instructions
// it has. One that has too many is refused before anything is made of it.
func CompilePattern(source string) (compiled *regexp.Regexp, size int, err error) {
	p, err := compilePattern(source)
	if err != nil {
		return nil, 0, err
	}
	return p.Regexp, p.size, nil
}

// compilePattern compiles a pattern in Go's syntax. Its size is counted before
// anything is made of it.
func compilePattern(source string) (*pattern, error) {
	tree, err := syntax.Parse(source, syntax.Perl)
	if err != nil {
		return nil, err
	}
	size := programSize(tree)
	if size > maxProgram {
		return nil, errLargePattern
	}
	compiled, err := regexp.Compile(source)
	if err != nil {
		return nil, err
	}
	return &pattern{compiled, size}, nil
}

// programSize is about how many instructions a pattern compiles to; beyond
// maxProgram it counts no further.
func programSize(tree *syntax.Regexp) int {
	size := 1
	switch tree.Op {
	case syntax.OpLiteral:
		size = len(tree.Rune)
	case syntax.OpCharClass:
		size += len(tree.Rune) / 256 // ranges, among which is searched by halves
	}
	for _, part := range tree.Sub {
		if size += programSize(part); size > maxProgram {
			return size
		}
	}
	if tree.Op == syntax.OpRepeat {
		size *= max(tree.Min, tree.Max, 1)
	}
	return size
}

// Below this product of text and program a match is so short that it is not worth
// being stopped.
const shortMatch = 1 << 16

// threads is how many instructions of a program are looked at in one step.
const threads = 2

// matches reports whether the pattern matches text. A long match ends, and is
// none, when the meter fails.
func (p *pattern) matches(in scope, text string) bool {
	work := len(text) * p.size / threads
	if in.meter == nil || work < shortMatch {
		return in.meter.Steps(1+work/64) && p.MatchString(text)
	}
	return p.MatchReader(&metered{text, in.meter, 1 + p.size/threads}) && in.meter.Err() == nil
}

// metered is a text that ends when the meter fails.
type metered struct {
	text  string
	meter *budget.Meter
	cost  int // steps for a rune
}

func (r *metered) ReadRune() (c rune, size int, err error) {
	if r.text == "" || !r.meter.Steps(r.cost) {
		return 0, 0, io.EOF
	}
	c, size = utf8.DecodeRuneInString(r.text)
	r.text = r.text[size:]
	return c, size, nil
}
