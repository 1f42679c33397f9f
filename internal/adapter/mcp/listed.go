package mcp

import (
	"github.com/fairlead/fairlead/internal/plan"
)

// Listed is a tool as clients list it.
type Listed struct {
	Name     string
	Entry    []byte     // of tools/list, JSON
	Unit     *plan.Unit // what it runs; of the tools that find tools only a description
	MaxChars int        // cap of an answer, in characters
	Local    bool       // it is one of the tools that find tools
}

// Units are the names of what is served, in document order: tools, resources by
// URI, prompts.
func (h *Handler) Units() (names []string) {
	c := h.current.Load()
	for _, t := range c.tools {
		names = append(names, t.unit.Name)
	}
	for _, r := range c.resources {
		names = append(names, r.URI)
	}
	for _, p := range c.prompts {
		names = append(names, p.Name)
	}
	return names
}

// Listed returns the tools in the order of tools/list.
func (h *Handler) Listed() []Listed {
	var all []Listed
	for _, t := range h.current.Load().all.listed {
		all = append(all, Listed{Name: t.name, Entry: t.item, Unit: t.unit, MaxChars: t.maxChars, Local: t.serve != nil})
	}
	return all
}
