package script

import (
	"fmt"
	"time"

	"github.com/fairlead/fairlead/internal/budget"
)

// LanguageError reports a language that scripts cannot be written in.
type LanguageError struct {
	Language string // as the document has it
}

func (e *LanguageError) Error() string {
	return fmt.Sprintf("script language %q is not supported: use javascript or starlark (a subset of Python)",
		e.Language)
}

// SyntaxError reports a source that cannot be compiled. Line and Column count
// from 1. Source is 0 for the script and n for its n-th dependency.
type SyntaxError struct {
	Source, Line, Column int
	Message              string
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("compile script: %s%s", e.Message, position(e.Source, e.Line, e.Column))
}

// ScriptError reports a script that ran and failed: an exception, a limit of
// its engine, a result that is not JSON or too long. Line and Column are 0 when
// the place is not known; Source is as in SyntaxError. Message is the script's
// own text, of at most a kilobyte, and may hold data of its context.
type ScriptError struct {
	Source, Line, Column int
	Message              string
}

func (e *ScriptError) Error() string {
	return fmt.Sprintf("run script: %s%s", e.Message, position(e.Source, e.Line, e.Column))
}

func position(source, line, column int) string {
	switch {
	case line == 0:
		return ""
	case source == 0:
		return fmt.Sprintf(" (line %d, column %d)", line, column)
	default:
		return fmt.Sprintf(" (dependency %d, line %d, column %d)", source, line, column)
	}
}

// TimeoutError reports a script that was killed because it ran for too long.
type TimeoutError struct {
	After   time.Duration
	Crowded bool // it had time left, and others waited
}

func (e *TimeoutError) Error() string {
	if e.Crowded {
		return fmt.Sprintf("run script: not finished after %v, while other scripts wait and others that take long run", e.After)
	}
	return fmt.Sprintf("run script: not finished after %v", e.After)
}

// MemoryError reports a script that was killed because it used too much memory.
type MemoryError struct {
	Limit int64 // bytes
}

func (e *MemoryError) Error() string {
	return "run script: more than " + budget.SizeText(e.Limit) + " of memory used"
}

// CrashError reports that a worker process ended, or answered nonsense, while
// it ran a script. Detail says how it ended, never what the script printed.
type CrashError struct {
	Detail string
}

func (e *CrashError) Error() string { return "run script: the worker process failed: " + e.Detail }

// RefusedError reports a script that the operator does not let run.
type RefusedError struct{ Reason string }

func (e *RefusedError) Error() string { return "run script: " + e.Reason }
