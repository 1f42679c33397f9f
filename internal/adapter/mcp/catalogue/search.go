package catalogue

import (
	"cmp"
	"slices"

	"github.com/fairlead/fairlead/internal/model"
	"github.com/fairlead/fairlead/internal/plan"
	"github.com/fairlead/fairlead/internal/schema"
)

// finder is one of the tools that find tools.
type finder uint8

const (
	NoFinder finder = iota
	SearchTools
	DescribeTool
	CallReadTool
	CallWriteTool
	Finders
)

// newFinders makes the tools that are listed instead of a catalogue too large for a
// model's context. They are callable beside its tools, before any of the same name.
func newFinders(v *View) []*Tool {
	yes, no := true, false
	nameOf := func(what string) *plan.Input {
		return &plan.Input{Name: "name", Required: true, Schema: &schema.Schema{Type: "string", Description: what}}
	}
	arguments := &plan.Input{Name: "arguments",
		Schema: &schema.Schema{Type: "object", Description: "The tool's arguments, as describe_tool says."}}
	local := model.Hints{ReadOnly: &yes, Destructive: &no, Idempotent: &yes, OpenWorld: &no}
	specs := []struct {
		finder finder
		unit   *plan.Unit
	}{
		{SearchTools, &plan.Unit{Name: "search_tools", Title: "Find tools", Hints: local,
			Description: "Finds tools by words of what they do. " +
				"Start here, then describe_tool, then call_read_tool or call_write_tool.",
			Inputs: []*plan.Input{
				{Name: "query", Required: true,
					Schema: &schema.Schema{Type: "string", Description: "Words of what the tool should do."}},
				{Name: "limit", Schema: &schema.Schema{Type: "integer",
					Description: "How many tools to return; 10 unless given."}},
			}}},
		{DescribeTool, &plan.Unit{Name: "describe_tool", Title: "Describe a tool", Hints: local,
			Description: "Returns a tool's description, its input schema and what it does to the world.",
			Inputs:      []*plan.Input{nameOf("Name of the tool, as search_tools returns it.")}}},
		{CallReadTool, &plan.Unit{Name: "call_read_tool", Title: "Call a read-only tool",
			Hints:       model.Hints{ReadOnly: &yes, Destructive: &no, OpenWorld: &yes},
			Description: "Calls a tool that changes nothing.",
			Inputs:      []*plan.Input{nameOf("Name of a read-only tool."), arguments}}},
		{CallWriteTool, &plan.Unit{Name: "call_write_tool", Title: "Call a tool that changes something",
			Hints:       model.Hints{ReadOnly: &no, Destructive: &yes, OpenWorld: &yes},
			Description: "Calls a tool that may change or delete something.",
			Inputs:      []*plan.Input{nameOf("Name of the tool."), arguments}}},
	}
	var list []*Tool
	for _, s := range specs {
		t := newTool(&Options{MaxChars: v.MaxChars}, s.unit, s.unit.Name)
		t.Finder = s.finder
		list = append(list, t)
		v.ByName[t.Name] = t
	}
	return list
}

// Search returns the hidden tools that have any of the words, best first.
func (v *View) Search(query string) []*Tool {
	type hit struct {
		*Tool
		score float64
	}
	var hits []hit
	words := terms(query)
	for i, t := range v.Hidden {
		if score := v.Index.score(i, words); score > 0 {
			hits = append(hits, hit{t, score})
		}
	}
	slices.SortStableFunc(hits, func(a, b hit) int { return cmp.Compare(b.score, a.score) })
	found := make([]*Tool, len(hits))
	for i, h := range hits {
		found[i] = h.Tool
	}
	return found
}
