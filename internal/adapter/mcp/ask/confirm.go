package ask

import (
	"github.com/fairlead/fairlead/internal/plan"
	"github.com/fairlead/fairlead/internal/schema"
	"github.com/fairlead/fairlead/internal/value"
)

// ConfirmToken is the argument of the second step, for clients that cannot ask
// their user for us.
const ConfirmToken = "confirm_token"

// goAhead is the form that asks whether to go ahead.
func goAhead(message string) Form {
	return Form{Name: plan.ConfirmQuestion, message: message,
		fields: []Field{{Name: plan.ConfirmQuestion, Title: "Go ahead",
			Schema: &schema.Schema{Type: "boolean", Default: value.Boolean(true)}}}}
}

// agreed reports what the user said to goAhead. Who accepts without touching the
// form agrees.
func agreed(content value.Value) bool {
	said := content.Get(plan.ConfirmQuestion)
	return said.IsAbsent() || said.True()
}
