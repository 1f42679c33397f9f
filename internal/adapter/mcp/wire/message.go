// Package wire reads and writes the messages of the Model Context Protocol:
// JSON-RPC, its errors and batches, the revisions and what they put into HTTP
// headers, event streams and lines. It knows nothing of tools and plans.
package wire

import (
	"bytes"
	"io"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/fairlead/fairlead/internal/value"
)

// Message is one JSON-RPC message as it came, with the parameters that any
// method of MCP has. Byte slices alias the text that was read; nil is "not
// there, or not a string".
type Message struct {
	version bool   // jsonrpc is "2.0"
	ID      []byte // JSON source; nil for a notification
	badID   bool
	Method  []byte
	Reply   bool        // a response, to a question that this server asked
	Said    value.Value // the result of a response
	Params  Params

	Body  []byte // what the rest aliases
	src   bytes.Buffer
	dec   jsontext.Decoder
	fault error // the first syntax error
}

// Reset forgets what was read and keeps the memory for the next message.
func (x *Message) Reset() {
	clear(x.Params.Arguments)
	x.version, x.ID, x.badID, x.Method, x.Reply, x.Said = false, nil, false, nil, false, value.Value{}
	x.Params = Params{Arguments: x.Params.Arguments[:0]}
	x.Body, x.src, x.fault = x.Body[:0], bytes.Buffer{}, nil
}

// Params are the parameters of all methods together.
type Params struct {
	given     bool
	bad       bool   // not an object
	Name      []byte // tools/call, prompts/get
	URI       []byte // resources/*
	Cursor    []byte
	Version   []byte // initialize: protocolVersion
	Arguments []Given
	BadArgs   bool
	RequestID []byte      // notifications/cancelled, JSON source
	State     []byte      // requestState
	Responses value.Value // inputResponses: what the user answered, by question
	Elicits   bool        // initialize: the client can ask its user by a form
	Reference []byte      // completion/complete: ref.name or ref.uri
	RefType   []byte
	ArgName   []byte
	ArgValue  []byte
	context   value.Value
	Want      Filter // subscriptions/listen
	Meta      meta
}

type meta struct {
	given                   bool
	version                 []byte
	capabilities            bool // clientCapabilities is an object
	Elicits                 bool // and says that the client can ask its user by a form
	ProgressToken           []byte
	traceparent, tracestate []byte
}

// Given is one member of arguments.
type Given struct {
	Name  []byte
	Value value.Value
}

// readOptions: of members with equal names the last wins, as everywhere in Fairlead.
var readOptions = []jsontext.Options{jsontext.AllowDuplicateNames(true)}

// Read reads the message that Body holds, in one pass.
func (x *Message) Read() *Error {
	x.src = *bytes.NewBuffer(x.Body)
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
		x.ID = nil
		return &Error{Code: CodeParse, Message: "Parse error: the body is not one JSON value in UTF-8"}
	case !object:
		return Invalid("the message must be a JSON object")
	case x.badID:
		return Invalid("id must be a string or a number")
	case !x.version:
		return Invalid(`jsonrpc must be "2.0"`)
	case x.Method == nil && !x.Reply:
		return Invalid("method must be a string")
	case x.Params.bad:
		return InvalidParams("params must be an object")
	}
	return nil
}

func (x *Message) member(name []byte) {
	switch string(name) {
	case "jsonrpc":
		x.version = string(x.source()) == `"2.0"`
	case "id":
		kind := x.dec.PeekKind()
		x.ID, x.badID = x.source(), kind != '"' && kind != '0'
		if x.badID {
			x.ID = nil
		}
	case "method":
		x.Method = x.text()
	case "params":
		x.Params = Params{given: true, Arguments: x.Params.Arguments[:0]}
		x.Params.bad = !x.members(x.parameter)
	case "result":
		x.Reply, x.Said = true, x.value()
	case "error":
		x.Reply = true
		x.skip()
	default:
		x.skip()
	}
}

func (x *Message) parameter(name []byte) {
	p := &x.Params
	switch string(name) {
	case "name":
		p.Name = x.text()
	case "uri":
		p.URI = x.text()
	case "arguments":
		x.arguments()
	case "_meta":
		p.Meta.given = x.members(x.metaMember)
	case "cursor":
		p.Cursor = x.text()
	case "protocolVersion":
		p.Version = x.text()
	case "requestId":
		p.RequestID = x.source()
	case "requestState":
		p.State = x.text()
	case "inputResponses":
		p.Responses = x.value()
	case "capabilities":
		p.Elicits = false
		x.members(func(name []byte) { x.capability(name, &p.Elicits) })
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

func (x *Message) metaMember(name []byte) {
	m := &x.Params.Meta
	switch string(name) {
	case metaVersion:
		m.version = x.text()
	case metaCapabilities:
		m.Elicits = false
		m.capabilities = x.members(func(name []byte) { x.capability(name, &m.Elicits) })
	case "progressToken":
		if kind := x.dec.PeekKind(); kind == '"' || kind == '0' {
			m.ProgressToken = x.source()
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
func (x *Message) capability(name []byte, elicits *bool) {
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

func (x *Message) arguments() {
	p := &x.Params
	p.Arguments, p.BadArgs = p.Arguments[:0], false
	switch x.dec.PeekKind() {
	case '{':
		x.members(func(name []byte) { p.Arguments = append(p.Arguments, Given{name, x.value()}) })
	case 'n':
		x.skip()
	case '"': // some clients hand on the text that their model wrote
		v, err := value.Parse(x.text())
		p.BadArgs = err != nil || v.Kind() != value.Object
		for i := 0; !p.BadArgs && i < v.Len(); i++ {
			p.Arguments = append(p.Arguments, Given{[]byte(v.Name(i)), v.At(i)})
		}
	default:
		p.BadArgs = true
		x.skip()
	}
}

func (x *Message) refMember(name []byte) {
	switch string(name) {
	case "type":
		x.Params.RefType = x.text()
	case "name", "uri":
		x.Params.Reference = x.text()
	default:
		x.skip()
	}
}

func (x *Message) completionArgument(name []byte) {
	switch string(name) {
	case "name":
		x.Params.ArgName = x.text()
	case "value":
		x.Params.ArgValue = x.text()
	default:
		x.skip()
	}
}

func (x *Message) wanted(name []byte) {
	w := &x.Params.Want
	switch string(name) {
	case "toolsListChanged":
		w.Tools = string(x.source()) == "true"
	case "promptsListChanged":
		w.Prompts = string(x.source()) == "true"
	case "resourcesListChanged":
		w.Resources = string(x.source()) == "true"
	case "resourceSubscriptions":
		list := x.value()
		for i := 0; list.Kind() == value.Array && i < list.Len(); i++ {
			if uri := list.At(i); uri.Kind() == value.String {
				w.URIs = append(w.URIs, uri.Text())
			}
		}
	default:
		x.skip()
	}
}

// The readers below do nothing after the first syntax error.

// members calls each for every member of the object that comes next, which must
// read the value; it reports whether one came, and skips anything else.
func (x *Message) members(each func(name []byte)) bool {
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

func (x *Message) token() {
	if x.fault == nil {
		_, x.fault = x.dec.ReadToken()
	}
}

func (x *Message) skip() {
	if x.fault == nil {
		x.fault = x.dec.SkipValue()
	}
}

// source returns the JSON text of the next value.
func (x *Message) source() []byte {
	if x.fault != nil {
		return nil
	}
	v, err := x.dec.ReadValue()
	if x.fault = err; err != nil {
		return nil
	}
	end := x.dec.InputOffset()
	return x.Body[end-int64(len(v)) : end : end]
}

// text returns the content of the next value if that is a string, else nil.
func (x *Message) text() []byte {
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

func (x *Message) value() value.Value {
	if x.fault != nil {
		return value.Value{}
	}
	v, err := value.Decoder{Decoder: &x.dec}.Value()
	x.fault = err
	return v
}
