package engine

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/fairlead/fairlead/internal/value"
)

// Kind says who has to act on an error.
type Kind uint8

// The kinds, with the HTTP status a REST caller gets.
const (
	BadInput    Kind = iota // caller: 400
	Answered                // upstream answered a status of 400 or more: that status
	BadAnswer               // upstream answered what it should not: 502
	TooLarge                // upstream answered too much: 502; caller sent too much: 413
	Unreachable             // no answer: 502
	TimedOut                // no answer in time: 504
	Unavailable             // operator: a withheld upstream, an open circuit, a secret that is not set: 503
	Denied                  // caller: 401 or 403
	Canceled                // the caller went away: 499, seen by nobody
	Internal                // Fairlead: 500
)

var kindNames = [...]string{"bad-input", "upstream-status", "bad-answer", "too-large", "unreachable", "timeout", "unavailable", "denied", "canceled", "internal"}

// String is the stable name that problem types end in.
func (k Kind) String() string { return kindNames[k] }

// Error is why a unit gave no answer. Title and Detail are safe to show to
// anybody: they hold no secret, no path of the machine and no name of the code.
type Error struct {
	Kind   Kind
	Status int    // HTTP status for a REST caller
	Title  string // what went wrong, a clause without a full stop
	Detail string // what to do, sentences; may be empty
	Fields []Field
	Step   string // the failing step of a flow
	Retry  bool   // the same call may succeed later

	// The upstream's own answer, for kind Answered.
	Header      http.Header
	ContentType string
	Body        []byte

	cause error // for the log only
}

// Field is what is wrong with one input.
type Field struct{ Name, Problem string }

// Error makes it an error; the text is for logs and is as safe as Title.
func (e *Error) Error() string {
	var b strings.Builder
	if e.Step != "" {
		fmt.Fprintf(&b, "step %s: ", e.Step)
	}
	b.WriteString(e.Title)
	for i, f := range e.Fields {
		sep := "; "
		if i == 0 {
			sep = ": "
		}
		b.WriteString(sep + f.Name + " " + f.Problem)
	}
	return b.String()
}

// Unwrap returns the cause, which may hold what must not be shown.
func (e *Error) Unwrap() error { return e.cause }

// Message is what the upstream's error body says in its own words: the first of
// the members that APIs use for it, else the beginning of a short text body.
func (e *Error) Message() string {
	v, err := value.Parse(e.Body)
	if err != nil {
		text := strings.TrimSpace(string(e.Body))
		if len(text) <= 200 && !strings.HasPrefix(text, "<") {
			return text
		}
		return ""
	}
	for _, path := range [][]string{{"message"}, {"error", "message"}, {"error_description"}, {"detail"}, {"title"}, {"error"}, {"msg"}, {"reason"}} {
		if m := v.Path(path...); m.Kind() == value.String && m.Text() != "" {
			return m.Text()
		}
	}
	if first := v.Get("errors"); first.Kind() == value.Array && first.Len() > 0 {
		if m := first.At(0).Get("message"); m.Kind() == value.String {
			return m.Text()
		}
		if first.At(0).Kind() == value.String {
			return first.At(0).Text()
		}
	}
	return ""
}

func tooLarge(limit int64) *Error {
	return &Error{Kind: TooLarge, Status: http.StatusBadGateway, Title: fmt.Sprintf("the answer of the API is larger than %d bytes", limit),
		Detail: "Ask for less (a page, a filter), or raise the limit."}
}
