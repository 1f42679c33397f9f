// Package engine runs the units of a plan: caller's values in, one upstream
// call or flow of steps, the shaped answer out. It knows no protocol; adapters
// translate what it returns.
package engine

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"sync"

	"github.com/fairlead/fairlead/internal/budget"
	"github.com/fairlead/fairlead/internal/secret"
	"github.com/fairlead/fairlead/internal/session"
	"github.com/fairlead/fairlead/internal/upstream"
	"github.com/fairlead/fairlead/internal/value"
)

// Args is what a caller gives a unit.
type Args struct {
	// Values by index of the unit's inputs, converted by their schemas; Absent
	// where the caller gave nothing.
	Values []value.Value
	// Entity is the caller's request body as it came, for units with an input
	// AsBody whose value is Absent.
	Entity *Entity
	// Authorization is a REST caller's own header; it goes upstream only where
	// the plan says so. MCP adapters leave it empty.
	Authorization string
	// Subject is the access token of a caller whom an oauth2 guard let in, for APIs
	// that take another one in exchange (RFC 8693). It goes to their token
	// endpoints only.
	Subject secret.String
	// Principal is who calls, whose sessions the call may use; the zero one is nobody
	// in person, and Nobody says why, in a sentence for callers.
	Principal session.Principal
	Nobody    string
	// Budget is what the call may use; nil has no limit of bytes. Who invokes ends it
	// when nothing of the result is held any more.
	Budget *budget.Call
	// Trace are W3C trace context headers to pass on (traceparent, tracestate).
	Trace http.Header
}

// Entity is a request body as it came.
type Entity = upstream.Entity

// Result is an answer before any protocol touched it: a value, or the
// upstream's bytes as they come.
type Result struct {
	Method      string // of the request; "" for flows
	Status      int
	Header      http.Header // the upstream's headers that mean something to a caller
	From        *url.URL    // what was asked for, from which links in Header count; nil when there is no Header
	ContentType string      // of Raw
	Value       value.Value // the shaped answer; Absent when Raw is set or there is none
	Raw         io.ReadCloser
	Length      int64          // of Raw, -1 when not known
	Binary      bool           // Raw is not text
	masker      *secret.Masker // knows what Masked hides; nil when that is nothing
	maskers     *sync.Pool     // where it goes back to
	Hollow      bool           // the declared outputs find nothing in the answer: Value is null or empty
	Limit       int64          // bytes that an answer may have

	made  []byte // all of Raw, where it is compact JSON that was made here
	meter *budget.Meter
	own   budget.Meter // where meter points to, unless it counts for others, too
}

// counting gives r a meter of its own, a copy of m, which is done with.
func (r *Result) counting(m *budget.Meter) *Result {
	r.own = *m
	r.meter = &r.own
	return r
}

// Close releases the upstream connection of a raw answer. It may be called twice.
func (r *Result) Close() {
	if r == nil {
		return
	}
	if r.Raw != nil {
		r.Raw.Close()
	}
	if r.masker != nil {
		r.maskers.Put(r.masker)
		r.masker = nil
	}
}

// Masked is a text made of the answer without the credentials that the run held or
// sent: a model that an API tells them to must not learn them. It may be text
// itself. It changes nothing for operations, whose successes pass as they come, and
// nothing after Close.
func (r *Result) Masked(text []byte) []byte {
	if r.masker == nil {
		return text
	}
	return r.masker.MaskBytes(text)
}

// Bytes reads a raw answer, or encodes the value as JSON. More than limit bytes
// are an error of kind TooLarge.
func (r *Result) Bytes(limit int64) ([]byte, *Error) {
	if r.Raw == nil {
		if r.Value.IsAbsent() {
			return nil, nil
		}
		return r.Value.AppendJSON(nil), nil
	}
	defer r.Close()
	text, err := r.AppendRaw(nil, limit)
	if err != nil {
		return nil, err
	}
	return text, nil
}

// Made is all of Raw, where it is compact JSON that was made here, else nil. It is the
// caller's then.
func (r *Result) Made() []byte {
	text := r.made
	r.made = nil
	return text
}

// AppendRaw appends a raw answer to buf. More than limit bytes are an error of
// kind TooLarge; of any error what had come is returned, too.
func (r *Result) AppendRaw(buf []byte, limit int64) ([]byte, *Error) {
	buf, err := budget.ReadAll(r.meter, buf, r.Raw, r.Length, limit)
	switch {
	case err == nil:
		return buf, nil
	case errors.Is(err, budget.ErrTooLong), errors.Is(err, errTooLarge):
		return buf, TooLargeAnswer(limit)
	case budget.Of(err):
		e := Spent(err)
		e.Unclear = true
		return buf, e
	case errors.Is(err, context.Canceled):
		return buf, &Error{Kind: Canceled, cause: err}
	}
	return buf, &Error{Kind: Unreachable, Title: "the answer of the API broke off", Retry: true, cause: err}
}

// Meter counts what an adapter makes of the answer.
func (r *Result) Meter() *budget.Meter { return r.meter }

// Redirect is what an answer that only points elsewhere means to somebody who
// wanted data, or whose request has to be sent there: an error. It is nil for
// other answers. (The callers of REST follow it themselves, or not.)
func (r *Result) Redirect() *Error {
	if !isRedirect(r.Status) || seesOther(r.Method, r.Status) {
		return nil
	}
	e := &Error{Kind: BadAnswer, Title: "the API answered " + statusText(r.Status) + " and points elsewhere",
		Detail: "Redirects are followed on the same origin only, at most five, and of a write only 307 and 308. Nothing was read or changed where this one points."}
	if location := secret.BareURL(r.Header.Get("Location")); location != "" {
		e.Title += ": " + location
	}
	return e
}

func isRedirect(status int) bool {
	switch status {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect,
		http.StatusPermanentRedirect:
		return true
	}
	return false
}

// seesOther reports whether an answer to a write says where its result is (RFC
// 9110 section 15.4.4; many APIs say 302 for it).
func seesOther(method string, status int) bool {
	return (status == http.StatusFound || status == http.StatusSeeOther) && method != http.MethodGet &&
		method != http.MethodHead
}
