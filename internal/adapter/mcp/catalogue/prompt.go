package catalogue

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/fairlead/fairlead/internal/adapter/mcp/ask"
	"github.com/fairlead/fairlead/internal/plan"
	"github.com/fairlead/fairlead/internal/schema"
	"github.com/fairlead/fairlead/internal/template"
	"github.com/fairlead/fairlead/internal/value"
)

// maxPrompt is the most bytes of a prompt's file.
const maxPrompt = 1 << 20

// promptItem is the prompt's entry of prompts/list.
func promptItem(p *Prompt) []byte {
	item := value.Map(value.Member{Name: "name", Value: value.Of(p.Name)})
	add := func(v value.Value, name, text string) {
		if text != "" {
			v.Add(name, value.Of(text))
		}
	}
	add(item, "title", p.Title)
	add(item, "description", DescribePrompt(p))
	if len(p.Arguments) > 0 {
		arguments := value.List()
		for i, a := range p.Arguments {
			one := value.Map(value.Member{Name: "name", Value: value.Of(a.Name)})
			add(one, "title", a.Title)
			add(one, "description", a.Description)
			one.Add("required", value.Boolean(a.Required && p.Question(i) == nil))
			arguments.Append(one)
		}
		item.Add("arguments", arguments)
	}
	if p.Model != nil && p.Model.Icon != "" {
		item.Add("icons", icons(p.Model.Icon))
	}
	return item.AppendJSON(nil)
}

func DescribePrompt(p *Prompt) string {
	if p.Model == nil {
		return ""
	}
	return p.Model.Description
}

// Prompt is a prompt as clients see it.
type Prompt struct {
	*plan.Prompt
	Questions []*ask.Question
}

// Question is what asks for an argument, or nil.
func (p *Prompt) Question(argument int) *ask.Question {
	for _, q := range p.Questions {
		if slices.Contains(q.Inputs, argument) {
			return q
		}
	}
	return nil
}

func newPrompts(opts *Options, s *plan.Server) []*Prompt {
	all := make([]*Prompt, 0, len(s.Prompts))
	for _, p := range s.Prompts {
		if opts.Denies(p.Name, nil) {
			continue
		}
		all = append(all, &Prompt{Prompt: p, Questions: ask.NewQuestions(p.Ask, func(input int) ask.Field {
			a := p.Arguments[input]
			s := &schema.Schema{Type: "string", Description: a.Description}
			for _, e := range a.Enum {
				s.Enum = append(s.Enum, value.Of(e))
			}
			return ask.Field{Name: a.Name, Title: a.Title, Schema: s, Required: a.Required}
		})})
	}
	return all
}

func (v *View) Prompt(name string) *Prompt {
	for _, p := range v.Prompts {
		if p.Name == name {
			return p
		}
	}
	return nil
}

// PromptTexts fills the messages in. A placeholder that is no argument stays.
func PromptTexts(p *Prompt, given map[string]value.Value) ([]string, error) {
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
		text, err := io.ReadAll(io.LimitReader(f, maxPrompt+1))
		if err == nil && len(text) > maxPrompt {
			err = fmt.Errorf("read prompt: %s is larger than 1 MiB", p.File)
		}
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
