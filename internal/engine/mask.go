package engine

import (
	"bytes"
	"io"
	"maps"
	"net/http"
	"sync"

	"github.com/fairlead/fairlead/internal/secret"
	"github.com/fairlead/fairlead/internal/value"
)

// leave is the one way out of a run: no credential that the run holds or sends
// stands in what it returns, in no spelling. The body of a success passes as it
// comes: it may be a login of the caller's own.
func (r *invocation) leave(result *Result, failure *Error) (*Result, *Error) {
	if failure != nil {
		r.conceal(failure)
		return nil, failure
	}
	if isRedirection(result.Status) && result.Raw != nil {
		r.concealBody(result)
	}
	if r.unit.ForModels() && (len(r.unit.Hidden) > 0 || len(r.sent.headers) > 0 || len(r.kept.texts) > 0) {
		result.masker, result.maskers = r.masker(), &r.maskers
	}
	if !speaks(result.Header) && len(result.ContentType) < plainHeader {
		return result, nil
	}
	m := r.masker()
	defer r.maskers.Put(m)
	result.Header = maskedHeader(m, result.Header)
	result.ContentType = m.Mask(result.ContentType)
	return result, nil
}

// isRedirection reports whether a status is one of which the body is a few words
// for people (RFC 9110 section 15.4).
func isRedirection(status int) bool {
	return status >= http.StatusMultipleChoices && status < http.StatusBadRequest
}

// concealBody masks the body of a redirection. One that is longer than an error
// body may be, or that breaks off, is left out.
func (r *invocation) concealBody(result *Result) {
	body, failure := result.Bytes(maxErrorBody)
	if failure != nil {
		body, result.ContentType = nil, ""
	}
	body = r.masked(body)
	result.Raw, result.Length = io.NopCloser(bytes.NewReader(body)), int64(len(body))
}

// masked is a text without credentials.
func (r *invocation) masked(text []byte) []byte {
	m := r.masker()
	defer r.maskers.Put(m)
	return m.MaskBytes(text)
}

// conceal masks the texts of a failure, its cause among them.
func (r *invocation) conceal(e *Error) {
	m := r.masker()
	defer r.maskers.Put(m)
	r.kept.addTo(m)
	e.Title, e.Detail, e.ContentType = m.Mask(e.Title), m.Mask(e.Detail), m.Mask(e.ContentType)
	for i, f := range e.Fields {
		e.Fields[i].Problem = m.Mask(f.Problem)
	}
	e.Body, e.Header = m.MaskBytes(e.Body), maskedHeader(m, e.Header)
	if e.cause != nil {
		if text := e.cause.Error(); m.Mask(text) != text {
			e.cause = &concealed{m.Mask(text), e.cause}
		}
	}
}

// concealed is an error whose text is masked.
type concealed struct {
	text string
	error
}

func (c *concealed) Error() string { return c.text }
func (c *concealed) Unwrap() error { return c.error }

// plainHeader is the length from which the value of a header is searched. Most
// credentials are longer, most values of the headers that pass are shorter.
const plainHeader = 8

// speaks reports whether a header holds more than small numbers and words.
func speaks(h http.Header) bool {
	for _, texts := range h {
		for _, text := range texts {
			if len(text) >= plainHeader {
				return true
			}
		}
	}
	return false
}

// maskedHeader is h without credentials. The values are those of the upstream's answer,
// which is not changed.
func maskedHeader(m *secret.Masker, h http.Header) http.Header {
	var copied http.Header
	for name, texts := range h {
		for i, text := range texts {
			if clean := m.Mask(text); clean != text {
				if copied == nil {
					copied = maps.Clone(h)
				}
				texts = append(append(texts[:i:i], clean), texts[i+1:]...)
				copied[name] = texts
			}
		}
	}
	if copied != nil {
		return copied
	}
	return h
}

// masker knows the credentials of the run. It goes back to maskers.
func (r *invocation) masker() *secret.Masker {
	m, ok := r.maskers.Get().(*secret.Masker)
	if !ok {
		m = new(secret.Masker)
	}
	m.Reset()
	for _, slot := range r.unit.Hidden {
		addTexts(m, r.frame[slot])
	}
	for _, in := range r.unit.Inputs {
		for _, name := range in.SecretMembers {
			addTexts(m, r.frame[in.Slot].Get(name))
		}
	}
	if r.unit.ForModels() {
		r.kept.addTo(m)
	}
	r.sent.mu.Lock()
	defer r.sent.mu.Unlock()
	for _, header := range append(r.sent.headers, r.authorization) {
		m.AddAuthorization(header)
	}
	return m
}

// addTexts makes m look for the texts in v.
func addTexts(m *secret.Masker, v value.Value) {
	switch v.Kind() {
	case value.Array, value.Object:
		for i := range v.Len() {
			addTexts(m, v.At(i))
		}
	case value.String, value.Number:
		m.Add(v.Text())
	}
}

// sent are the headers with credentials that a run sent.
type sent struct {
	mu      sync.Mutex
	headers []string
}

func (s *sent) add(header string) {
	if header == "" {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.headers = append(s.headers, header)
}
