package compile

import (
	"regexp"
	"slices"
	"strings"

	"github.com/fairlead/fairlead/internal/diag"
	"github.com/fairlead/fairlead/internal/model"
	"github.com/fairlead/fairlead/internal/plan"
	"github.com/fairlead/fairlead/internal/schema"
	"github.com/fairlead/fairlead/internal/template"
)

// asked is something that a user may be asked for.
type asked struct {
	name   string
	secret bool
	schema *schema.Schema
}

// questions compiles what the users of a unit or prompt are asked. A question
// that cannot be asked withholds it: its author counts on the answer.
func (k *compiler) questions(all []*model.Question, inputs []asked) (compiled []*plan.Question) {
	index := func(name string) int { return slices.IndexFunc(inputs, func(in asked) bool { return in.name == name }) }
	for at, m := range all {
		q := &plan.Question{Name: m.Name}
		var err error
		if q.Message, err = template.Compile(m.Message, template.Double); err != nil {
			k.report(diag.BadTemplate, m.Node.Range(), "Correct the braces.",
				"the message of the question “%s” cannot be read: %s", m.Name, err)
			continue
		}
		refuse := func(hint, format string, args ...any) {
			k.report(diag.QuestionInvalid, m.Node.Range(), hint, format, args...)
		}
		switch {
		case m.Name == plan.ConfirmQuestion:
			refuse("Give it another name.",
				"a question cannot be named “%s”: that is the question whether to go ahead", m.Name)
		case m.Message == "":
			refuse("Write what the user is asked.", "the question “%s” has no message", m.Name)
		case len(m.Inputs) == 0:
			refuse("Name the inputs that the answer gives.", "the question “%s” has no inputs", m.Name)
		}
		for _, name := range m.Inputs {
			i := index(name)
			switch {
			case i < 0:
				refuse(k.nearInput(name, inputs), "the question “%s” asks for “%s”, which is no input here", m.Name,
					name)
			case inputs[i].secret:
				refuse("Let the operator bind it, or the caller give it.",
					"the question “%s” asks for the secret “%s”: clients show and keep what users write in a form",
					m.Name, name)
			case !fitsForm(inputs[i].schema):
				refuse("Ask for texts, numbers, booleans, or lists of values of an enum.",
					"the question “%s” asks for “%s”, for which forms of MCP clients have no field", m.Name, name)
			case slices.ContainsFunc(compiled,
				func(other *plan.Question) bool { return slices.Contains(other.Inputs, i) }):
				refuse("Ask for it once.", "the question “%s” asks for “%s”, which another question asks for", m.Name,
					name)
			}
			q.Inputs = append(q.Inputs, i)
		}
		for _, v := range q.Message.Vars() {
			i := index(v.Name)
			switch {
			case i < 0:
				refuse(k.nearInput(v.Name, inputs),
					"the message of the question “%s” names “%s”, which is no input here", m.Name, v.Name)
			case slices.ContainsFunc(all[at:],
				func(other *model.Question) bool { return slices.Contains(other.Inputs, v.Name) }):
				refuse("Put the question that asks for it first.",
					"the message of the question “%s” names “%s”, which nobody knows yet", m.Name, v.Name)
			case inputs[i].secret:
				refuse("Leave it out.", "the message of the question “%s” would show the secret “%s”", m.Name, v.Name)
			}
			q.Vars = append(q.Vars, i)
		}
		compiled = append(compiled, q)
	}
	return compiled
}

func (k *compiler) nearInput(name string, inputs []asked) string {
	names := make([]string, len(inputs))
	for i, in := range inputs {
		names[i] = in.name
	}
	if len(names) == 0 {
		return "Declare it as an input."
	}
	return k.meant(name, slices.Values(names), "Inputs are "+diag.Some(names)+".")
}

// fitsForm reports whether the forms of MCP clients have a field for it
// (elicitation, MCP 2025-11-25).
func fitsForm(s *schema.Schema) bool {
	if s.Type == "array" {
		return s.Items != nil && len(s.Items.Enum) > 0
	}
	return s.Type != "object"
}

// asks settles what the users of a unit are asked: what the unit says, and what
// its flow says.
func (k *compiler) asks(u *plan.Unit, ofFlow []*model.Question) {
	inputs := make([]asked, len(u.Inputs))
	for i, in := range u.Inputs {
		inputs[i] = asked{in.Name, in.Secret, in.Schema}
		if in.Place == plan.InPlan {
			inputs[i] = asked{} // nobody gives it
		}
	}
	confirm := u.Confirm || u.Model.Confirm
	u.Confirm = confirm && u.Kind != "operation"
	switch {
	case u.Kind == "operation" && (confirm || len(u.Model.Ask)+len(ofFlow) > 0):
		at := u.Model.Node.Where("x-fairlead")
		if u.Model.Node.Get("x-fairlead") == nil {
			at = u.Model.Node.Where("ref")
		}
		k.diags.Add(diag.NotAsked, at, "Remove it, or expose the call as an MCP tool.",
			"the callers of “%s” are not asked anything: only MCP clients have somebody to ask", u.Name)
	case u.Kind == "resource" && len(u.Model.Ask) > 0:
		k.diags.Add(diag.NotAsked, u.Model.Node.Where("x-fairlead"), "Remove ask; confirm works.",
			"whoever reads “%s” is not asked for inputs: its URI has them all", u.Name)
	case u.Kind == "tool":
		u.Ask = k.questions(slices.Concat(u.Model.Ask, ofFlow), inputs)
	}
}

// token is what may stand in the name of a header (RFC 9110 section 5.6.2).
var token = regexp.MustCompile("^[!#$%&'*+.^_`|~0-9A-Za-z-]+$")

// headers checks which inputs of a tool MCP clients repeat as headers
// (x-mcp-header, MCP 2026-07-28): texts, integers and booleans, no secrets, each
// under a name of its own. What fails is an argument like any other.
func (k *compiler) headers(u *plan.Unit) {
	if u.Kind != "tool" {
		return
	}
	taken := map[string]bool{}
	for _, in := range u.Inputs {
		name := in.Schema.MCPHeader
		if name == "" {
			continue
		}
		why := ""
		switch {
		case !token.MatchString(name):
			why = "it is no name of a header"
		case in.Secret:
			why = "proxies log headers, and the input is a secret"
		case !slices.Contains([]string{"string", "integer", "boolean"}, in.Schema.Type):
			why = "the input must be declared as a string, integer or boolean"
		case taken[strings.ToLower(name)]:
			why = "another input has it"
		}
		if taken[strings.ToLower(name)] = true; why != "" {
			at := u.Model.Node.Range()
			for _, p := range u.Model.Inputs {
				if p.Name == in.Name {
					at = p.Node.Where("x-fairlead")
				}
			}
			k.diags.Add(diag.WrongType, at, "Correct x-fairlead: {header: …} of the input, or remove it.",
				"“%s” of “%s” is not repeated as the header Mcp-Param-%s: %s", in.Name, u.Name, name, why)
			in.Schema.MCPHeader = ""
		}
	}
}
