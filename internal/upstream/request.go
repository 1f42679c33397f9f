// Package upstream speaks to consumed APIs: it builds requests, authenticates
// them and keeps the connection pools. It is the only package that makes HTTP
// clients.
package upstream

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/fairlead/fairlead/internal/expr"
	"github.com/fairlead/fairlead/internal/template"
	"github.com/fairlead/fairlead/internal/value"
)

// Base is where an API is: Fixed, else Text over the frame, else nowhere, and
// then Problem says why.
type Base struct {
	Fixed   *url.URL
	Text    expr.Expr
	Problem string
}

// UnavailableError says that a request has nowhere to go.
type UnavailableError struct{ Reason string }

func (e *UnavailableError) Error() string { return e.Reason }

// Request is one operation bound to one unit: every part is an expression over
// the unit's frame.
type Request struct {
	Target string // namespace.operation, for messages
	Base   Base
	Auth   Auth // nil sends no credential of the operator's
	Method string
	Path   expr.Expr // rendered with values escaped as path segments; begins with a slash or is empty
	Query  expr.Expr // query that the path holds, values form-encoded; zero if none
	Params []Param
	Body   *Body // nil when the operation sends none
	Accept string
	Policy Policy // how it is sent

	Connection *Connection // nil for what is usual
}

// Place says where a parameter travels.
type Place uint8

// The places of a parameter besides path and body.
const (
	InQuery Place = iota
	InHeader
	InCookie
)

// Style says how an array or object is written into a query.
type Style uint8

// The styles. Repeat writes an array as key=a&key=b and everything that nests with
// brackets, key[name]=a and key[0][name]=a; Comma, Space and Pipe join an array;
// JSON writes JSON text.
const (
	Repeat Style = iota
	Comma
	Space
	Pipe
	JSON
)

// Param is a query, header or cookie parameter.
type Param struct {
	Name     string // header names in canonical form
	Place    Place
	Value    expr.Expr
	Required bool
	Style    Style
	From     string // the input that feeds it, for messages
}

// InputError says which values a request lacks or cannot carry.
type InputError struct {
	Missing []string // names of inputs
	Name    string   // of an input whose value is unsafe in its place
	Reason  string
}

func (e *InputError) Error() string {
	if len(e.Missing) > 0 {
		return "build request: missing " + strings.Join(e.Missing, ", ")
	}
	return "build request: " + e.Name + ": " + e.Reason
}

// Entity is a caller's body to pass on as it came.
type Entity struct {
	Body        io.Reader
	Length      int64 // -1 when not known
	ContentType string
	Encoding    string // Content-Encoding, "" for none
}

// Build makes the HTTP request: nothing is sent. own, when there is any, replaces the
// configured authentication. The Credential
// is nil unless that needs an exchange or a signature; give it to Client.Send.
// Errors are *InputError, *UnavailableError when the base URI is unusable, or
// *CredentialError.
func (r *Request) Build(f expr.Frame, entity *Entity, own Own) (*http.Request, *Credential, error) {
	u, err := r.url(f)
	if err != nil {
		return nil, nil, err
	}
	req := &http.Request{Method: r.Method, URL: u, Host: u.Host, Header: make(http.Header, 8), Proto: "HTTP/1.1",
		ProtoMajor: 1, ProtoMinor: 1}
	if r.Accept != "" {
		req.Header["Accept"] = []string{r.Accept}
	}
	var query []byte
	if !r.Query.IsZero() {
		if query, err = r.Query.Append(query, f, template.QueryValue); err != nil {
			return nil, nil, inputError(err)
		}
	}
	for i := range r.Params {
		if query, err = r.Params[i].apply(req, query, f); err != nil {
			return nil, nil, err
		}
	}
	if r.Body != nil {
		if err := r.Body.apply(req, f, entity); err != nil {
			return nil, nil, err
		}
	}
	var credential *Credential
	switch {
	case own.Authorization != "":
		req.Header["Authorization"] = []string{own.Authorization}
	case own.Session != nil:
		credential = &Credential{r.Target, &carried{own.Session, own.Carrier}}
	case r.Auth != nil:
		var by authorizer
		if query, by, err = r.Auth.apply(req, query, f); err != nil {
			return nil, nil, aimed(err, r.Target)
		}
		if by != nil {
			credential = &Credential{r.Target, by}
		}
	}
	u.RawQuery = string(query)
	return req, credential, nil
}

// At is where the API is: the base of the request's URL.
func (r *Request) At(f expr.Frame) (*url.URL, error) {
	bare := Request{Target: r.Target, Base: r.Base}
	return bare.url(f)
}

func (r *Request) url(f expr.Frame) (*url.URL, error) {
	base := r.Base.Fixed
	if r.Base.Problem != "" {
		namespace, _, _ := strings.Cut(r.Target, ".")
		return nil, &UnavailableError{"the API “" + namespace + "” cannot be reached: " + r.Base.Problem}
	}
	if base == nil {
		text, err := r.Base.Text.Append(nil, f, template.Raw)
		if err != nil {
			return nil, inputError(err)
		}
		if base, err = ParseBase(string(text)); err != nil {
			return nil, &UnavailableError{"the base URI of " + r.Target + " is " + err.Error()}
		}
		if guardedLiteral(base) {
			return nil, &UnavailableError{"the base URI of " + r.Target +
				" is a link-local address, which only a baseUri without variables may name"}
		}
	}
	path, err := r.Path.Append(make([]byte, 0, 128), f, template.PathSegment)
	if err != nil {
		return nil, inputError(err)
	}
	u := &url.URL{Scheme: base.Scheme, Host: base.Host}
	raw := Join(base.EscapedPath(), string(path))
	if strings.IndexByte(raw, '%') < 0 {
		u.Path = raw
		return u, nil
	}
	if u.Path, err = url.PathUnescape(raw); err != nil {
		return nil, &InputError{Name: "path", Reason: "is not a valid URL path"}
	}
	u.RawPath = raw
	return u, nil
}

// Join puts a base path and a path together with exactly one slash between them.
func Join(base, path string) string {
	base = strings.TrimRight(base, "/")
	if path == "" {
		if base == "" {
			return "/"
		}
		return base
	}
	return base + "/" + strings.TrimLeft(path, "/")
}

// ParseBase checks and parses a base URI: absolute, http or https, with a host.
func ParseBase(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return nil, fmt.Errorf("not a URL")
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, fmt.Errorf("not an absolute http or https URL")
	case u.Host == "" || u.User != nil:
		return nil, fmt.Errorf("no plain host")
	}
	return u, nil
}

func (p *Param) apply(req *http.Request, query []byte, f expr.Frame) ([]byte, error) {
	v, err := p.Value.Eval(f)
	if err != nil {
		return query, inputError(err)
	}
	if isEmpty(v) {
		if p.Required {
			return query, &InputError{Missing: []string{p.from()}}
		}
		return query, nil
	}
	switch p.Place {
	case InQuery:
		return p.appendQuery(query, v), nil
	case InHeader:
		text := plain(v)
		if err := template.CheckHeader(text); err != nil {
			return query, &InputError{Name: p.from(), Reason: err.Error()}
		}
		if p.Name == "Host" {
			req.Host = text
			return query, nil
		}
		req.Header[p.Name] = []string{text}
	default:
		text := plain(v)
		if strings.ContainsAny(text, ";,\"\\ \r\n\t") || template.CheckHeader(text) != nil {
			text = strings.ReplaceAll(url.QueryEscape(text), "+", "%20") // a + is one in a cookie
		}
		cookie := p.Name + "=" + text
		if earlier := req.Header["Cookie"]; len(earlier) > 0 {
			cookie = earlier[0] + "; " + cookie
		}
		req.Header["Cookie"] = []string{cookie}
	}
	return query, nil
}

func (p *Param) from() string {
	if p.From != "" {
		return p.From
	}
	return p.Name
}

// plain is the text of a header or cookie value: an array is joined with commas.
func plain(v value.Value) string {
	if v.Kind() != value.Array {
		return v.Text()
	}
	return join(v, ",")
}

func join(v value.Value, separator string) string {
	var b strings.Builder
	for i := range v.Len() {
		if i > 0 {
			b.WriteString(separator)
		}
		b.WriteString(v.At(i).Text())
	}
	return b.String()
}

// inputError turns what a template says into what a caller can mend.
func inputError(err error) error {
	switch e := err.(type) {
	case *template.MissingError:
		return &InputError{Missing: e.Names}
	case *template.UnsafeError:
		return &InputError{Name: e.Name, Reason: e.Reason}
	default:
		return err
	}
}

// setBody gives req a body that can be sent again.
func setBody(req *http.Request, body []byte, contentType string) {
	req.Body = io.NopCloser(bytes.NewReader(body))
	req.ContentLength = int64(len(body))
	req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	if contentType != "" && req.Header["Content-Type"] == nil {
		req.Header["Content-Type"] = []string{contentType}
	}
	if len(body) == 0 {
		req.Body = http.NoBody
	}
}
