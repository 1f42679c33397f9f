package mcp

import (
	"sync"

	"github.com/fairlead/fairlead/internal/adapter/mcp/catalogue"
	"github.com/fairlead/fairlead/internal/adapter/mcp/wire"
)

// method is one method of MCP.
type method struct {
	traits  traits
	feature catalogue.Feature // without which it is not there
	serve   func(*request) *wire.Error
	take    func() wire.Params // empty parameters
	keep    func(wire.Params)  // for the next message, those that take gave
}

// traits say in which revisions a method is there, and how it is served.
type traits uint8

const (
	modern       traits = 1 << iota // of the revision that has it
	legacy                          // of those before
	notification                    // has no answer
	slow                            // may wait for somebody: stdio runs it beside the others
	stream                          // answers by events, as long as the client listens

	both = modern | legacy
)

// is reports whether a method has all of the traits; what nobody knows has none.
func (m *method) is(all traits) bool { return m != nil && m.traits&all == all }

// methods are all methods: the name of each, the function that serves it, whose
// parameter is what the method takes, its traits and what the server must have.
var methods = map[string]*method{
	"initialize":               on((*request).initialize, legacy, catalogue.NoFeature),
	"ping":                     on((*request).nothing, legacy, catalogue.NoFeature),
	"logging/setLevel":         on((*request).nothing, legacy, catalogue.NoFeature), // nothing is logged to clients
	"server/discover":          on((*request).discover, modern, catalogue.NoFeature),
	"tools/list":               on((*request).listTools, both, catalogue.ToolsFeature),
	"tools/call":               on((*request).callTool, both|slow, catalogue.ToolsFeature),
	"resources/list":           on((*request).listResources, both, catalogue.ResourcesFeature),
	"resources/templates/list": on((*request).listTemplates, both, catalogue.ResourcesFeature),
	"resources/read":           on((*request).readResource, both|slow, catalogue.ResourcesFeature),
	"resources/subscribe":      on((*request).subscribe, legacy, catalogue.ResourcesFeature),
	"resources/unsubscribe":    on((*request).unsubscribe, legacy, catalogue.ResourcesFeature),
	"prompts/list":             on((*request).listPrompts, both, catalogue.PromptsFeature),
	"prompts/get":              on((*request).getPrompt, both|slow, catalogue.PromptsFeature),
	"completion/complete":      on((*request).complete, both, catalogue.CompletionsFeature),
	"subscriptions/listen":     on((*request).listen, modern|slow|stream, catalogue.NoFeature),
	"notifications/cancelled":  on((*request).cancelled, both|notification, catalogue.NoFeature),
}

// on is a method that serve serves, with parameters of type P.
func on[P any, T interface {
	*P
	wire.Params
	reset()
}](serve func(*request, T) *wire.Error, is traits, needs catalogue.Feature) *method {
	var used sync.Pool
	return &method{
		traits:  is,
		feature: needs,
		serve:   func(r *request) *wire.Error { return serve(r, r.Params.(T)) },
		take: func() wire.Params {
			if p, ok := used.Get().(T); ok {
				return p
			}
			return T(new(P))
		},
		keep: func(p wire.Params) {
			p.(T).reset()
			used.Put(p)
		},
	}
}
