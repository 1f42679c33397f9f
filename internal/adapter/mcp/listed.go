package mcp

import (
	"github.com/fairlead/fairlead/internal/adapter/mcp/catalogue"
	"github.com/fairlead/fairlead/internal/plan"
	"github.com/fairlead/fairlead/internal/schema"
)

// Listed is a tool as clients list it.
type Listed struct {
	Name     string
	Entry    []byte     // of tools/list, JSON
	Unit     *plan.Unit // what it runs; of the tools that find tools only a description
	MaxChars int        // cap of an answer, in characters
	Local    bool       // it is one of the tools that find tools
}

// units are the names of what is served, in document order: tools, resources by
// URI, prompts.
func units(c *catalogue.Catalogue) (names []string) {
	for _, t := range c.Tools {
		names = append(names, t.Unit.Name)
	}
	for _, r := range c.Resources {
		names = append(names, r.URI)
	}
	for _, p := range c.Prompts {
		names = append(names, p.Name)
	}
	return names
}

// Listed returns the tools in the order of tools/list.
func (h *Handler) Listed() []Listed {
	var all []Listed
	for _, t := range h.current.Load().All.Listed {
		all = append(all, Listed{Name: t.Name, Entry: t.Item, Unit: t.Unit, MaxChars: t.MaxChars,
			Local: t.Finder != catalogue.NoFinder})
	}
	return all
}

// AppendSchema appends the JSON Schema of an input as tools/list has it.
func AppendSchema(dst []byte, s *schema.Schema) []byte { return catalogue.AppendSchema(dst, s) }
