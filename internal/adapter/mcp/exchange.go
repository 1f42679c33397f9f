package mcp

import (
	"bytes"
	"io"
	"sync"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/fairlead/fairlead/internal/value"
)

// message is one JSON-RPC message as it came, with the parameters that any
// method of MCP has. Byte slices alias the text that was read; nil is "not
// there, or not a string".
type message struct {
	version bool   // jsonrpc is "2.0"
	id      []byte // JSON source; nil for a notification
	badID   bool
	method  []byte
	reply   bool        // a response, to a question that this server asked
	said    value.Value // the result of a response
	params  params
}

type params struct {
	given     bool
	bad       bool   // not an object
	name      []byte // tools/call, prompts/get
	uri       []byte // resources/*
	cursor    []byte
	version   []byte // initialize: protocolVersion
	arguments []given
	badArgs   bool
	requestID []byte      // notifications/cancelled, JSON source
	state     []byte      // requestState
	responses value.Value // inputResponses: what the user answered, by question
	elicits   bool        // initialize: the client can ask its user by a form
	reference []byte      // completion/complete: ref.name or ref.uri
	refType   []byte
	argName   []byte
	argValue  []byte
	context   value.Value
	want      filter // subscriptions/listen
	meta      meta
}

type meta struct {
	given                   bool
	version                 []byte
	capabilities            bool // clientCapabilities is an object
	elicits                 bool // and says that the client can ask its user by a form
	progressToken           []byte
	traceparent, tracestate []byte
}

// given is one member of arguments.
type given struct {
	name  []byte
	value value.Value
}

// exchange is the memory of one message being answered; it is pooled.
type exchange struct {
	message
	body  []byte // what message aliases
	out   []byte // the answer
	raw   []byte // an upstream's answer
	json  []byte // the same, compact
	src   bytes.Buffer
	dec   jsontext.Decoder
	fault error // the first syntax error
}

var exchanges = sync.Pool{New: func() any { return new(exchange) }}

// largestKept is the most bytes of a buffer that stay in the pool.
const largestKept = 1 << 20

func newExchange() *exchange { return exchanges.Get().(*exchange) }

func (x *exchange) release() {
	if cap(x.body)+cap(x.out)+cap(x.raw)+cap(x.json) > largestKept {
		return
	}
	clear(x.params.arguments)
	x.message = message{params: params{arguments: x.params.arguments[:0]}}
	x.body, x.out, x.raw, x.json = x.body[:0], x.out[:0], x.raw[:0], x.json[:0]
	x.src, x.fault = bytes.Buffer{}, nil
	exchanges.Put(x)
}

// readOptions: of members with equal names the last wins, as everywhere in Fairlead.
var readOptions = []jsontext.Options{jsontext.AllowDuplicateNames(true)}

// read reads the message that body holds, in one pass.
func (x *exchange) read() *rpcError {
	x.src = *bytes.NewBuffer(x.body)
	x.dec.Reset(&x.src, readOptions...)
	object := x.members(x.member)
	if x.fault == nil {
		if _, err := x.dec.ReadToken(); err != io.EOF {
			x.fault = err
			if err == nil {
				x.fault = io.ErrUnexpectedEOF
			}
		}
	}
	switch {
	case x.fault != nil:
		x.id = nil
		return &rpcError{code: codeParse, message: "Parse error: the body is not one JSON value in UTF-8"}
	case !object:
		return invalid("the message must be a JSON object")
	case x.badID:
		return invalid("id must be a string or a number")
	case !x.version:
		return invalid(`jsonrpc must be "2.0"`)
	case x.method == nil && !x.reply:
		return invalid("method must be a string")
	case x.params.bad:
		return invalidParams("params must be an object")
	}
	return nil
}

func (x *exchange) member(name []byte) {
	switch string(name) {
	case "jsonrpc":
		x.version = string(x.source()) == `"2.0"`
	case "id":
		kind := x.dec.PeekKind()
		x.id, x.badID = x.source(), kind != '"' && kind != '0'
		if x.badID {
			x.id = nil
		}
	case "method":
		x.method = x.text()
	case "params":
		x.params = params{given: true, arguments: x.params.arguments[:0]}
		x.params.bad = !x.members(x.parameter)
	case "result":
		x.reply, x.said = true, x.value()
	case "error":
		x.reply = true
		x.skip()
	default:
		x.skip()
	}
}

func (x *exchange) parameter(name []byte) {
	p := &x.params
	switch string(name) {
	case "name":
		p.name = x.text()
	case "uri":
		p.uri = x.text()
	case "arguments":
		x.arguments()
	case "_meta":
		p.meta.given = x.members(x.metaMember)
	case "cursor":
		p.cursor = x.text()
	case "protocolVersion":
		p.version = x.text()
	case "requestId":
		p.requestID = x.source()
	case "requestState":
		p.state = x.text()
	case "inputResponses":
		p.responses = x.value()
	case "capabilities":
		p.elicits = false
		x.members(func(name []byte) { x.capability(name, &p.elicits) })
	case "ref":
		x.members(x.refMember)
	case "argument":
		x.members(x.completionArgument)
	case "context":
		p.context = x.value()
	case "notifications":
		x.members(x.wanted)
	default:
		x.skip()
	}
}

func (x *exchange) metaMember(name []byte) {
	m := &x.params.meta
	switch string(name) {
	case metaVersion:
		m.version = x.text()
	case metaCapabilities:
		m.elicits = false
		m.capabilities = x.members(func(name []byte) { x.capability(name, &m.elicits) })
	case "progressToken":
		if kind := x.dec.PeekKind(); kind == '"' || kind == '0' {
			m.progressToken = x.source()
			return
		}
		x.skip()
	case "traceparent":
		m.traceparent = x.text()
	case "tracestate":
		m.tracestate = x.text()
	default:
		x.skip()
	}
}

// capability notes elicitation by form, which an empty object means too.
func (x *exchange) capability(name []byte, elicits *bool) {
	if string(name) != "elicitation" {
		x.skip()
		return
	}
	modes, form := 0, false
	object := x.members(func(mode []byte) {
		modes, form = modes+1, form || string(mode) == "form"
		x.skip()
	})
	*elicits = object && (form || modes == 0)
}

func (x *exchange) arguments() {
	p := &x.params
	p.arguments, p.badArgs = p.arguments[:0], false
	switch x.dec.PeekKind() {
	case '{':
		x.members(func(name []byte) { p.arguments = append(p.arguments, given{name, x.value()}) })
	case 'n':
		x.skip()
	case '"': // some clients hand on the text that their model wrote
		v, err := value.Parse(x.text())
		p.badArgs = err != nil || v.Kind() != value.Object
		for i := 0; !p.badArgs && i < v.Len(); i++ {
			p.arguments = append(p.arguments, given{[]byte(v.Name(i)), v.At(i)})
		}
	default:
		p.badArgs = true
		x.skip()
	}
}

func (x *exchange) refMember(name []byte) {
	switch string(name) {
	case "type":
		x.params.refType = x.text()
	case "name", "uri":
		x.params.reference = x.text()
	default:
		x.skip()
	}
}

func (x *exchange) completionArgument(name []byte) {
	switch string(name) {
	case "name":
		x.params.argName = x.text()
	case "value":
		x.params.argValue = x.text()
	default:
		x.skip()
	}
}

func (x *exchange) wanted(name []byte) {
	w := &x.params.want
	switch string(name) {
	case "toolsListChanged":
		w.tools = string(x.source()) == "true"
	case "promptsListChanged":
		w.prompts = string(x.source()) == "true"
	case "resourcesListChanged":
		w.resources = string(x.source()) == "true"
	case "resourceSubscriptions":
		list := x.value()
		for i := 0; list.Kind() == value.Array && i < list.Len(); i++ {
			if uri := list.At(i); uri.Kind() == value.String {
				w.uris = append(w.uris, uri.Text())
			}
		}
	default:
		x.skip()
	}
}

// The readers below do nothing after the first syntax error.

// members calls each for every member of the object that comes next, which must
// read the value; it reports whether one came, and skips anything else.
func (x *exchange) members(each func(name []byte)) bool {
	if x.fault != nil {
		return false
	}
	if x.dec.PeekKind() != '{' {
		x.skip()
		return false
	}
	x.token()
	for x.fault == nil && x.dec.PeekKind() == '"' {
		each(x.text())
	}
	x.token()
	return x.fault == nil
}

func (x *exchange) token() {
	if x.fault == nil {
		_, x.fault = x.dec.ReadToken()
	}
}

func (x *exchange) skip() {
	if x.fault == nil {
		x.fault = x.dec.SkipValue()
	}
}

// source returns the JSON text of the next value.
func (x *exchange) source() []byte {
	if x.fault != nil {
		return nil
	}
	v, err := x.dec.ReadValue()
	if x.fault = err; err != nil {
		return nil
	}
	end := x.dec.InputOffset()
	return x.body[end-int64(len(v)) : end : end]
}

// text returns the content of the next value if that is a string, else nil.
func (x *exchange) text() []byte {
	s := x.source()
	if len(s) < 2 || s[0] != '"' {
		return nil
	}
	if bytes.IndexByte(s, '\\') < 0 {
		return s[1 : len(s)-1]
	}
	s, _ = jsontext.AppendUnquote([]byte{}, s) // it was read as valid
	return s
}

func (x *exchange) value() value.Value {
	if x.fault != nil {
		return value.Value{}
	}
	v, err := value.Decoder{Decoder: &x.dec}.Value()
	x.fault = err
	return v
}
