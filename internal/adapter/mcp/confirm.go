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
	why := ""
	if token != "" {
		switch _, name, state := r.unseal(token, "token", d); {
		case state == good && r.h.spent.once(name):
			return true
		case state == good:
			why = "The confirmation was used already. "
		case state == expired:
			why = "The confirmation has expired. "
		default:
			why = "The confirmation is not for this call with these arguments. "
		}
	}
	r.fail(why + t.confirmation(d.values) + "\nNothing was sent yet. If the user agrees, make the same call again and add the argument `" + confirmToken + "`: \"" + r.seal("token", d, nil) + "\" (good for five minutes).")
	return false
}

// confirmation says what would happen. Secrets are not repeated.
func (t *tool) confirmation(values []value.Value) string {
	text, with := "Run "+t.name, " with "
	if t.unit.Title != "" && t.unit.Title != t.name {
		text += " (" + t.unit.Title + ")"
	}
	for _, a := range t.args {
		v := values[a.index]
		switch {
		case v.IsAbsent():
			continue
		case a.Secret:
			v = value.Of("***")
		}
		// Each is cut on its own, so that a long one hides no other.
		text += with + a.name + " = " + cutText(string(v.AppendJSON(nil)), maxShown)
		with = ", "
	}
	return text + "?"
}

// maxShown is how many bytes of an argument a user gets to see.
const maxShown = 200
