package mcp

import (
	"github.com/fairlead/fairlead/internal/adapter/mcp/catalogue"
	"github.com/fairlead/fairlead/internal/adapter/mcp/wire"
)

// mirrored is the parameter that a modern HTTP request repeats as Mcp-Name.
type mirrored uint8

const (
	nothing mirrored = iota
	itsName
	itsURI
)

// method is one method of MCP.
type method struct {
	modern, legacy bool
	feature        catalogue.Feature
	mirror         mirrored
	slow           bool // may wait for somebody: stdio runs it beside the others
	stream         bool // answers by events, as long as the client listens
	serve          func(*request) *wire.Error
}

// mirrored is the parameter that a modern HTTP request repeats as Mcp-Name, or nil.
func (m *method) mirrored(p *wire.Params) []byte {
	switch {
	case m == nil:
	case m.mirror == itsName:
		return p.Name
	case m.mirror == itsURI:
		return p.URI
	}
	return nil
}

var methods = map[string]*method{
	"initialize":               {legacy: true, serve: (*request).initialize},
	"ping":                     {legacy: true, serve: (*request).empty},
	"logging/setLevel":         {legacy: true, serve: (*request).empty}, // nothing is logged to clients
	"server/discover":          {modern: true, serve: (*request).discover},
	"tools/list":               {modern: true, legacy: true, feature: catalogue.ToolsFeature, serve: (*request).listTools},
	"tools/call":               {modern: true, legacy: true, feature: catalogue.ToolsFeature, mirror: itsName, slow: true, serve: (*request).callTool},
	"resources/list":           {modern: true, legacy: true, feature: catalogue.ResourcesFeature, serve: (*request).listResources},
	"resources/templates/list": {modern: true, legacy: true, feature: catalogue.ResourcesFeature, serve: (*request).listTemplates},
	"resources/read":           {modern: true, legacy: true, feature: catalogue.ResourcesFeature, mirror: itsURI, slow: true, serve: (*request).readResource},
	"resources/subscribe":      {legacy: true, feature: catalogue.ResourcesFeature, serve: (*request).subscribe},
	"resources/unsubscribe":    {legacy: true, feature: catalogue.ResourcesFeature, serve: (*request).unsubscribe},
	"prompts/list":             {modern: true, legacy: true, feature: catalogue.PromptsFeature, serve: (*request).listPrompts},
	"prompts/get":              {modern: true, legacy: true, feature: catalogue.PromptsFeature, mirror: itsName, slow: true, serve: (*request).getPrompt},
	"completion/complete":      {modern: true, legacy: true, feature: catalogue.CompletionsFeature, serve: (*request).complete},
	"subscriptions/listen":     {modern: true, slow: true, stream: true, serve: (*request).listen},
}
