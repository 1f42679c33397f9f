package mcp

import (
	"strings"

	"github.com/fairlead/fairlead/internal/value"
)

// maxCompletions is how many values an answer may have.
const maxCompletions = 100

// complete serves completion/complete: the enum of a prompt's argument or of a
// resource template's variable, as far as it begins with what was typed.
func (r *request) complete() *rpcError {
	p := &r.params
	if p.reference == nil || p.argName == nil {
		return invalidParams("ref and argument are required")
	}
	var candidates []string
	switch string(p.refType) {
	case "ref/prompt":
		prompt := r.view.prompt(string(p.reference))
		if prompt == nil {
			return r.unknownPrompt(string(p.reference))
		}
		for _, a := range prompt.Arguments {
			if a.Name == string(p.argName) {
				candidates = a.Enum
			}
		}
	case "ref/resource":
		known := false
		for _, res := range r.view.resources {
			if res.URI != string(p.reference) || !res.isTemplate() {
				continue
			}
			known = true
			for i, name := range res.variables() {
				if at := res.args[i]; name == string(p.argName) && at >= 0 && res.Unit.Inputs[at].Schema != nil {
					for _, e := range res.Unit.Inputs[at].Schema.Enum {
						candidates = append(candidates, e.Text())
					}
				}
			}
		}
		if !known {
			return invalidParams("unknown resource template " + quoteShort(string(p.reference)))
		}
	default:
		return invalidParams("ref.type must be ref/prompt or ref/resource")
	}
	typed := strings.ToLower(string(p.argValue))
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
	r.open()
	r.out = append(completion.AppendJSON(append(r.out, `"completion":`...)), '}')
	return nil
}
