package mcp

import (
	"cmp"
	"strings"

	"github.com/fairlead/fairlead/internal/adapter/mcp/ask"
	"github.com/fairlead/fairlead/internal/adapter/mcp/catalogue"
	"github.com/fairlead/fairlead/internal/adapter/mcp/wire"
	"github.com/fairlead/fairlead/internal/diag"
	"github.com/fairlead/fairlead/internal/value"
)

func (r *request) getPrompt(call *callParams) *wire.Error {
	if call.name == nil {
		return wire.InvalidParams("name must be the name of a prompt")
	}
	p := r.view.Prompt(string(call.name))
	if p == nil {
		return r.unknownPrompt(string(call.name))
	}
	r.names(p.Name)
	if call.badArguments {
		return wire.InvalidParams("arguments must be an object")
	}
	given := make(map[string]value.Value, len(call.arguments))
	for _, g := range call.arguments {
		if g.Value.Kind() != value.Null {
			given[string(g.Name)] = g.Value
		}
	}
	if missing := r.missingFor(p, given); missing != nil {
		return wire.InvalidParams("the prompt needs the arguments " + strings.Join(missing, ", "))
	}
	if p.Questions != nil {
		if done, problem := r.consultFor(p, given, &call.answers); done || problem != nil {
			return problem
		}
	}
	texts, err := catalogue.PromptTexts(p, given)
	if err != nil {
		r.h.cfg.Logger.ErrorContext(r.ctx, "mcp prompt failed", "prompt", p.Name, "error", err)
		return &wire.Error{Code: wire.CodeInternal, Message: "The prompt cannot be read: " + p.Name}
	}
	r.Open()
	if text := catalogue.DescribePrompt(p); text != "" {
		r.Out = append(value.AppendString(append(r.Out, `"description":`...), text), ',')
	}
	r.Out = append(r.Out, `"messages":[`...)
	for i, text := range texts {
		if i > 0 {
			r.Out = append(r.Out, ',')
		}
		role := "user"
		if p.File == "" {
			role = cmp.Or(p.Messages[i].Role, role)
		}
		r.Out = value.AppendString(append(r.Out, `{"role":`...), role)
		r.Out = append(r.Out, `,"content":`...)
		if problem := r.promptContent(text); problem != nil || r.silent {
			return problem
		}
		r.Out = append(r.Out, '}')
	}
	r.Out = append(r.Out, "]}"...)
	return nil
}

// missingFor names the required arguments that are not given and that no question
// will ask for.
func (r *request) missingFor(p *catalogue.Prompt, given map[string]value.Value) (missing []string) {
	for i, a := range p.Arguments {
		if !a.Required || !given[a.Name].IsAbsent() {
			continue
		}
		switch q := p.Question(i); {
		case q == nil:
			missing = append(missing, a.Name)
		case !r.canAsk(q):
			missing = append(missing, a.Name+" (ask the user: "+q.Message.Source()+")")
		}
	}
	return missing
}

// consultFor asks the user for arguments that the caller left out. It reports
// true when the answer of the request is written.
func (r *request) consultFor(p *catalogue.Prompt, given map[string]value.Value, user *answers) (done bool,
	problem *wire.Error) {
	values := make([]value.Value, len(p.Arguments))
	for i, a := range p.Arguments {
		values[i] = given[a.Name]
	}
	d := ask.NewDialog("prompt "+p.Name, p.Questions, values)
	ok, why, problem := r.settle(d, user)
	if why != "" {
		problem = wire.InvalidParams(why)
	}
	for i, a := range p.Arguments {
		if !d.Values[i].IsAbsent() {
			given[a.Name] = d.Values[i]
		}
	}
	return !ok, problem
}

// promptContent writes a message: its text or, when that is the URI of one of
// the server's resources and nothing else, the resource.
func (r *request) promptContent(text string) *wire.Error {
	// One that needs a confirmation is for the client to read.
	if res, ok := r.view.Resource(text); ok && !res.Confirm {
		kind, isText, problem := r.load(res, text)
		if problem == nil && !r.silent {
			r.Block(text, kind, isText)
		}
		return problem
	}
	r.Out = append(value.AppendString(append(r.Out, `{"type":"text","text":`...), text), '}')
	return nil
}

func (r *request) unknownPrompt(name string) *wire.Error {
	why := "unknown prompt " + wire.Quote(name)
	var names []string
	for _, p := range r.view.Prompts {
		names = append(names, p.Name)
	}
	if near, ok := diag.Near(name, names); ok {
		why += `; did you mean "` + near + `"?`
	}
	return wire.InvalidParams(why)
}
