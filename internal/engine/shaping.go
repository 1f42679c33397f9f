package engine

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"regexp"
	"strings"

	"github.com/fairlead/fairlead/internal/budget"
	"github.com/fairlead/fairlead/internal/event"
	"github.com/fairlead/fairlead/internal/format"
	"github.com/fairlead/fairlead/internal/plan"
	"github.com/fairlead/fairlead/internal/shape"
	"github.com/fairlead/fairlead/internal/value"
)

// shape decodes and maps an answer. Models do not get the parts of it that are
// declared secret.
func (r *invocation) shape(ctx context.Context, result *Result, c *plan.Call, program *shape.Program, body []byte,
	contentType string) (*Result, *Error) {
	m := result.meter
	hides := r.hides(c)
	if c.Format == format.JSON && program.Streamable() && !hides && !format.IsHTML(contentType, body) {
		if text, err := format.Charset(body, contentType); err == nil {
			if out, ok, err := program.Stream(m, nil, text); err == nil && ok && !mayBeHollow(out) {
				return rawJSON(result, out), nil
			}
		}
	}
	v, failure := r.decode(m, c, body, contentType)
	if failure != nil {
		return nil, failure
	}
	if hides {
		v = r.keep(m, c.Secrets, v)
	}
	if result, failure = r.project(ctx, result, c, program, v); failure == nil && hides {
		result.Value = r.keep(m, r.unit.Secret, result.Value)
		failure = r.spent(m)
	}
	if failure != nil {
		return nil, failure
	}
	return result, nil
}

// shapeText is shape for formats that become JSON text without a tree, which would
// take several times the memory; nil, nil where that needs a tree all the same.
func (r *invocation) shapeText(result *Result, c *plan.Call, body []byte, contentType string) (*Result, *Error) {
	program := r.unit.Output
	if c.Format == format.JSON || !program.Identity() && !program.Streamable() || r.hides(c) ||
		format.IsHTML(contentType, body) {
		return nil, nil
	}
	m, limit := result.meter, r.client.Limits().Response
	text, ok, err := c.Decoder.JSON(m, body, contentType, limit)
	failure := r.spent(m)
	switch {
	case failure != nil:
		return nil, failure
	case err == budget.ErrTooLong && program.Identity():
		return nil, TooLargeAnswer(limit)
	case !ok, err != nil, len(text) == 0, text[0] == '"': // of which the tree says more
		return nil, nil
	case program.Identity():
		if startsFailed.Match(text) {
			return nil, nil
		}
		return rawJSON(result, text), nil
	}
	if out, ok, err := program.Stream(m, nil, text); err == nil && ok && !mayBeHollow(out) {
		return rawJSON(result, out), nil
	}
	return nil, r.spent(m)
}

// decode reads an answer.
func (r *invocation) decode(m *budget.Meter, c *plan.Call, body []byte, contentType string) (value.Value, *Error) {
	if format.IsHTML(contentType, body) && c.Format != format.HTML && c.Format != format.Text &&
		c.Format != format.XML && c.Format != format.Markdown {
		return value.Value{}, htmlAnswer(c)
	}
	v, err := c.Decoder.Decode(m, body, contentType)
	if failure := r.spent(m); failure != nil {
		return v, failure
	}
	if err != nil {
		e := Unreadable(c.Request.Target+" answered what is not "+c.Format.String(), err.Error())
		if c.Format == format.JSON && errors.Is(err, io.ErrUnexpectedEOF) {
			e = BrokenOff(c.Request.Target, "")
		}
		if e.cause = err; c.AnswersSecret() || r.hides(c) { // any part of it may be the secret
			e.Detail, e.cause, e.Unclear = "", nil, true
		}
		return v, e
	}
	return v, nil
}

// project maps a decoded answer.
func (r *invocation) project(ctx context.Context, result *Result, c *plan.Call, program *shape.Program,
	v value.Value) (*Result, *Error) {
	if v.IsAbsent() {
		return result, nil
	}
	m := result.meter
	shaped, found := program.Apply(m, v)
	if failure := r.spent(m); failure != nil {
		return nil, failure
	}
	if program.Identity() && failsQuery(v) || !program.Identity() && (!found || isHollow(shaped)) && refuses(v) {
		return nil, r.refused(c, v)
	}
	if v = shaped; !found {
		v = r.nothing(ctx, result, program)
	}
	if failure := r.fits(m, v); failure != nil {
		return nil, failure
	}
	result.Value = v
	return result, nil
}

// nothing is the answer in which the outputs of program find nothing. The answer
// itself may hold what the author left out.
func (r *invocation) nothing(ctx context.Context, result *Result, program *shape.Program) value.Value {
	result.Hollow = true
	r.notice(ctx, event.Problem{Title: "the declared outputs find nothing in the answer", Minor: true})
	return program.Nothing()
}

// fits takes what v costs as JSON text, which an adapter makes of it. A mapping can
// repeat an answer as often as it likes.
func (r *invocation) fits(m *budget.Meter, v value.Value) *Error {
	limit := r.client.Limits().Response
	size, ok := v.JSONSize(m, limit)
	if ok && m.Hold(size) {
		return nil
	}
	if failure := r.spent(m); failure != nil {
		return failure
	}
	return TooLargeAnswer(limit)
}

// mayBeHollow reports whether a shaped answer is so small that it may hold
// nothing; a larger one holds more than the names that the document gave.
func mayBeHollow(text []byte) bool {
	const small = 256
	if len(text) > small {
		return false
	}
	for i := range len(text) - 1 { // most hold something early on
		if (text[i] == ':' || text[i] == '[') && !strings.ContainsRune("n{[] ", rune(text[i+1])) {
			return false
		}
	}
	v, err := value.Parse(text)
	return err == nil && isHollow(v)
}

// isHollow reports whether nothing was found for any part of a shaped answer.
func isHollow(v value.Value) bool {
	switch v.Kind() {
	case value.Object, value.Array:
		for i := range v.Len() {
			if !isHollow(v.At(i)) {
				return false
			}
		}
		return true
	}
	return v.Kind() <= value.Null
}

// refuses reports whether an answer of a good status says that something went
// wrong, as those of GraphQL do (October 2021 edition, section 7.1), and of APIs
// that say “ok” or “success” themselves.
func refuses(v value.Value) bool {
	if v.Kind() != value.Object {
		return false
	}
	if failsQuery(v) {
		return true
	}
	for _, name := range []string{"ok", "success"} {
		if said := v.Get(name); said.Kind() == value.Bool && !said.True() {
			return true
		}
	}
	return false
}

// failsQuery reports whether an answer is that of a GraphQL API to a request that
// failed as a whole.
func failsQuery(v value.Value) bool {
	return v.Kind() == value.Object && v.Get("errors").Kind() == value.Array && v.Get("errors").Len() > 0 &&
		v.Get("data").Kind() <= value.Null
}

// startsFailed is how answers begin of which failsQuery may be true.
var startsFailed = regexp.MustCompile(`^\s*\{\s*("errors"\s*:\s*\[|"data"\s*:\s*null)`)

// mayFail makes an unmapped answer to a tool's POST a failure where failsQuery is
// true of it. The answer is read only if it begins like one.
func (r *invocation) mayFail(ctx context.Context, result *Result, c *plan.Call) (*Result, *Error) {
	body := bufio.NewReaderSize(result.Raw, beginning)
	start, _ := body.Peek(beginning) // an error comes again when it is read
	result.Raw = struct {
		io.Reader
		io.Closer
	}{body, result.Raw}
	if !startsFailed.Match(start) {
		return result, nil
	}
	text, failure := result.Bytes(r.client.Limits().Response)
	if failure != nil {
		return nil, failure
	}
	if v, err := value.ParseWithin(r.meter(ctx), text); err == nil && failsQuery(v) {
		return nil, r.refused(c, v)
	}
	result.Raw, result.Length = io.NopCloser(bytes.NewReader(text)), int64(len(text))
	return result, nil
}

func (r *invocation) refused(c *plan.Call, v value.Value) *Error {
	e := Unreadable(c.Request.Target+" answered an error with a good status", "")
	if message := errorMessage(v, 4); message != "" {
		e.Title += ": " + message
	}
	return e
}
