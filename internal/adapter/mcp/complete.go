package mcp

import (
	"strings"

	"github.com/fairlead/fairlead/internal/adapter/mcp/wire"
	"github.com/fairlead/fairlead/internal/value"
)

// maxCompletions is how many values an answer may have.
const maxCompletions = 100

// complete serves completion/complete: the enum of a prompt's argument or of a
// resource template's variable, as far as it begins with what was typed.
func (r *request) complete() *wire.Error {
	p := &r.Params
	if p.Reference == nil || p.ArgName == nil {
		return wire.InvalidParams("ref and argument are required")
	}
	var candidates []string
	switch string(p.RefType) {
	case "ref/prompt":
		prompt := r.view.Prompt(string(p.Reference))
		if prompt == nil {
			return r.unknownPrompt(string(p.Reference))
		}
		for _, a := range prompt.Arguments {
			if a.Name == string(p.ArgName) {
				candidates = a.Enum
			}
		}
	case "ref/resource":
		known := false
		for _, res := range r.view.Resources {
			if res.URI != string(p.Reference) || !res.IsTemplate() {
				continue
			}
			known = true
			for i, name := range res.Variables() {
				if at := res.Args[i]; name == string(p.ArgName) && at >= 0 && res.Unit.Inputs[at].Schema != nil {
					for _, e := range res.Unit.Inputs[at].Schema.Enum {
						candidates = append(candidates, e.Text())
					}
				}
			}
		}
		if !known {
			return wire.InvalidParams("unknown resource template " + wire.Quote(string(p.Reference)))
		}
	default:
		return wire.InvalidParams("ref.type must be ref/prompt or ref/resource")
	}
	typed := strings.ToLower(string(p.ArgValue))
	values, total := value.List(), 0
	for _, c := range candidates {
		if !strings.HasPrefix(strings.ToLower(c), typed) {
			continue
		}
		if total++; total <= maxCompletions {
			values.Append(value.Of(c))
		}
	}
	completion := value.Map(
		value.Member{Name: "values", Value: values},
		value.Member{Name: "total", Value: value.Int(int64(total))},
		value.Member{Name: "hasMore", Value: value.Boolean(total > maxCompletions)})
	r.Open()
	r.Out = append(completion.AppendJSON(append(r.Out, `"completion":`...)), '}')
	return nil
}
