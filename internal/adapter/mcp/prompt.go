package mcp

import (
	"cmp"
	"io"
	"slices"
	"strings"

	"github.com/fairlead/fairlead/internal/diag"
	"github.com/fairlead/fairlead/internal/plan"
	"github.com/fairlead/fairlead/internal/schema"
	"github.com/fairlead/fairlead/internal/template"
	"github.com/fairlead/fairlead/internal/value"
)

// maxPrompt is the most bytes of a prompt's file.
const maxPrompt = 1 << 20

// promptItem is the prompt's entry of prompts/list.
func promptItem(p *prompt) []byte {
	item := value.Map(value.Member{Name: "name", Value: value.Of(p.Name)})
	add := func(v value.Value, name, text string) {
		if text != "" {
			v.Add(name, value.Of(text))
		}
	}
	add(item, "title", p.Title)
	add(item, "description", describePrompt(p))
	if len(p.Arguments) > 0 {
		arguments := value.List()
		for i, a := range p.Arguments {
			one := value.Map(value.Member{Name: "name", Value: value.Of(a.Name)})
			add(one, "title", a.Title)
			add(one, "description", a.Description)
			one.Add("required", value.Boolean(a.Required && p.question(i) == nil))
			arguments.Append(one)
		}
		item.Add("arguments", arguments)
	}
	if p.Model != nil && p.Model.Icon != "" {
		item.Add("icons", icons(p.Model.Icon))
	}
	return item.AppendJSON(nil)
}

func describePrompt(p *prompt) string {
	if p.Model == nil {
		return ""
	}
	return p.Model.Description
}

// prompt is a prompt as clients see it.
type prompt struct {
	*plan.Prompt
	questions []*question
}

// question is what asks for an argument, or nil.
func (p *prompt) question(argument int) *question {
	for _, q := range p.questions {
		if slices.Contains(q.Inputs, argument) {
			return q
		}
	}
	return nil
}

func newPrompts(s *plan.Server) []*prompt {
	all := make([]*prompt, len(s.Prompts))
	for i, p := range s.Prompts {
		all[i] = &prompt{Prompt: p, questions: newQuestions(p.Ask, func(input int) field {
			a := p.Arguments[input]
			s := &schema.Schema{Type: "string", Description: a.Description}
			for _, e := range a.Enum {
				s.Enum = append(s.Enum, value.Of(e))
			}
			return field{name: a.Name, title: a.Title, schema: s, required: a.Required}
		})}
	}
	return all
}

func (v *view) prompt(name string) *prompt {
	for _, p := range v.prompts {
		if p.Name == name {
			return p
		}
	}
	return nil
}

func (r *request) getPrompt() *rpcError {
	if r.params.name == nil {
		return invalidParams("name must be the name of a prompt")
	}
	p := r.view.prompt(string(r.params.name))
	if p == nil {
		return r.unknownPrompt(string(r.params.name))
	}
	if r.params.badArgs {
		return invalidParams("arguments must be an object")
	}
	given := make(map[string]value.Value, len(r.params.arguments))
	for _, g := range r.params.arguments {
		if g.value.Kind() != value.Null {
			given[string(g.name)] = g.value
		}
	}
	if missing := r.missingFor(p, given); missing != nil {
		return invalidParams("the prompt needs the arguments " + strings.Join(missing, ", "))
	}
	if p.questions != nil {
		if done, problem := r.consultFor(p, given); done || problem != nil {
			return problem
		}
	}
	texts, err := promptTexts(p, given)
	if err != nil {
		r.h.cfg.Logger.ErrorContext(r.ctx, "mcp prompt failed", "prompt", p.Name, "error", err)
		return &rpcError{code: codeInternal, message: "The prompt cannot be read: " + p.Name}
	}
	r.open()
	if text := describePrompt(p); text != "" {
		r.out = append(value.AppendString(append(r.out, `"description":`...), text), ',')
	}
	r.out = append(r.out, `"messages":[`...)
	for i, text := range texts {
		if i > 0 {
			r.out = append(r.out, ',')
		}
		role := "user"
		if p.File == "" {
			role = cmp.Or(p.Messages[i].Role, role)
		}
		r.out = value.AppendString(append(r.out, `{"role":`...), role)
		r.out = append(r.out, `,"content":`...)
		if problem := r.promptContent(text); problem != nil || r.silent {
			return problem
		}
		r.out = append(r.out, '}')
	}
	r.out = append(r.out, "]}"...)
	return nil
}

// missingFor names the required arguments that are not given and that no question
// will ask for.
func (r *request) missingFor(p *prompt, given map[string]value.Value) (missing []string) {
	for i, a := range p.Arguments {
		if !a.Required || !given[a.Name].IsAbsent() {
			continue
		}
		switch q := p.question(i); {
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
func (r *request) consultFor(p *prompt, given map[string]value.Value) (done bool, problem *rpcError) {
	values := make([]value.Value, len(p.Arguments))
	for i, a := range p.Arguments {
		values[i] = given[a.Name]
	}
	d := newDialog("prompt "+p.Name, p.questions, values)
	ok, why, problem := r.settle(d)
	if why != "" {
		problem = invalidParams(why)
	}
	for i, a := range p.Arguments {
		if !d.values[i].IsAbsent() {
			given[a.Name] = d.values[i]
		}
	}
	return !ok, problem
}

// promptContent writes a message: its text or, when that is the URI of one of
// the server's resources and nothing else, the resource.
func (r *request) promptContent(text string) *rpcError {
	// One that needs a confirmation is for the client to read.
	if res, ok := r.view.resource(text); ok && !res.confirm {
		kind, isText, problem := r.load(res, text)
		if problem == nil && !r.silent {
			r.block(text, kind, isText)
		}
		return problem
	}
	r.out = append(value.AppendString(append(r.out, `{"type":"text","text":`...), text), '}')
	return nil
}

func (r *request) unknownPrompt(name string) *rpcError {
	why := "unknown prompt " + quoteShort(name)
	var names []string
	for _, p := range r.view.prompts {
		names = append(names, p.Name)
	}
	if near, ok := diag.Near(name, names); ok {
		why += `; did you mean "` + near + `"?`
	}
	return invalidParams(why)
}

// promptTexts fills the messages in. A placeholder that is no argument stays.
func promptTexts(p *prompt, given map[string]value.Value) ([]string, error) {
	if p.File != "" {
		f, err := p.Files.Open(p.File)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		for _, a := range p.Arguments {
			if given[a.Name].IsAbsent() {
				given[a.Name] = value.Of("")
			}
		}
		text, err := io.ReadAll(io.LimitReader(f, maxPrompt))
		return []string{fillIn(string(text), given)}, err
	}
	var texts []string
	for _, m := range p.Messages {
		vars := m.Text.Vars()
		text, err := m.Text.Append(nil, func(i int) value.Value {
			v, ok := given[vars[i].Name]
			switch {
			case ok || vars[i].Optional:
				return v
			case slices.ContainsFunc(p.Arguments, func(a plan.Argument) bool { return a.Name == vars[i].Name }):
				return value.Of("") // left out
			}
			return value.Of("{{" + vars[i].Name + "}}")
		}, template.Raw)
		if err != nil {
			return nil, err
		}
		texts = append(texts, string(text))
	}
	return texts, nil
}

// fillIn replaces {{name}} by what was given, once, and nothing else: a file
// may hold any other text in braces.
func fillIn(text string, given map[string]value.Value) string {
	var b strings.Builder
	for {
		before, rest, ok := strings.Cut(text, "{{")
		b.WriteString(before)
		if !ok {
			return b.String()
		}
		name, after, ok := strings.Cut(rest, "}}")
		v, known := given[strings.TrimSpace(name)]
		if !ok || !known {
			b.WriteString("{{")
			text = rest
			continue
		}
		b.WriteString(v.Text())
		text = after
	}
}
