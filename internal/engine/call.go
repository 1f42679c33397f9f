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
	"regexp"
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
	"github.com/fairlead/fairlead/internal/shape"
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
