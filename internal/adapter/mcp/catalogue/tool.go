package catalogue

import (
	"cmp"
	"slices"
	"strings"

	"github.com/fairlead/fairlead/internal/adapter/mcp/ask"
	"github.com/fairlead/fairlead/internal/plan"
	"github.com/fairlead/fairlead/internal/schema"
	"github.com/fairlead/fairlead/internal/value"
)

// Tool is a unit as clients see it.
type Tool struct {
	Name       string // that every client accepts
	Unit       *plan.Unit
	namespaces []string // of the APIs it calls
	Args       []argument
	ByArg      map[string]int // index in args, by listed name and by the document's
	Item       []byte         // its entry of tools/list
	Output     *schema.Schema // what structuredContent conforms to; nil when not promised
	MaxChars   int
	Choosers   [parts][]string // arguments that choose a part of a list, by what they choose
	Confirm    bool
	Questions  []*ask.Question
	Mirrored   bool // clients of 2026-07-28 repeat some arguments as headers
	ReadOnly   bool
	Finder     finder // of the tools that find tools, which have no unit to run
}

// argument is one input that a client gives.
type argument struct {
	Listed   string         // listed
	index    int            // among the unit's inputs
	Part     Part           // of a list, that it chooses
	question *ask.Question  // that asks the user for it, else nil
	listed   *schema.Schema // Schema with names within objects that every model accepts
	*plan.Input
}

// newTools prepares the tools that the configuration lets through, in document
// order. Names do not depend on what it leaves out.
func newTools(opts *Options, s *plan.Server) []*Tool {
	var all []*Tool
	for i, name := range Names(s) {
		if u := s.Tools[i]; opts.Serves(u, name) {
			all = append(all, newTool(opts, u, name))
		}
	}
	return all
}

// Names are the names of a server's tools that every client accepts.
func Names(s *plan.Server) []string {
	names := make([]string, len(s.Tools))
	for i, u := range s.Tools {
		names[i] = u.Name
	}
	return safeNames(names, ofTool)
}

func newTool(opts *Options, u *plan.Unit, name string) *Tool {
	t := &Tool{Name: name, Unit: u, MaxChars: opts.MaxChars, ReadOnly: u.ReadOnly(), namespaces: namespacesOf(u)}
	if u.Model != nil {
		t.MaxChars = cmp.Or(u.Model.MaxChars, opts.MaxChars)
	}
	t.Confirm = u.Confirm || opts.ConfirmDestructive && u.Destructive()
	t.Args, t.ByArg = arguments(u.Inputs)
	t.Questions = ask.NewQuestions(u.Ask, func(input int) ask.Field {
		a := t.Args[slices.IndexFunc(t.Args, func(a argument) bool { return a.index == input })]
		return ask.Field{Name: a.Listed, Schema: a.Schema, Required: a.Required}
	})
	for _, q := range t.Questions {
		for i := range t.Args {
			if slices.Contains(q.Inputs, t.Args[i].index) {
				t.Args[i].question = q
			}
		}
	}
	for _, a := range t.Args {
		t.Mirrored = t.Mirrored || a.Schema != nil && a.Schema.MCPHeader != ""
		if a.Part != NoPart {
			t.Choosers[a.Part] = append(t.Choosers[a.Part], a.Listed)
		}
	}
	t.Output = announced(u.Result)
	t.Item = t.appendItem(nil)
	return t
}

// arguments are the inputs that a caller gives, under names that every model
// accepts as property names.
func arguments(inputs []*plan.Input) ([]argument, map[string]int) {
	var args []argument
	var names []string
	for i, in := range inputs {
		if in.Place != plan.InPlan {
			args = append(args, argument{index: i, Input: in, listed: portableNames(in.Schema), Part: PartOf(in.Name)})
			names = append(names, in.Name)
		}
	}
	byArg := make(map[string]int, len(args))
	for i, name := range safeNames(names, ofArgument) {
		args[i].Listed = name
		byArg[name] = i
	}
	for i, name := range names {
		if _, taken := byArg[name]; !taken {
			byArg[name] = i
		}
	}
	return args, byArg
}

// appendItem appends the tool's entry of tools/list.
func (t *Tool) appendItem(dst []byte) []byte {
	dst = value.AppendString(append(dst, `{"name":`...), t.Name)
	if t.Unit.Title != "" {
		dst = value.AppendString(append(dst, `,"title":`...), t.Unit.Title)
	}
	if text := cmp.Or(t.Unit.Description, t.Unit.Title); text != "" {
		dst = value.AppendString(append(dst, `,"description":`...), text)
	}
	if t.Unit.Model != nil {
		dst = appendIcons(dst, t.Unit.Model.Icon)
	}
	input := schema.Schema{Type: "object"}
	for _, a := range t.Args {
		listed := a.listed
		if a.Secret && listed != nil {
			plain := *listed
			plain.Default = value.Value{}
			listed = &plain
		}
		input.Properties = append(input.Properties, schema.Property{Name: a.Listed, Schema: listed,
			Required: a.Required && a.question == nil})
	}
	if t.Confirm {
		token := &schema.Schema{Type: "string", Description: "Leave this out at first. " +
			"The answer says what would happen and gives the token that confirms it."}
		input.Properties = append(input.Properties, schema.Property{Name: ask.ConfirmToken, Schema: token})
	}
	dst = AppendSchema(append(dst, `,"inputSchema":`...), &input)
	if t.Output != nil {
		dst = appendOutputSchema(append(dst, `,"outputSchema":`...), t.Output)
	}
	if a := annotations(t.Unit); a.Len() > 0 {
		dst = a.AppendJSON(append(dst, `,"annotations":`...))
	}
	if t.MaxChars > DefaultMaxChars {
		// Claude Code keeps that much of an answer, instead of what it keeps of others.
		dst = value.Int(int64(t.MaxChars)).AppendJSON(append(dst, `,"_meta":{"anthropic/maxResultSizeChars":`...))
		dst = append(dst, '}')
	}
	return append(dst, '}')
}

func annotations(u *plan.Unit) value.Value {
	a := value.Map()
	if u.Title != "" {
		a.Add("title", value.Of(u.Title))
	}
	for _, hint := range []struct {
		name  string
		given *bool
	}{
		{"readOnlyHint", u.Hints.ReadOnly}, {"destructiveHint", u.Hints.Destructive},
		{"idempotentHint", u.Hints.Idempotent}, {"openWorldHint", u.Hints.OpenWorld},
	} {
		if hint.given != nil {
			a.Add(hint.name, value.Boolean(*hint.given))
		}
	}
	return a
}

// callable indexes tools by listed name, and by the document's where that is free.
func callable(set []*Tool) map[string]*Tool {
	byName := make(map[string]*Tool, len(set))
	for _, t := range set {
		byName[t.Name] = t
	}
	for _, t := range set {
		if byName[t.Unit.Name] == nil {
			byName[t.Unit.Name] = t
		}
	}
	return byName
}

// namespacesOf are the APIs and aggregates that a unit calls.
func namespacesOf(u *plan.Unit) []string {
	var calls []string
	if u.Model != nil {
		calls = append(calls, u.Model.Call, u.Model.Ref)
		for _, step := range u.Model.Steps {
			calls = append(calls, step.Call)
		}
	}
	names := []string{u.Namespace}
	for _, call := range calls {
		if namespace, _, ok := strings.Cut(call, "."); ok && !slices.Contains(names, namespace) {
			names = append(names, namespace)
		}
	}
	return names
}
