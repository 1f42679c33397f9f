package mcp

import (
	"cmp"
	"slices"
	"strings"

	"github.com/fairlead/fairlead/internal/diag"
	"github.com/fairlead/fairlead/internal/model"
	"github.com/fairlead/fairlead/internal/plan"
	"github.com/fairlead/fairlead/internal/schema"
	"github.com/fairlead/fairlead/internal/value"
)

// found is how many tools a search returns when the caller does not say.
const found = 10

// searchTools are listed instead of a catalogue that is too large for a model's
// context. They are callable beside its tools, before any of the same name.
func searchTools(v *view) []*tool {
	yes, no := true, false
	nameOf := func(what string) *plan.Input {
		return &plan.Input{Name: "name", Required: true, Schema: &schema.Schema{Type: "string", Description: what}}
	}
	arguments := &plan.Input{Name: "arguments", Schema: &schema.Schema{Type: "object", Description: "The tool's arguments, as describe_tool says."}}
	local := model.Hints{ReadOnly: &yes, Destructive: &no, Idempotent: &yes, OpenWorld: &no}
	specs := []struct {
		unit  *plan.Unit
		serve func(*request) *rpcError
	}{
		{&plan.Unit{Name: "search_tools", Title: "Find tools", Hints: local,
			Description: "Finds tools by words of what they do. Start here, then describe_tool, then call_read_tool or call_write_tool.",
			Inputs: []*plan.Input{
				{Name: "query", Required: true, Schema: &schema.Schema{Type: "string", Description: "Words of what the tool should do."}},
				{Name: "limit", Schema: &schema.Schema{Type: "integer", Description: "How many tools to return; 10 unless given."}},
			}}, (*request).searchTools},
		{&plan.Unit{Name: "describe_tool", Title: "Describe a tool", Hints: local,
			Description: "Returns a tool's description, its input schema and what it does to the world.",
			Inputs:      []*plan.Input{nameOf("Name of the tool, as search_tools returns it.")}}, (*request).describeTool},
		{&plan.Unit{Name: "call_read_tool", Title: "Call a read-only tool", Hints: model.Hints{ReadOnly: &yes, Destructive: &no, OpenWorld: &yes},
			Description: "Calls a tool that changes nothing.", Inputs: []*plan.Input{nameOf("Name of a read-only tool."), arguments}}, (*request).callRead},
		{&plan.Unit{Name: "call_write_tool", Title: "Call a tool that changes something", Hints: model.Hints{ReadOnly: &no, Destructive: &yes, OpenWorld: &yes},
			Description: "Calls a tool that may change or delete something.", Inputs: []*plan.Input{nameOf("Name of the tool."), arguments}}, (*request).callWrite},
	}
	var list []*tool
	for _, s := range specs {
		t := newTool(&Config{MaxChars: v.cfg.MaxChars}, s.unit, s.unit.Name)
		t.serve = s.serve
		list = append(list, t)
		v.byName[t.name] = t
	}
	return list
}

// bound converts the arguments of one of the tools above; nil means that the
// result is written already.
func (r *request) bound() []value.Value {
	t := r.view.byName[string(r.params.name)]
	values, _, problems := t.bind(r.params.arguments, r.canAsk)
	if problems != nil {
		r.fail(problemText(t, problems))
		return nil
	}
	return values
}

func (r *request) searchTools() *rpcError {
	values := r.bound()
	if values == nil {
		return nil
	}
	limit := int64(found)
	if n, ok := values[1].Int64(); ok && n > 0 {
		limit = n
	}
	hits := r.view.search(values[0].Text())
	list := value.List()
	for _, t := range hits[:min(len(hits), int(min(limit, 100)))] {
		arguments := value.List()
		for _, a := range t.args {
			arguments.Append(value.Of(a.name))
		}
		list.Append(value.Map(
			value.Member{Name: "name", Value: value.Of(t.name)},
			value.Member{Name: "description", Value: value.Of(cutText(cmp.Or(t.unit.Description, t.unit.Title), 300))},
			value.Member{Name: "arguments", Value: arguments},
			value.Member{Name: "readOnly", Value: value.Boolean(t.readOnly)}))
	}
	answer := value.Map(value.Member{Name: "tools", Value: list}, value.Member{Name: "found", Value: value.Int(int64(len(hits)))})
	if len(hits) == 0 {
		answer.Add("hint", value.Of("No tool has any of these words. Words that tools have: "+strings.Join(r.view.index.common(20), ", ")+"."))
	}
	r.answerWith(answer)
	return nil
}

// search returns the hidden tools that have any of the words, best first.
func (v *view) search(query string) []*tool {
	type hit struct {
		*tool
		score float64
	}
	var hits []hit
	words := terms(query)
	for i, t := range v.hidden {
		if score := v.index.score(i, words); score > 0 {
			hits = append(hits, hit{t, score})
		}
	}
	slices.SortStableFunc(hits, func(a, b hit) int { return cmp.Compare(b.score, a.score) })
	found := make([]*tool, len(hits))
	for i, h := range hits {
		found[i] = h.tool
	}
	return found
}

// target is the hidden tool that an argument names; nil means that the result
// is written already.
func (r *request) target(name string) *tool {
	if t := r.view.byName[name]; t != nil && t.serve == nil {
		return t
	}
	names := make([]string, len(r.view.hidden))
	for i, t := range r.view.hidden {
		names[i] = t.name
	}
	why := "There is no tool " + quoteShort(name) + "."
	if near, ok := diag.Near(name, names); ok {
		why += " Did you mean " + near + "?"
	}
	r.fail(why + " Find one with search_tools.")
	return nil
}

func (r *request) describeTool() *rpcError {
	if values := r.bound(); values != nil {
		if t := r.target(values[0].Text()); t != nil {
			item, err := value.Parse(t.item)
			if err != nil {
				return &rpcError{code: codeInternal, message: "The tool cannot be described"}
			}
			r.answerWith(item)
		}
	}
	return nil
}

// answerWith writes a result of the tool that was called.
func (r *request) answerWith(v value.Value) {
	r.json = v.AppendJSON(r.json[:0])
	_ = r.structured(r.view.byName[string(r.params.name)], v, "") // ours is not nested deeply
}

func (r *request) callRead() *rpcError  { return r.callHidden(true) }
func (r *request) callWrite() *rpcError { return r.callHidden(false) }

func (r *request) callHidden(readOnly bool) *rpcError {
	values := r.bound()
	if values == nil {
		return nil
	}
	t := r.target(values[0].Text())
	switch {
	case t == nil:
		return nil
	case readOnly && !t.readOnly:
		r.fail(t.name + " may change something. Call it with call_write_tool.")
		return nil
	}
	r.params.arguments = r.params.arguments[:0]
	for i := range values[1].Len() {
		r.params.arguments = append(r.params.arguments, given{[]byte(values[1].Name(i)), values[1].At(i)})
	}
	return r.run(t)
}
