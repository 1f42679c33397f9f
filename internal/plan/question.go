package plan

import "github.com/fairlead/fairlead/internal/template"

// ConfirmQuestion is the name of the question whether to go ahead.
const ConfirmQuestion = "confirm"

// Question is put to the user of a client when the caller leaves one of its
// inputs out.
type Question struct {
	Name    string
	Message *template.Template // over other inputs
	Inputs  []int              // what the answer gives: indexes among the unit's inputs, or the prompt's arguments
	Vars    []int              // likewise, by variable of Message
}
