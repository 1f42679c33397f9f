package mcp

import (
	"github.com/fairlead/fairlead/internal/plan"
	"github.com/fairlead/fairlead/internal/schema"
	"github.com/fairlead/fairlead/internal/value"
)

// confirmToken is the argument of the second step, for clients that cannot ask
// their user for us.
const confirmToken = "confirm_token"

// goAhead is the form that asks whether to go ahead.
func goAhead(message string) form {
	return form{name: plan.ConfirmQuestion, message: message, fields: []field{{name: plan.ConfirmQuestion, title: "Go ahead", schema: &schema.Schema{Type: "boolean", Default: value.Boolean(true)}}}}
}

// agreed reports what the user said to goAhead. Who accepts without touching the
// form agrees.
func agreed(content value.Value) bool {
	said := content.Get(plan.ConfirmQuestion)
	return said.IsAbsent() || said.True()
}

// confirmedByToken is the way for clients that cannot ask their user for us: the
// first call gives a token, the second one brings it. It reports false when it
// has written the answer of the first.
func (r *request) confirmedByToken(t *tool, d *dialog, token string) bool {
	d.given = value.List(d.values...).Text()
	why := ""
	if token != "" {
		switch _, state := r.unseal(token, "token", d); state {
		case good:
			return true
		case expired:
			why = "The confirmation has expired. "
		default:
			why = "The confirmation is not for this call with these arguments. "
		}
	}
	r.fail(why + t.question(d.values) + "\nNothing was sent yet. If the user agrees, call " + t.name + " again with the same arguments and `" + confirmToken + "`: \"" + r.seal("token", d, nil) + "\" (good for five minutes).")
	return false
}

// question says what would happen. Secrets are not repeated.
func (t *tool) question(values []value.Value) string {
	arguments := value.Map()
	for _, a := range t.args {
		switch v := values[a.index]; {
		case v.IsAbsent():
		case a.Secret:
			arguments.Set(a.name, value.Of("***"))
		default:
			arguments.Set(a.name, v)
		}
	}
	text := "Run " + t.name
	if t.unit.Title != "" && t.unit.Title != t.name {
		text += " (" + t.unit.Title + ")"
	}
	if arguments.Len() > 0 {
		text += " with " + cutText(arguments.Text(), 1000)
	}
	return text + "?"
}
