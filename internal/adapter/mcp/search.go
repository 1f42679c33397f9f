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

// finders serve the tools that find tools.
var finders = [catalogue.Finders]func(*request) *wire.Error{
	catalogue.SearchTools:   (*request).searchTools,
	catalogue.DescribeTool:  (*request).describeTool,
	catalogue.CallReadTool:  (*request).callRead,
	catalogue.CallWriteTool: (*request).callWrite,
}

// bound converts the arguments of one of the tools above; nil means that the
// result is written already.
func (r *request) bound() []value.Value {
	t := r.view.ByName[string(r.Params.Name)]
	values, _, problems := t.Bind(r.Params.Arguments, r.canAsk)
	if problems != nil {
		r.Fail(catalogue.ProblemText(t, problems))
		return nil
	}
	return values
}

func (r *request) searchTools() *wire.Error {
	values := r.bound()
	if values == nil {
		return nil
	}
	limit := int64(found)
	if n, ok := values[1].Int64(); ok && n > 0 {
		limit = n
	}
	hits := r.view.Search(values[0].Text())
	list := value.List()
	for _, t := range hits[:min(len(hits), int(min(limit, 100)))] {
		arguments := value.List()
		for _, a := range t.Args {
			arguments.Append(value.Of(a.Listed))
		}
		list.Append(value.Map(
			value.Member{Name: "name", Value: value.Of(t.Name)},
			value.Member{Name: "description", Value: value.Of(wire.Shorten(cmp.Or(t.Unit.Description, t.Unit.Title), 300))},
			value.Member{Name: "arguments", Value: arguments},
			value.Member{Name: "readOnly", Value: value.Boolean(t.ReadOnly)}))
	}
	answer := value.Map(value.Member{Name: "tools", Value: list}, value.Member{Name: "found", Value: value.Int(int64(len(hits)))})
	if len(hits) == 0 {
		answer.Add("hint", value.Of("No tool has any of these words. Words that tools have: "+strings.Join(r.view.Index.Common(20), ", ")+"."))
	}
	r.answerWith(answer)
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

func (r *request) describeTool() *wire.Error {
	if values := r.bound(); values != nil {
		if t := r.target(values[0].Text()); t != nil {
			item, err := value.Parse(t.Item)
			if err != nil {
				return &wire.Error{Code: wire.CodeInternal, Message: "The tool cannot be described"}
			}
			r.answerWith(item)
		}
	}
	return nil
}

// answerWith writes a result of the tool that was called.
func (r *request) answerWith(v value.Value) {
	r.JSON = v.AppendJSON(r.JSON[:0])
	_ = r.Structured(r.view.ByName[string(r.Params.Name)], v, "") // ours is not nested deeply
}

func (r *request) callRead() *wire.Error  { return r.callHidden(true) }
func (r *request) callWrite() *wire.Error { return r.callHidden(false) }

func (r *request) callHidden(readOnly bool) *wire.Error {
	values := r.bound()
	if values == nil {
		return nil
	}
	t := r.target(values[0].Text())
	switch {
	case t == nil:
		return nil
	case readOnly && !t.ReadOnly:
		r.Fail(t.Name + " may change something. Call it with call_write_tool.")
		return nil
	}
	r.Params.Arguments = r.Params.Arguments[:0]
	for i := range values[1].Len() {
		r.Params.Arguments = append(r.Params.Arguments, wire.Given{Name: []byte(values[1].Name(i)), Value: values[1].At(i)})
	}
	return r.run(t)
}
