package rest

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/fairlead/fairlead/internal/adapter"
	"github.com/fairlead/fairlead/internal/budget"
	"github.com/fairlead/fairlead/internal/engine"
	"github.com/fairlead/fairlead/internal/plan"
	"github.com/fairlead/fairlead/internal/value"
)

// replayable is the size in bytes up to which a body that passes on is kept, so
// that it can be sent again; a larger one streams.
const replayable = 64 << 10

// readBody reads the body as far as the inputs need it. entity is the body to
// pass on, nil when it is empty or no input is the whole body. wrong says that
// the body is not what its type says, which is noted among the errors. If ok is
// false, the request is answered.
func (x *exchange) readBody() (entity *engine.Entity, wrong, ok bool) {
	r := x.r
	if r.Body == nil || r.Body == http.NoBody || r.ContentLength == 0 {
		return nil, false, true
	}
	if r.ContentLength > x.config.MaxRequest {
		x.tooLarge()
		return nil, false, false
	}
	encoding := r.Header.Get("Content-Encoding")
	if encoding != "" && !strings.EqualFold(encoding, "identity") && len(x.op.members) > 0 && !x.passesMultipart() {
		x.w.Header().Set("Accept-Encoding", "identity")
		x.unsupported("the body is encoded with "+shorten(encoding), "Send it without Content-Encoding.")
		return nil, false, false
	}
	body := x.incoming()
	contentType := r.Header.Get("Content-Type")
	if len(x.op.members) == 0 || x.passesMultipart() {
		entity, err := x.passOn(body, r.ContentLength)
		if err != nil {
			return nil, false, x.unreadable(err)
		}
		if entity != nil {
			entity.ContentType, entity.Encoding = contentType, encoding
		}
		return entity, false, true
	}
	text, err := budget.ReadAll(&x.meter, nil, body, r.ContentLength, x.config.MaxRequest)
	if err != nil {
		return nil, false, x.unreadable(err)
	}
	if len(text) == 0 {
		return nil, false, true
	}
	if x.op.entity >= 0 {
		entity = &engine.Entity{Body: bytes.NewReader(text), Length: int64(len(text)), ContentType: contentType}
	}
	wrong, ok = x.readMembers(bytes.TrimPrefix(text, byteOrderMark), contentType)
	return entity, wrong, ok
}

// passesMultipart reports whether the body is in parts that pass as they came.
func (x *exchange) passesMultipart() bool {
	if !x.op.route.Unit.PassMultipart {
		return false
	}
	kind, _, _ := strings.Cut(x.r.Header.Get("Content-Type"), ";")
	return strings.EqualFold(strings.TrimSpace(kind), multipartForm)
}

// incoming is the body of the request: it has to come in time, and fails beyond
// the limit where its length is not known.
func (x *exchange) incoming() io.ReadCloser {
	x.paced = adapter.NewBody(x.w, x.r, x.config.MaxRequest)
	if x.r.ContentLength >= 0 {
		return x.paced
	}
	x.body = &limited{ReadCloser: x.paced, left: x.config.MaxRequest}
	return x.body
}

// passOn makes an entity of a body whose length is -1 when not known; nil when
// it turns out to be empty.
func (x *exchange) passOn(body io.Reader, length int64) (*engine.Entity, error) {
	if length > replayable {
		return &engine.Entity{Body: body, Length: length}, nil
	}
	first := body
	if length < 0 {
		first = io.LimitReader(body, replayable+1)
	}
	text, err := budget.ReadAll(&x.meter, nil, first, length, replayable+1)
	switch {
	case err != nil:
		return nil, err
	case int64(len(text)) < length:
		return nil, io.ErrUnexpectedEOF
	case len(text) == 0:
		return nil, nil
	case len(text) > replayable:
		return &engine.Entity{Body: io.MultiReader(bytes.NewReader(text), body), Length: -1}, nil
	}
	kept := &struct { // one allocation for both
		engine.Entity
		bytes.Reader
	}{Entity: engine.Entity{Length: int64(len(text))}}
	kept.Reader.Reset(text)
	kept.Entity.Body = &kept.Reader
	return &kept.Entity, nil
}

// byteOrderMark is what some programs put before the text that they send.
var byteOrderMark = []byte("\xEF\xBB\xBF")

// readMembers takes the inputs that are members of a JSON or form body.
func (x *exchange) readMembers(text []byte, contentType string) (wrong, ok bool) {
	kind, _, _ := strings.Cut(contentType, ";")
	kind = strings.ToLower(strings.TrimSpace(kind))
	switch {
	case kind == "application/x-www-form-urlencoded" && !bytes.HasPrefix(text, []byte("{")):
		x.pairs(string(text), x.op.members, plan.InBody)
		return false, true
	case kind == "application/x-www-form-urlencoded": // curl -d '{…}' says so
	case kind == multipartForm && x.op.route.Unit.ReadMultipart:
		return x.readParts(text, contentType)
	case kind == "", kind == "application/json", kind == "text/json", strings.HasSuffix(kind, "+json"):
	case x.op.entity >= 0: // the body passes on; it has no members
		return false, true
	default:
		also := ""
		if x.op.route.Unit.ReadMultipart {
			also = ", " + multipartForm
		}
		x.unsupported("the body is of type "+shorten(kind),
			"Send application/json"+also+" or application/x-www-form-urlencoded.")
		return false, false
	}
	root, err := value.ParseWithin(&x.meter, text)
	if !x.meter.Hold(int64(len(text))) { // for what is sent to the API, too
		return false, x.unreadable(x.meter.Err())
	}
	if err != nil {
		x.errors = append(x.errors, fieldError{"body", placeNames[plan.InBody].in, "is not valid JSON: " +
			jsonError.Replace(err.Error())})
		return true, true
	}
	for _, s := range x.op.members {
		switch {
		case s.choose != nil:
			x.values[s.input] = choose(&x.meter, &s, root)
		case root.Kind() == value.Object:
			x.values[s.input] = root.Get(s.key)
		case !wrong:
			x.errors = append(x.errors, fieldError{"body", placeNames[plan.InBody].in, "must be a JSON object, not " +
				root.Kind().String()})
			wrong = true
		}
	}
	if !wrong && x.config.StrictInputs {
		x.unknownMembers(root)
	}
	return wrong, true
}

// unknownMembers notes members of a JSON body that are no inputs. Where an input is
// selected by a JSONPath, or the body passes on, nothing is known of them.
func (x *exchange) unknownMembers(root value.Value) {
	selects := slices.ContainsFunc(x.op.members, func(s source) bool { return s.choose != nil })
	if selects || x.op.entity >= 0 || root.Kind() != value.Object {
		return
	}
	for i := range root.Len() {
		name := root.Name(i)
		if !slices.ContainsFunc(x.op.members, func(s source) bool { return s.key == name }) {
			x.unknown(name, x.op.members, plan.InBody)
		}
	}
}

// jsonError takes the names of the code out of what is wrong with a text.
var jsonError = strings.NewReplacer("parse JSON: ", "", "jsontext: ", "", "after offset", "after byte")

func choose(m *budget.Meter, s *source, root value.Value) value.Value {
	if s.choose.Definite() {
		v, _ := s.choose.First(m, root)
		return v
	}
	if nodes := s.choose.Select(m, root); len(nodes) > 0 {
		return value.List(nodes...)
	}
	return value.Value{}
}

// limited fails when more is read from it than it may hold. The upstream's
// connection may read it while the handler asks whether that happened.
type limited struct {
	io.ReadCloser
	left int64
	over atomic.Bool
}

var errTooLarge = errors.New("read request body: larger than the limit")

func (l *limited) Read(p []byte) (int, error) {
	if int64(len(p)) > l.left+1 {
		p = p[:l.left+1]
	}
	n, err := l.ReadCloser.Read(p)
	if int64(n) > l.left {
		l.over.Store(true)
		n, l.left = int(l.left), 0
		return n, errTooLarge
	}
	l.left -= int64(n)
	return n, err
}

// unreadable answers a request whose body cannot be read.
func (x *exchange) unreadable(err error) (ok bool) {
	switch {
	case errors.Is(err, errTooLarge), errors.Is(err, budget.ErrTooLong), errors.Is(err, budget.ErrLarge):
		x.tooLarge()
	case x.paced.Late():
		x.tooSlow()
	case budget.Of(err):
		x.fail(engine.Spent(err))
	case x.r.Context().Err() != nil:
		panic(http.ErrAbortHandler)
	default:
		x.problem(problem{kind: engine.BadInput.String(), status: http.StatusBadRequest,
			title: "the request body broke off", detail: "Send it again."})
	}
	return false
}
