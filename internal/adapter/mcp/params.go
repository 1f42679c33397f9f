package mcp

import (
	"github.com/fairlead/fairlead/internal/adapter/mcp/wire"
	"github.com/fairlead/fairlead/internal/value"
)

// The parameters of the methods. What is nil was not given, or is no string.

// noParams are those of a method that has none, or needs none of them.
type noParams struct{}

func (*noParams) Member(*wire.Reader, []byte) bool { return false }
func (*noParams) reset()                           {}

type initializeParams struct {
	version []byte
	elicits bool   // the client can ask its user by a form
	opens   bool   // and open pages for them
	client  []byte // its own word for itself
}

func (p *initializeParams) reset() { *p = initializeParams{} }

func (p *initializeParams) Member(r *wire.Reader, name []byte) bool {
	switch string(name) {
	case "protocolVersion":
		p.version = r.Text()
	case "capabilities":
		p.elicits, p.opens, _ = r.Elicits()
	case "clientInfo":
		p.client = r.ClientName()
	default:
		return false
	}
	return true
}

type listParams struct{ cursor []byte }

func (p *listParams) reset() { *p = listParams{} }

func (p *listParams) Member(r *wire.Reader, name []byte) bool {
	if string(name) != "cursor" {
		return false
	}
	p.cursor = r.Text()
	return true
}

// answers is what a user answered so far, in methods that may ask.
type answers struct {
	state     []byte      // requestState
	responses value.Value // inputResponses, by question
}

func (s *answers) Member(r *wire.Reader, name []byte) bool {
	switch string(name) {
	case "requestState":
		s.state = r.Text()
	case "inputResponses":
		s.responses = r.Value()
	default:
		return false
	}
	return true
}

// callParams are those of tools/call and prompts/get.
type callParams struct {
	name         []byte
	arguments    []wire.Given
	badArguments bool // no object
	answers
}

func (p *callParams) reset() {
	clear(p.arguments)
	*p = callParams{arguments: p.arguments[:0]}
}

func (p *callParams) Member(r *wire.Reader, name []byte) bool {
	switch string(name) {
	case "name":
		p.name = r.Text()
	case "arguments":
		all, ok := r.Arguments(p.arguments)
		p.arguments, p.badArguments = all, !ok
	default:
		return p.answers.Member(r, name)
	}
	return true
}

func (p *callParams) mirrored() []byte { return p.name }

// resourceParams are those of the methods about one resource.
type resourceParams struct {
	uri []byte
	answers
}

func (p *resourceParams) reset() { *p = resourceParams{} }

func (p *resourceParams) Member(r *wire.Reader, name []byte) bool {
	if string(name) != "uri" {
		return p.answers.Member(r, name)
	}
	p.uri = r.Text()
	return true
}

func (p *resourceParams) mirrored() []byte { return p.uri }

type completeParams struct {
	kind, reference []byte // ref.type; ref.name or ref.uri
	argument, typed []byte // argument.name and argument.value
}

func (p *completeParams) reset() { *p = completeParams{} }

func (p *completeParams) Member(r *wire.Reader, name []byte) bool {
	switch string(name) {
	case "ref":
		r.Object(func(name []byte) {
			switch string(name) {
			case "type":
				p.kind = r.Text()
			case "name", "uri":
				p.reference = r.Text()
			default:
				r.Skip()
			}
		})
	case "argument":
		r.Object(func(name []byte) {
			switch string(name) {
			case "name":
				p.argument = r.Text()
			case "value":
				p.typed = r.Text()
			default:
				r.Skip()
			}
		})
	default:
		return false
	}
	return true
}

type listenParams struct{ want wire.Filter }

func (p *listenParams) reset() { *p = listenParams{} }

func (p *listenParams) Member(r *wire.Reader, name []byte) bool {
	if string(name) != "notifications" {
		return false
	}
	p.want = r.Filter()
	return true
}

type cancelledParams struct {
	id []byte // of the request, JSON source
}

func (p *cancelledParams) reset() { *p = cancelledParams{} }

func (p *cancelledParams) Member(r *wire.Reader, name []byte) bool {
	if string(name) != "requestId" {
		return false
	}
	p.id = r.Source()
	return true
}
