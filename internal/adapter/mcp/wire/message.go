// Package wire reads and writes the messages of the Model Context Protocol:
// JSON-RPC, its errors and batches, the revisions and what they put into HTTP
// headers, event streams and lines. It knows nothing of tools and plans.
package wire

import (
	"bytes"
	"io"

	"github.com/fairlead/fairlead/internal/value"
)

// Message is one JSON-RPC message as it came. Byte slices alias Body; nil is "not
// there, or not a string".
type Message struct {
	Body   []byte
	ID     []byte // JSON source; nil for a notification
	Method []byte
	Reply  bool        // a response, to a question that this server asked
	Said   value.Value // the result of a response
	Params Params      // of the method; nil when none are given
	Meta   Meta        // of the parameters, whatever the method

	reader    Reader
	version   bool // jsonrpc is "2.0"
	badID     bool
	params    []byte // JSON source
	badParams bool   // not an object
	readFor   []byte // the method as whose parameters they were read
}

// Params are the parameters of one method.
type Params interface {
	// Member reads the value of the member with the name from r, if it is one of
	// them; false means that nothing was read.
	Member(r *Reader, name []byte) bool
}

// Meta is the member _meta of parameters.
type Meta struct {
	version                 []byte
	capabilities            bool   // clientCapabilities is an object
	Elicits                 bool   // and says that the client can ask its user by a form
	Opens                   bool   // and that it can open pages for them
	Client                  []byte // its own word for itself
	ProgressToken           []byte
	traceparent, tracestate []byte
}

// Methods know what parameters methods take.
type Methods interface {
	// NewParams returns empty parameters of a method, or nil for one that nobody knows.
	NewParams(method []byte) Params
}

// Reset forgets what was read and keeps the memory.
func (m *Message) Reset() {
	m.Body, m.ID, m.Method, m.Reply, m.Said = m.Body[:0], nil, nil, false, value.Value{}
	m.Params, m.Meta = nil, Meta{}
	m.version, m.badID, m.badParams, m.params, m.readFor = false, false, false, nil, nil
	m.reader.text, m.reader.src, m.reader.fault = nil, bytes.Buffer{}, nil
}

// Read reads the message that Body holds, in one pass where the method stands
// before its parameters.
func (m *Message) Read(known Methods) *Error {
	r := &m.reader
	r.reset(m.Body)
	object := r.Object(func(name []byte) { m.member(name, known) })
	if r.fault == nil {
		if _, err := r.dec.ReadToken(); err != io.EOF {
			r.fault = err
			if err == nil {
				r.fault = io.ErrUnexpectedEOF
			}
		}
	}
	if r.fault == nil && m.params != nil && !bytes.Equal(m.readFor, m.Method) {
		r.reset(m.params)
		m.readParams(known)
	}
	switch {
	case r.fault != nil:
		m.ID = nil
		return &Error{Code: CodeParse, Message: "Parse error: the body is not one JSON value in UTF-8"}
	case !object:
		return Invalid("the message must be a JSON object")
	case m.badID:
		return Invalid("id must be a string or a number")
	case !m.version:
		return Invalid(`jsonrpc must be "2.0"`)
	case m.Method == nil && !m.Reply:
		return Invalid("method must be a string")
	case m.badParams:
		return InvalidParams("params must be an object")
	}
	return nil
}

func (m *Message) member(name []byte, known Methods) {
	r := &m.reader
	switch string(name) {
	case "jsonrpc":
		m.version = string(r.Source()) == `"2.0"`
	case "id":
		m.ID = r.Key()
		m.badID = m.ID == nil
	case "method":
		m.Method = r.Text()
	case "params":
		start := r.dec.InputOffset()
		m.readParams(known)
		m.params = bytes.TrimLeft(r.text[start:r.dec.InputOffset()], ": \t\r\n")
	case "result":
		m.Reply, m.Said = true, r.Value()
	case "error":
		m.Reply = true
		r.Skip()
	default:
		r.Skip()
	}
}

// readParams reads the parameters of the method as far as that is known.
func (m *Message) readParams(known Methods) {
	r := &m.reader
	m.Meta, m.Params, m.readFor = Meta{}, nil, m.Method
	if r.dec.PeekKind() == 'n' { // as some clients write what has no members
		m.badParams = false
		r.Skip()
		return
	}
	if m.Method != nil {
		m.Params = known.NewParams(m.Method)
	}
	m.badParams = !r.Object(func(name []byte) {
		switch {
		case string(name) == "_meta":
			r.Object(func(name []byte) { m.Meta.member(r, name) })
		case m.Params == nil || !m.Params.Member(r, name):
			r.Skip()
		}
	})
}

func (m *Meta) member(r *Reader, name []byte) {
	switch string(name) {
	case metaVersion:
		m.version = r.Text()
	case metaCapabilities:
		m.Elicits, m.Opens, m.capabilities = r.Elicits()
	case metaClient:
		m.Client = r.ClientName()
	case "progressToken":
		m.ProgressToken = r.Key()
	case "traceparent":
		m.traceparent = r.Text()
	case "tracestate":
		m.tracestate = r.Text()
	default:
		r.Skip()
	}
}
