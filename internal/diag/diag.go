// Package diag holds what Fairlead has to say about a document: diagnostics
// with a stable code, the place of the culprit, one sentence that says what is
// wrong and one that says what to do.
package diag

import (
	"cmp"
	"fmt"
	"slices"
)

// Severity orders diagnostics by what they cost the author.
type Severity uint8

// Info changes nothing; a Warning is probably not what the author meant; an
// Error keeps something from being served.
const (
	Info Severity = iota
	Warning
	Error
)

// String is the lower-case name, as JSON output carries it.
func (s Severity) String() string { return [...]string{"info", "warning", "error"}[s] }

// MarshalText makes Severity print as its name.
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Pos is a place in a file. Line and Column count from 1, Column in Unicode
// code points; a zero Line is "the file as a whole".
type Pos struct{ Line, Column int }

// Range is a stretch of one file, End exclusive. A zero End is the end of the
// word at Start.
type Range struct {
	File       string
	Start, End Pos
}

// String is file:line:column.
func (r Range) String() string {
	if r.Start.Line == 0 {
		return r.File
	}
	return fmt.Sprintf("%s:%d:%d", r.File, r.Start.Line, r.Start.Column)
}

// Related points at another place that the diagnostic speaks of.
type Related struct {
	Range   Range
	Message string
}

// Diagnostic is one finding.
type Diagnostic struct {
	Code     string // stable, see docs/diagnostics.md
	Severity Severity
	Range    Range
	Message  string // what is wrong, one sentence
	Hint     string // what to do, one sentence
	Related  []Related
}

// Error makes a Diagnostic usable as an error.
func (d Diagnostic) Error() string {
	s := fmt.Sprintf("%s: %s: %s [%s]", d.Range, d.Severity, d.Message, d.Code)
	if d.Hint != "" {
		s += " " + d.Hint
	}
	return s
}

// List collects diagnostics. The zero List is ready to use; each phase appends
// to the one it was handed.
type List []Diagnostic

// Add appends a diagnostic of the code, with its registered severity.
func (l *List) Add(code *Code, at Range, hint, format string, args ...any) {
	*l = append(*l, Diagnostic{Code: code.ID, Severity: code.Severity, Range: at,
		Message: fmt.Sprintf(format, args...), Hint: hint})
}

// Count returns how many diagnostics have the severity.
func (l List) Count(s Severity) (n int) {
	for _, d := range l {
		if d.Severity == s {
			n++
		}
	}
	return n
}

// MostAlike is how many findings of one code a list keeps. More tell nobody more,
// and a document can make them by the hundred thousand.
const MostAlike = 1000

// Cap leaves the first findings of each code, in the order of the list, and says
// with the last of them that there are more.
func (l *List) Cap() {
	seen := map[string]int{}
	last := map[string]int{} // of each code, where the list keeps it
	kept := (*l)[:0]
	for _, d := range *l {
		if seen[d.Code]++; seen[d.Code] <= MostAlike {
			last[d.Code] = len(kept)
			kept = append(kept, d)
		}
	}
	for code, n := range seen {
		if n > MostAlike {
			kept[last[code]].Message += "; more findings of this kind are not listed"
		}
	}
	*l = kept
}

// Sort orders by file, place, severity (gravest first) and code, and drops exact repeats.
func (l *List) Sort() {
	slices.SortStableFunc(*l, func(a, b Diagnostic) int {
		return cmp.Or(
			cmp.Compare(a.Range.File, b.Range.File),
			cmp.Compare(a.Range.Start.Line, b.Range.Start.Line),
			cmp.Compare(a.Range.Start.Column, b.Range.Start.Column),
			cmp.Compare(b.Severity, a.Severity),
			cmp.Compare(a.Code, b.Code),
		)
	})
	*l = slices.CompactFunc(*l, func(a, b Diagnostic) bool {
		return a.Code == b.Code && a.Range == b.Range && a.Message == b.Message
	})
}
