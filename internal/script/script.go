// Package script runs the script steps of flows: JavaScript (goja) and the
// Starlark subset of Python, each script in a worker process of its own binary
// that has no files, no network, no environment and a hard limit on memory and
// time. No engine written in Go can stop every hostile script from inside (a
// built-in such as Array.prototype.fill heeds no interrupt), a process can be
// killed.
//
// A script sees one variable, context, with the runtime parameters of the flow;
// what it leaves in the global variable result is its answer. In JavaScript
// result may be declared with var, let or const, or merely assigned.
//
// What the languages make of JSON and back:
//
//   - Integers keep all their digits. JavaScript gets those beyond 2^53-1 as
//     BigInt, because a number would round them: to mix one with a number,
//     convert it (Number(id), String(id)). Numbers with a fraction or exponent
//     are 64-bit floats.
//   - Members keep their order, except that JavaScript puts names that are
//     array indexes first.
//   - What JSON cannot hold (NaN, an infinity, a Map, a Set, a Promise that waits
//     for ever, a dict key that is neither text nor integer) is an error that
//     names its place in result. As with JSON.stringify, undefined and functions
//     are left out of objects and are null in arrays, and toJSON is heeded.
//   - result that is not assigned (JavaScript: or undefined) is Absent.
//
// Starlark is Python without import, class, try, with, f-strings and set
// literals; sum and round are added. A script that says python runs when it is
// Starlark too, and is refused with the position of what is not.
package script

import (
	"strings"
	"unicode/utf8"
)

// The names of the languages, as Program.Language holds them.
const (
	JavaScript = "javascript"
	Starlark   = "starlark"
)

// MaxSource is how many bytes one source may have. It bounds what Check costs.
const MaxSource = 512 << 10

// Program is a script that Check made. It is data: it may be kept, copied and
// run any number of times, at once too.
type Program struct {
	Language     string   // JavaScript or Starlark
	Source       string   // the script
	Dependencies []string // sources evaluated before it, in order, in the same scope
	Statements   int      // that a run may execute; 0 is the pool's limit
}

// sources returns the dependencies and then the script.
func (p *Program) sources() []string {
	return append(p.Dependencies[:len(p.Dependencies):len(p.Dependencies)], p.Source)
}

// canonical maps what documents write to the language meant.
var canonical = map[string]string{
	"javascript": JavaScript, "js": JavaScript,
	"starlark": Starlark, "python": Starlark,
}

// Check makes a Program of source and the dependencies that run before it in the
// same scope. The language is javascript (js) or starlark (python), in any case;
// another one is a *LanguageError. Text that is too long or not UTF-8 is a
// *SyntaxError.
//
// Check does not parse, Pool.Check does: with goja's parser, forty nested arrow
// functions take years and ten thousand labels all of the memory, and no parser
// of a language is made for texts that want to harm.
func Check(language, source string, dependencies ...string) (*Program, error) {
	name, ok := canonical[strings.ToLower(language)]
	if !ok {
		return nil, &LanguageError{Language: language}
	}
	p := &Program{Language: name, Source: plain(source)}
	for _, text := range dependencies {
		p.Dependencies = append(p.Dependencies, plain(text))
	}
	for i, text := range p.sources() {
		if err := checkText(text); err != nil {
			err.Source = sourceNumber(i, len(dependencies))
			return nil, err
		}
	}
	return p, nil
}

// plain drops a byte order mark.
func plain(text string) string { return strings.TrimPrefix(text, "\ufeff") }

func checkText(text string) *SyntaxError {
	if len(text) > MaxSource {
		return &SyntaxError{Line: 1, Column: 1, Message: "the source is longer than 512 KiB"}
	}
	line, column := 1, 1
	for i, letter := range text {
		if letter == utf8.RuneError && !strings.HasPrefix(text[i:], "\ufffd") {
			return &SyntaxError{Line: line, Column: column, Message: "the source is not UTF-8"}
		}
		column++
		if letter == '\n' {
			line, column = line+1, 1
		}
	}
	return nil
}

// sourceNumber turns an index of Program.sources into what errors carry: 0 for
// the script, 1 for the first dependency.
func sourceNumber(index, dependencies int) int { return (index + 1) % (dependencies + 1) }

// compiled is a script ready to run. It is immutable.
type compiled interface {
	// run evaluates the script with context, a JSON text, in a scope that nothing
	// survives. The answer is JSON, or nil for no result.
	run(context []byte, lim limits) ([]byte, *ScriptError)
}

// limits are those that the engines themselves enforce.
type limits struct {
	statements int // Starlark only
	output     int // bytes of JSON
}

// compile compiles sources, the script last. It is for workers.
func compile(language string, sources []string) (compiled, *SyntaxError) {
	if language == Starlark {
		return compileStarlark(sources)
	}
	return compileJavaScript(sources)
}
