package engine

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/fairlead/fairlead/internal/budget"
	"github.com/fairlead/fairlead/internal/format"
	"github.com/fairlead/fairlead/internal/value"
)

// Kind says who has to act on an error.
type Kind uint8

// The kinds, and who has to act.
const (
	BadInput     Kind = iota // the caller
	Answered                 // the API answered a status of 400 or more
	BadAnswer                // the API answered what it should not
	TooLarge                 // the API answered too much
	Unreachable              // the API: no answer
	TimedOut                 // the API: no answer in time
	Unavailable              // the operator: an API that has no address, a secret that is not set
	Denied                   // the caller: it may not
	Canceled                 // nobody: the caller went away
	Busy                     // Fairlead: other calls hold the memory that this one needs
	Internal                 // Fairlead
	Looped                   // the operator: calls of Fairlead lead to Fairlead again
	SignInNeeded             // the caller: nobody is signed in at the API
	Held                     // the API: it fails, or takes no more calls; it was not asked
)

// kinds are the names that problem types end in, which are stable, and the status
// that an HTTP caller gets.
var kinds = [...]struct {
	name   string
	status int
}{
	BadInput: {"bad-input", http.StatusBadRequest}, Answered: {"upstream-status", http.StatusBadGateway},
	BadAnswer: {"bad-answer", http.StatusBadGateway},
	TooLarge:  {"too-large", http.StatusBadGateway}, Unreachable: {"unreachable", http.StatusBadGateway},
	TimedOut:    {"timeout", http.StatusGatewayTimeout},
	Unavailable: {"unavailable", http.StatusServiceUnavailable}, Denied: {"denied", http.StatusForbidden},
	Canceled: {"canceled", 499},
	Busy:     {"busy", http.StatusServiceUnavailable}, Internal: {"internal", http.StatusInternalServerError},
	Looped: {"loop", http.StatusLoopDetected}, SignInNeeded: {"sign-in", http.StatusServiceUnavailable},
	Held: {"held-back", http.StatusServiceUnavailable},
}

// String is the stable name that problem types end in.
func (k Kind) String() string { return kinds[k].name }

// forOperator reports whether it is the operator who has to act.
func (k Kind) forOperator() bool { return k == Unavailable || k == Internal || k == Looped }

// Error is why a unit gave no answer. Title and Detail are safe to show to
// anybody: they hold no secret, no path of the machine and no name of the code.
type Error struct {
	Kind   Kind
	Status int    // that the API answered; 0 is that of the kind
	Title  string // what went wrong, a clause without a full stop
	Detail string // what to do, sentences; may be empty
	Fields []Field
	Step   string // the failing step of a flow
	Retry  bool   // the same call may succeed later
	// OwnCredential says that a caller may bring a credential of their own instead
	// of the one that cannot be had.
	OwnCredential bool
	// SignIn says at what, for kind SignInNeeded.
	SignIn *SignIn
	// Unclear says that the API took the request, and perhaps did what it asks.
	Unclear bool

	// The upstream's own answer, for kind Answered.
	Header      http.Header
	From        *url.URL // what was asked for, from which links in Header count
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

// Code is the status that an HTTP caller gets.
func (e *Error) Code() int {
	if e.Status != 0 {
		return e.Status
	}
	return kinds[e.Kind].status
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
	return errorMessage(v, 4)
}

// Spent is what a call is told that is over its budget: err is that of a meter.
func Spent(err error) *Error {
	switch {
	case errors.Is(err, context.Canceled):
		return &Error{Kind: Canceled, Title: "the caller went away", cause: err}
	case errors.Is(err, context.DeadlineExceeded):
		return &Error{Kind: TimedOut, Title: "the time of the call was over before its answer was ready",
			Detail: "Ask for less (a page, a filter).", Retry: true, cause: err}
	case errors.Is(err, budget.ErrFull):
		return &Error{Kind: Busy, Title: "too much is going on here at the moment",
			Detail: "Other calls hold the memory for answers.", Retry: true,
			Header: http.Header{"Retry-After": {"2"}}, cause: err}
	case errors.Is(err, budget.ErrLarge):
		return &Error{Kind: TooLarge, Title: "the answer takes more memory than there is for all calls",
			Detail: "Ask for less (a page, a filter), or raise --max-memory.", cause: err}
	}
	return &Error{Kind: TooLarge, Title: "the answer takes too much work to read and to map",
		Detail: "Ask for less (a page, a filter), or map it more simply (fewer wildcards and filters in one another).", cause: err}
}

// Unreadable is an answer of a good status that is not what it should be. What was
// asked may be done all the same.
func Unreadable(title, detail string) *Error {
	return &Error{Kind: BadAnswer, Title: title, Detail: detail, Unclear: true}
}

// BrokenOff is an answer of who that ends in the middle of its JSON.
func BrokenOff(who, detail string) *Error {
	e := Unreadable(who+" answered JSON that breaks off", detail)
	e.Retry = true
	return e
}

// TooLargeAnswer is an answer of more than limit bytes.
func TooLargeAnswer(limit int64) *Error {
	return &Error{Kind: TooLarge, Title: "the answer of the API is larger than " + budget.SizeText(limit),
		Detail: "Ask for less (a page, a filter), or raise the limit.", Unclear: true}
}
