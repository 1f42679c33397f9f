package mcp

import (
	"sync"

	"github.com/fairlead/fairlead/internal/adapter/mcp/catalogue"
	"github.com/fairlead/fairlead/internal/adapter/mcp/wire"
)

// method is one method of MCP.
type method struct {
	traits
	serve func(*request) *wire.Error
	take  func() wire.Params // empty parameters
	keep  func(wire.Params)  // for the next message, those that take gave
}

// traits say where a method is there, and how it is served.
type traits struct {
	modern, legacy bool // the revisions that have it
	notification   bool // it has no answer
	slow           bool // may wait for somebody: stdio runs it beside the others
	stream         bool // answers by events, as long as the client listens
	feature        catalogue.Feature
}

// methods are all methods: the name of each, its traits, and the function that
// serves it, whose parameter is what the method takes.
var methods = map[string]*method{
	"initialize":               on((*request).initialize, traits{legacy: true}),
	"ping":                     on((*request).nothing, traits{legacy: true}),
	"logging/setLevel":         on((*request).nothing, traits{legacy: true}), // nothing is logged to clients
	"server/discover":          on((*request).discover, traits{modern: true}),
	"tools/list":               on((*request).listTools, traits{modern: true, legacy: true, feature: catalogue.ToolsFeature}),
	"tools/call":               on((*request).callTool, traits{modern: true, legacy: true, slow: true, feature: catalogue.ToolsFeature}),
	"resources/list":           on((*request).listResources, traits{modern: true, legacy: true, feature: catalogue.ResourcesFeature}),
	"resources/templates/list": on((*request).listTemplates, traits{modern: true, legacy: true, feature: catalogue.ResourcesFeature}),
	"resources/read":           on((*request).readResource, traits{modern: true, legacy: true, slow: true, feature: catalogue.ResourcesFeature}),
	"resources/subscribe":      on((*request).subscribe, traits{legacy: true, feature: catalogue.ResourcesFeature}),
	"resources/unsubscribe":    on((*request).unsubscribe, traits{legacy: true, feature: catalogue.ResourcesFeature}),
	"prompts/list":             on((*request).listPrompts, traits{modern: true, legacy: true, feature: catalogue.PromptsFeature}),
	"prompts/get":              on((*request).getPrompt, traits{modern: true, legacy: true, slow: true, feature: catalogue.PromptsFeature}),
	"completion/complete":      on((*request).complete, traits{modern: true, legacy: true, feature: catalogue.CompletionsFeature}),
	"subscriptions/listen":     on((*request).listen, traits{modern: true, slow: true, stream: true}),
	"notifications/cancelled":  on((*request).cancelled, traits{modern: true, legacy: true, notification: true}),
}

// on is a method that serve serves, with parameters of type P.
func on[P any, T interface {
	*P
	wire.Params
	reset()
}](serve func(*request, T) *wire.Error, is traits) *method {
	var used sync.Pool
	return &method{
		traits: is,
		serve:  func(r *request) *wire.Error { return serve(r, r.Params.(T)) },
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

// onlyModern reports whether only the newest revision has the method.
func (m *method) onlyModern() bool { return m != nil && m.modern && !m.legacy }
