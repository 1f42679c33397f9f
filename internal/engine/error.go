package engine

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/fairlead/fairlead/internal/budget"
	"github.com/fairlead/fairlead/internal/format"
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
	Busy                    // Fairlead: other calls hold the memory that this one needs: 503
	Internal                // Fairlead: 500
	Looped                  // operator: calls of Fairlead lead to Fairlead again: 508
)

var kindNames = [...]string{"bad-input", "upstream-status", "bad-answer", "too-large", "unreachable", "timeout", "unavailable", "denied", "canceled", "busy", "internal", "loop"}

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
	// Unclear says that the API took the request, and perhaps did what it asks.
	Unclear bool

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
// the members that APIs use for it, in JSON or XML, else the beginning of a short
// text body.
func (e *Error) Message() string {
	v, err := value.Parse(e.Body)
	text := strings.TrimSpace(string(e.Body))
	switch {
	case err == nil:
	case strings.HasPrefix(text, "<") && !format.IsHTML(e.ContentType, e.Body):
		d, _ := format.New(format.XML, format.Schema{}) // which it does not need
		if v, err = d.Decode(nil, e.Body, e.ContentType); err != nil {
			return ""
		}
	case len(text) <= 200 && !strings.HasPrefix(text, "<"):
		return text
	default:
		return ""
	}
	return said(v, 4)
}

// Spent is what a call is told that is over its budget: err is one of package budget.
func Spent(err error) *Error {
	switch {
	case errors.Is(err, budget.ErrFull):
		return &Error{Kind: Busy, Status: http.StatusServiceUnavailable, Title: "too much is going on here at the moment",
			Detail: "Try again in a few seconds.", Retry: true, Header: http.Header{"Retry-After": {"2"}}, cause: err}
	case errors.Is(err, budget.ErrLarge):
		return &Error{Kind: TooLarge, Status: http.StatusBadGateway, Title: "the answer takes more memory than there is for all calls",
			Detail: "Ask for less (a page, a filter), or raise --max-memory.", cause: err}
	}
	return &Error{Kind: TooLarge, Status: http.StatusBadGateway, Title: "the answer takes too much work to read and to map",
		Detail: "Ask for less (a page, a filter), or map it more simply (fewer wildcards and filters in one another).", cause: err}
}

// Unreadable is an answer of a good status that is not what it should be. What was
// asked may be done all the same.
func Unreadable(title, detail string) *Error {
	return &Error{Kind: BadAnswer, Status: http.StatusBadGateway, Title: title, Detail: detail, Unclear: true}
}

// BrokenOff is an answer of who that ends in the middle of its JSON.
func BrokenOff(who, detail string) *Error {
	e := Unreadable(who+" answered JSON that breaks off", detail)
	e.Retry = true
	return e
}

// TooLargeAnswer is an answer of more than limit bytes.
func TooLargeAnswer(limit int64) *Error {
	return &Error{Kind: TooLarge, Status: http.StatusBadGateway, Title: fmt.Sprintf("the answer of the API is larger than %d bytes", limit),
		Detail: "Ask for less (a page, a filter), or raise the limit.", Unclear: true}
}
