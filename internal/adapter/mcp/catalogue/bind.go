package catalogue

import (
	"strings"

	"github.com/fairlead/fairlead/internal/adapter/mcp/ask"
	"github.com/fairlead/fairlead/internal/adapter/mcp/wire"
	"github.com/fairlead/fairlead/internal/diag"
	"github.com/fairlead/fairlead/internal/schema"
	"github.com/fairlead/fairlead/internal/value"
)

// Bind converts the arguments to values by input. Problems are lines for the
// model, all of them at once. What a question asks for may be missing when
// canAsk says that it will be asked.
func (t *Tool) Bind(
	arguments []wire.Given, canAsk func(*ask.Question) bool,
) (values []value.Value, token string, problems []string) {
	values = make([]value.Value, len(t.Unit.Inputs))
	var failed map[int]bool
	for _, g := range arguments {
		i, ok := t.ByArg[string(g.Name)]
		if !ok {
			if t.Confirm && string(g.Name) == ask.ConfirmToken {
				token = g.Value.Text()
				continue
			}
			problems = append(problems, t.unknownArgument(string(g.Name)))
			continue
		}
		a := &t.Args[i]
		if a.Schema == nil {
			values[a.index] = g.Value
			continue
		}
		if g.Value.Kind() == value.Null {
			continue // models write null for what they leave out
		}
		v, problem := a.convert(g.Value)
		if problem != nil {
			if failed == nil {
				failed = map[int]bool{}
			}
			failed[i] = true
			for _, one := range problem.All() {
				problems = append(problems, a.complaint(one))
			}
			continue
		}
		values[a.index] = v
	}
	var missing []string
	for i := range t.Args {
		a := &t.Args[i]
		switch {
		case !a.Required || !values[a.index].IsAbsent() || failed[i]:
		case a.question == nil:
			missing = append(missing, "`"+a.Listed+"`")
		case !canAsk(a.question):
			problems = append(problems, "`"+a.Listed+"` is required; ask the user: "+a.question.Text(values))
		}
	}
	switch {
	case len(missing) == 1:
		problems = append(problems, missing[0]+" is required")
	case missing != nil:
		problems = append(problems, strings.Join(missing, ", ")+" are required")
	}
	return values, token, problems
}

// complaint is what is wrong with the argument, for a model.
func (a *argument) complaint(p *schema.Problem) string {
	name, message := a.Listed, p.Message
	if p.Path != "" && p.Path[0] != '[' {
		name += "."
	}
	if a.Secret {
		message, _, _ = strings.Cut(message, ", not ") // what was given
	}
	return "`" + name + p.Path + "` " + message
}

// convert is what the caller gave as the input wants it. Members of objects may
// have the names that are listed or the document's.
func (a *argument) convert(v value.Value) (value.Value, *schema.Problem) {
	v, problem := a.listed.Convert(rename(v, a.Schema, a.listed))
	return rename(v, a.listed, a.Schema), problem
}

func (t *Tool) unknownArgument(name string) string {
	line := "`" + strings.Trim(wire.Quote(name), `"`) + "` is not known"
	names := make([]string, len(t.Args))
	for i := range t.Args {
		a := &t.Args[i]
		names[i] = a.Listed
		if a.listed.Property(name) != nil {
			return line + "; it belongs in `" + a.Listed + "`"
		}
	}
	if near, ok := diag.Near(name, names); ok {
		line += "; did you mean `" + near + "`?"
	}
	return line
}

func ProblemText(t *Tool, problems []string) string {
	var b strings.Builder
	b.WriteString("The arguments of " + t.Name + " do not fit, nothing was sent:")
	for _, p := range problems {
		b.WriteString("\n- " + p)
	}
	b.WriteString("\nAllowed: ")
	for i := range t.Args {
		a := &t.Args[i]
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString("`" + a.Listed + "`")
		kind := ""
		if a.Schema != nil {
			kind = a.Schema.Type
		}
		if a.Required {
			kind = strings.TrimPrefix(kind+", required", ", ")
		}
		if kind != "" {
			b.WriteString(" (" + kind + ")")
		}
	}
	if len(t.Args) == 0 {
		b.WriteString("no arguments")
	}
	return b.String() + "."
}

// Confirmation says what would happen. Secrets are not repeated.
func (t *Tool) Confirmation(values []value.Value) string {
	text, with := "Run "+t.Name, " with "
	if t.Unit.Title != "" && t.Unit.Title != t.Name {
		text += " (" + t.Unit.Title + ")"
	}
	for _, a := range t.Args {
		v := values[a.index]
		switch {
		case v.IsAbsent():
			continue
		case a.Secret:
			v = value.Of("***")
		}
		// Each is cut on its own, so that a long one hides no other.
		text += with + a.Listed + " = " + wire.Shorten(string(v.AppendJSON(nil)), maxShown)
		with = ", "
	}
	return text + "?"
}

// maxShown is how many bytes of an argument a user gets to see.
const maxShown = 200
