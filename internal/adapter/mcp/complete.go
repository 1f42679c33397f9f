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
func (r *request) complete(p *completeParams) *wire.Error {
	if p.reference == nil || p.argument == nil {
		return wire.InvalidParams("ref and argument are required")
	}
	var candidates []string
	switch string(p.kind) {
	case "ref/prompt":
		prompt := r.view.Prompt(string(p.reference))
		if prompt == nil {
			return r.unknownPrompt(string(p.reference))
		}
		for _, a := range prompt.Arguments {
			if a.Name == string(p.argument) {
				candidates = a.Enum
			}
		}
	case "ref/resource":
		known := false
		for _, res := range r.view.Resources {
			if res.URI != string(p.reference) || !res.IsTemplate() {
				continue
			}
			known = true
			for i, name := range res.Variables() {
				if at := res.Args[i]; name == string(p.argument) && at >= 0 && res.Unit.Inputs[at].Schema != nil {
					for _, e := range res.Unit.Inputs[at].Schema.Enum {
						candidates = append(candidates, e.Text())
					}
				}
			}
		}
		if !known {
			return wire.InvalidParams("unknown resource template " + wire.Quote(string(p.reference)))
		}
	default:
		return wire.InvalidParams("ref.type must be ref/prompt or ref/resource")
	}
	typed := strings.ToLower(string(p.typed))
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
