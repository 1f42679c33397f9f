package mcp

import (
	"cmp"
	"strings"

	"github.com/fairlead/fairlead/internal/adapter/mcp/catalogue"
	"github.com/fairlead/fairlead/internal/adapter/mcp/wire"
	"github.com/fairlead/fairlead/internal/diag"
	"github.com/fairlead/fairlead/internal/value"
)

// found is how many tools a search returns when the caller does not say.
const found = 10

// finders serve calls of the tools that find tools.
var finders = [catalogue.Finders]func(*request, *catalogue.Tool, *callParams) *wire.Error{
	catalogue.SearchTools:   (*request).searchTools,
	catalogue.DescribeTool:  (*request).describeTool,
	catalogue.CallReadTool:  (*request).callRead,
	catalogue.CallWriteTool: (*request).callWrite,
}

// bound converts the arguments of one of the tools above; nil means that the
// result is written already.
func (r *request) bound(t *catalogue.Tool, p *callParams) []value.Value {
	values, _, problems := t.Bind(p.arguments, r.canAsk)
	if problems != nil {
		r.Fail(catalogue.ProblemText(t, problems))
		return nil
	}
	return values
}

func (r *request) searchTools(t *catalogue.Tool, p *callParams) *wire.Error {
	values := r.bound(t, p)
	if values == nil {
		return nil
	}
	limit := int64(found)
	if n, ok := values[1].Int64(); ok && n > 0 {
		limit = n
	}
	hits := r.view.Search(values[0].Text())
	list := value.List()
	for _, hit := range hits[:min(len(hits), int(min(limit, 100)))] {
		arguments := value.List()
		for _, a := range hit.Args {
			arguments.Append(value.Of(a.Listed))
		}
		list.Append(value.Map(
			value.Member{Name: "name", Value: value.Of(hit.Name)},
			value.Member{Name: "description",
				Value: value.Of(wire.Shorten(cmp.Or(hit.Unit.Description, hit.Unit.Title), 300))},
			value.Member{Name: "arguments", Value: arguments},
			value.Member{Name: "readOnly", Value: value.Boolean(hit.ReadOnly)}))
	}
	answer := value.Map(value.Member{Name: "tools", Value: list},
		value.Member{Name: "found", Value: value.Int(int64(len(hits)))})
	if len(hits) == 0 {
		answer.Add("hint", value.Of("No tool has any of these words. Words that tools have: "+strings.Join(r.view.Index.Common(20), ", ")+"."))
	}
	r.answerWith(t, answer)
	return nil
}

// target is the hidden tool that an argument names; nil means that the result
// is written already.
func (r *request) target(name string) *catalogue.Tool {
	if t := r.view.ByName[name]; t != nil && t.Finder == catalogue.NoFinder {
		return t
	}
	names := make([]string, len(r.view.Hidden))
	for i, t := range r.view.Hidden {
		names[i] = t.Name
	}
	why := "There is no tool " + wire.Quote(name) + "."
	if near, ok := diag.Near(name, names); ok {
		why += " Did you mean " + near + "?"
	}
	r.Fail(why + " Find one with search_tools.")
	return nil
}

func (r *request) describeTool(t *catalogue.Tool, p *callParams) *wire.Error {
	if values := r.bound(t, p); values != nil {
		if hidden := r.target(values[0].Text()); hidden != nil {
			item, err := value.Parse(hidden.Item)
			if err != nil {
				return &wire.Error{Code: wire.CodeInternal, Message: "The tool cannot be described"}
			}
			r.answerWith(t, item)
		}
	}
	return nil
}

// answerWith writes a result of the tool that was called.
func (r *request) answerWith(t *catalogue.Tool, v value.Value) {
	r.JSON = v.AppendJSON(r.JSON[:0])
	_ = r.Structured(t, v) // ours is not nested deeply
}

func (r *request) callRead(t *catalogue.Tool, p *callParams) *wire.Error {
	return r.callHidden(t, p, true)
}
func (r *request) callWrite(t *catalogue.Tool, p *callParams) *wire.Error {
	return r.callHidden(t, p, false)
}

func (r *request) callHidden(t *catalogue.Tool, p *callParams, readOnly bool) *wire.Error {
	values := r.bound(t, p)
	if values == nil {
		return nil
	}
	t = r.target(values[0].Text())
	switch {
	case t == nil:
		return nil
	case readOnly && !t.ReadOnly:
		r.Fail(t.Name + " may change something. Call it with call_write_tool.")
		return nil
	}
	p.arguments = p.arguments[:0]
	for i := range values[1].Len() {
		p.arguments = append(p.arguments, wire.Given{Name: []byte(values[1].Name(i)), Value: values[1].At(i)})
	}
	return r.run(t, p)
}
