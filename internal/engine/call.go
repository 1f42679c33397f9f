package engine

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/fairlead/fairlead/internal/budget"
	"github.com/fairlead/fairlead/internal/event"
	"github.com/fairlead/fairlead/internal/expr"
	"github.com/fairlead/fairlead/internal/format"
	"github.com/fairlead/fairlead/internal/plan"
	"github.com/fairlead/fairlead/internal/secret"
	"github.com/fairlead/fairlead/internal/session"
	"github.com/fairlead/fairlead/internal/upstream"
	"github.com/fairlead/fairlead/internal/value"
)

// invocation is one invocation.
type invocation struct {
	*Engine
	unit          *plan.Unit
	slots         *expr.Frame // to be released
	frame         expr.Frame
	args          *Args
	authorization string
	status        int         // that the last step of a flow got; 0 when it is no call
	header        http.Header // of that answer, where it only points on
	from          *url.URL    // what was asked for there
	trusted       http.Header // headers of the caller that pass on; forwarding only
	codings       string      // the caller's Accept-Encoding, where an encoded answer may pass; forwarding only
	sent          sent
	kept          kept
	lacking       *Error      // why the configured credential cannot be sent; a session may serve instead
	with          *held       // the session that a unit acts on which is one operation of it
	signed        atomic.Bool // a call was sent in a session
	end           time.Time   // when the call's time is up
	events        *event.Stream
	call          *event.Call // for the events; nil where nobody listens
}

// meter counts what one goroutine of the run does.
func (r *invocation) meter(ctx context.Context) *budget.Meter {
	return budget.NewMeter(ctx, r.args.Budget).Until(r.end)
}

// spent is what the caller is told when a meter has failed, else nil.
func (r *invocation) spent(m *budget.Meter) *Error {
	err := m.Err()
	if err == nil {
		return nil
	}
	e := Spent(err)
	e.Unclear = true // the API has answered
	return e
}

// holdBody takes what the body of a request costs that was made here; an entity is
// held by who read it, or passes.
func (r *invocation) holdBody(ctx context.Context, req *http.Request, entity *Entity) error {
	if entity != nil {
		return nil
	}
	return r.args.Budget.Hold(ctx, req.ContentLength)
}

// maxErrorBody bounds what is kept of an upstream's error answer.
const maxErrorBody = 1 << 20

// single runs a unit that is one call: the shaped answer, or the upstream's
// bytes as they come when the answer is passed on unchanged.
func (r *invocation) single(ctx context.Context, c *plan.Call) (*Result, *Error) {
	resp, failure := r.send(ctx, c, r.args.Entity, r.passes(c))
	if failure != nil {
		return nil, failure
	}
	return r.receive(ctx, c, resp)
}

// receive makes the result of a unit that is one call of the API's answer.
func (r *invocation) receive(ctx context.Context, c *plan.Call, resp *http.Response) (*Result, *Error) {
	result := (&Result{Method: c.Request.Method, Status: resp.StatusCode, Header: pass(resp.Header),
		From:        resp.Request.URL,
		ContentType: resp.Header.Get("Content-Type"), Length: resp.ContentLength,
		Limit: r.client.Limits().Response}).counting(r.meter(ctx))
	limit := result.Limit
	r.kept.noteHeader(c, resp.Header)
	if r.unit.Kind == "operation" { // who signs in by themselves needs it
		result.Header = withHeaders(result.Header, resp.Header, c.SecretHeaders)
	}
	if noBody(c, resp) || pointsOn(c, resp) || isRedirection(resp.StatusCode) && !r.unit.Output.Identity() {
		resp.Body.Close()
		result.ContentType, result.Length = "", 0
		return result, nil
	}
	if isRedirection(resp.StatusCode) {
		return r.stream(result, resp, limit)
	}
	if wantsNoPage(c) {
		if failure := r.refusePage(ctx, result, resp, c); failure != nil {
			return nil, failure
		}
	}
	switch hides := r.hides(c); {
	case hides && c.Format == format.Binary: // of which no part can be told
		resp.Body.Close()
		result.Value, result.ContentType = value.Of(secret.Kept), ""
		return result, nil
	case c.Format == format.Binary:
		if c.MediaType != "" {
			result.ContentType = c.MediaType
		} else if result.ContentType == "" {
			result.ContentType = "application/octet-stream"
		}
		result.Binary = true
		return r.stream(result, resp, r.cap(c))
	case !hides && r.unit.Output.Identity() && (c.Format == format.JSON || c.Format == format.Text):
		if streamed, failure := r.stream(result, resp, limit); failure != nil || r.unit.Kind == "operation" ||
			c.Request.Method != http.MethodPost {
			return streamed, failure
		}
		return r.mayFail(ctx, result, c)
	}
	body, failure := r.readAll(ctx, result.meter, c, resp, limit)
	if failure != nil {
		return nil, failure
	}
	result.ContentType = ""
	contentType := resp.Header.Get("Content-Type")
	if made, failure := r.shapeText(result, c, body, contentType); made != nil || failure != nil {
		return made, failure
	}
	return r.shape(ctx, result, c, r.unit.Output, body, contentType)
}

// withHeaders is h with headers of that name from another; h may be nil.
func withHeaders(h, from http.Header, names []string) http.Header {
	for _, name := range names {
		if texts := from[name]; texts != nil {
			if h == nil {
				h = http.Header{}
			}
			h[name] = texts
		}
	}
	return h
}

// cap is the size up to which an answer is taken, in bytes.
func (r *invocation) cap(c *plan.Call) int64 {
	limit := r.client.Limits().Response
	if c.MaxBinary > 0 {
		limit = min(limit, c.MaxBinary)
	}
	return limit
}

// passes reports whether the bytes of an answer go to the caller as they come.
func (r *invocation) passes(c *plan.Call) bool {
	return r.unit.Kind == "operation" && !r.hides(c) && (c.Format == format.Binary ||
		r.unit.Output.Identity() && (c.Format == format.JSON || c.Format == format.Text))
}

// send builds and sends a request; an answer of status 400 or more is an error. One
// that passes may last.
func (r *invocation) send(ctx context.Context, c *plan.Call, entity *Entity, passes bool) (*http.Response, *Error) {
	own, failure := r.sending(ctx, c)
	if failure != nil {
		return nil, failure
	}
	resp, failure := r.sendWith(ctx, c, entity, own, passes)
	if h, ok := own.Session.(*held); ok && c.Role != plan.NoRole && !h.fixed && h != r.with {
		return r.follow(ctx, c, h, resp, failure)
	}
	return resp, failure
}

// sendWith is send with what takes the place of the configured credential.
func (r *invocation) sendWith(ctx context.Context, c *plan.Call, entity *Entity, own upstream.Own,
	passes bool) (*http.Response, *Error) {
	out, err := c.Request.Outbound(r.frame, entity, own)
	if err != nil {
		return nil, fail(ctx, c.Request.Target, err)
	}
	req := out.Request
	for _, headers := range []http.Header{r.args.Trace, r.trusted} {
		for name, values := range headers {
			if _, set := req.Header[name]; !set && name != "Authorization" { // decided when the request was built
				req.Header[name] = values
			}
		}
	}
	if err := r.holdBody(ctx, req, entity); err != nil {
		return nil, Spent(err)
	}
	out.Hops, out.Events, out.Call, out.Passes = hops(ctx), r.events, r.call, passes
	if r.events.Traces() {
		out.Parent = event.SpanOf(ctx)
	}
	resp, err := r.client.Send(ctx, out)
	if err != nil {
		if errors.Is(err, session.ErrSignIn) {
			return nil, r.signInNeeded(ctx, c.Session)
		}
		return nil, fail(ctx, c.Request.Target, err)
	}
	r.sent.add(out.Request.Header.Get("Authorization")) // of the last attempt, with a fresh token perhaps
	r.sent.add(out.Token)
	if resp.StatusCode < http.StatusOK {
		resp.Body.Close()
		return nil, Unreadable(c.Request.Target+" answered "+statusText(resp.StatusCode)+", which is not passed on", "")
	}
	encoding := strings.Join(resp.Header["Content-Encoding"], ", ")
	foreign := encoding != "" && req.Method != http.MethodHead && !noBody(c, resp) && !lists(r.codings, encoding)
	if resp.StatusCode >= http.StatusBadRequest {
		if foreign {
			resp.Body.Close()
			resp.Body, resp.Header["Content-Type"] = http.NoBody, nil
		}
		return nil, r.answered(ctx, c, resp)
	}
	if foreign {
		resp.Body.Close()
		return nil, Unreadable(c.Request.Target+" answered in the encoding “"+encoding+"”, which nobody asked for", "")
	}
	return resp, nil
}

// lists reports whether the value of an Accept-Encoding names every coding of an
// answer (RFC 9110 section 12.5.3).
func lists(accepted, encoding string) bool {
	offers := strings.Split(accepted, ",")
	for coding := range strings.SplitSeq(encoding, ",") {
		named := func(offer string) bool {
			name, weight, _ := strings.Cut(strings.ReplaceAll(offer, " ", ""), ";")
			refused := strings.HasPrefix(weight, "q=0") && strings.Trim(weight, "q=0.") == ""
			return strings.EqualFold(name, strings.TrimSpace(coding)) && !refused
		}
		if !slices.ContainsFunc(offers, named) {
			return false
		}
	}
	return true
}

// answered keeps an upstream's error answer.
func (r *invocation) answered(ctx context.Context, c *plan.Call, resp *http.Response) *Error {
	defer resp.Body.Close()
	raw, _ := budget.ReadAll(r.meter(ctx), nil, io.LimitReader(resp.Body, maxErrorBody), -1, maxErrorBody)
	body, contentType := toUTF8(raw, resp.Header.Get("Content-Type"))
	e := &Error{Kind: Answered, Status: resp.StatusCode, Title: c.Request.Target + " answered " +
		statusText(resp.StatusCode),
		Header: passError(resp.Header), From: resp.Request.URL, ContentType: contentType, Body: body}
	e.Retry = resp.StatusCode == http.StatusTooManyRequests || resp.StatusCode == http.StatusRequestTimeout ||
		resp.StatusCode >= 500 && resp.StatusCode != http.StatusNotImplemented
	return e
}

// toUTF8 is a body of another charset in UTF-8, and the media type that says so. A
// body that is UTF-8 stays as it is, whatever its charset says.
func toUTF8(body []byte, contentType string) ([]byte, string) {
	if utf8.Valid(body) && bytes.IndexByte(body, 0) < 0 {
		return body, contentType
	}
	text, err := format.Charset(body, contentType)
	if err != nil {
		return body, contentType
	}
	if media, parameters, _ := mime.ParseMediaType(contentType); parameters["charset"] != "" {
		parameters["charset"] = "utf-8"
		contentType = mime.FormatMediaType(media, parameters)
	}
	return text, contentType
}

func statusText(code int) string {
	text := http.StatusText(code)
	if text == "" {
		text = "status"
	}
	return strings.TrimSpace(itoa(code) + " " + text)
}

func itoa(n int) string { return value.Int(int64(n)).Text() }

func noBody(c *plan.Call, resp *http.Response) bool {
	switch resp.StatusCode {
	case http.StatusNoContent, http.StatusResetContent, http.StatusNotModified:
		return true
	}
	return resp.ContentLength == 0 || c.Request.Method == http.MethodHead
}

// pointsOn reports whether an answer to a write only says where its result is, with
// a few words for people beside that.
func pointsOn(c *plan.Call, resp *http.Response) bool {
	return seesOther(c.Request.Method, resp.StatusCode) && !strings.Contains(resp.Header.Get("Content-Type"), "json")
}

// wantsNoPage reports whether a page in the place of an answer that passes as it
// comes means that something went wrong.
func wantsNoPage(c *plan.Call) bool {
	return c.Format == format.JSON || c.Format == format.Binary && c.MediaType != "" && !format.LabelsHTML(c.MediaType)
}

// beginning is how much of an answer is looked at to tell whether it is a page.
const beginning = 512

// refusePage looks at the beginning of an answer that is called a page, and ends
// it if it is one. JSON or plain text is called what it is.
func (r *invocation) refusePage(ctx context.Context, result *Result, resp *http.Response, c *plan.Call) *Error {
	if !format.LabelsHTML(result.ContentType) {
		return nil
	}
	body := bufio.NewReaderSize(resp.Body, beginning)
	start, err := body.Peek(beginning)
	if len(start) == 0 && err != nil && err != io.EOF {
		resp.Body.Close()
		return fail(ctx, c.Request.Target, err)
	}
	if format.IsHTML(result.ContentType, start) {
		resp.Body.Close()
		return htmlAnswer(c)
	}
	_, parameters, _ := mime.ParseMediaType(result.ContentType)
	result.ContentType = mime.FormatMediaType("text/plain", parameters)
	if trimmed := bytes.TrimLeft(start, "\ufeff \t\r\n"); len(trimmed) > 0 && (trimmed[0] == '{' || trimmed[0] == '[') {
		result.ContentType = "application/json"
	}
	resp.Body = struct {
		io.Reader
		io.Closer
	}{body, resp.Body}
	return nil
}

func htmlAnswer(c *plan.Call) *Error {
	return Unreadable(c.Request.Target+" answered an HTML page where an API answer was expected",
		"The path probably does not exist on that API, or a login page stands before it.")
}

// stream hands the upstream's bytes on as they come, up to limit.
func (r *invocation) stream(result *Result, resp *http.Response, limit int64) (*Result, *Error) {
	if resp.ContentLength > limit {
		resp.Body.Close()
		return nil, TooLargeAnswer(limit)
	}
	result.Raw = resp.Body
	if resp.ContentLength < 0 {
		result.Raw = &limited{resp.Body, limit}
	}
	return result, nil
}

// limited fails when more than left bytes are read, so that a cut answer never looks whole.
type limited struct {
	io.ReadCloser
	left int64
}

var errTooLarge = errors.New("the answer exceeds the limit")

func (l *limited) Read(p []byte) (int, error) {
	n, err := l.ReadCloser.Read(p)
	if l.left -= int64(n); l.left < 0 {
		return n, errTooLarge
	}
	return n, err
}

func (r *invocation) readAll(ctx context.Context, m *budget.Meter, c *plan.Call, resp *http.Response,
	limit int64) ([]byte, *Error) {
	raw := &Result{Raw: resp.Body, Length: resp.ContentLength, meter: m}
	body, failure := raw.Bytes(limit)
	if failure != nil && failure.Kind == Unreachable && isTimeout(failure.cause) {
		return nil, fail(ctx, c.Request.Target, failure.cause)
	}
	return body, failure
}
