package script

import (
	"fmt"

	"github.com/fairlead/fairlead/internal/value"
)

// output is the JSON text of a result in the making.
type output struct {
	text  []byte
	limit int
}

// raw appends what is JSON already.
func (o *output) raw(text string) error {
	if err := o.room(len(text)); err != nil {
		return err
	}
	o.text = append(o.text, text...)
	return nil
}

// quoted appends a string.
func (o *output) quoted(text string) error {
	if err := o.room(len(text) + 2); err != nil {
		return err
	}
	o.text = value.AppendString(o.text, text)
	return nil
}

// open begins an array or object, which depth others contain.
func (o *output) open(bracket byte, depth int) error {
	if depth > value.MaxDepth {
		return &unfit{problem: fmt.Sprintf("nests deeper than %d levels, or contains itself", value.MaxDepth)}
	}
	o.text = append(o.text, bracket)
	return o.room(0)
}

// byte appends a separator; the next value sees whether there was room for it.
func (o *output) byte(b byte) { o.text = append(o.text, b) }

func (o *output) room(n int) error {
	if len(o.text)+n > o.limit {
		return &unfit{whole: true, problem: fmt.Sprintf("is longer than %d bytes of JSON", o.limit)}
	}
	return nil
}

// unfit reports that a part of the result, or the whole, cannot be answered.
type unfit struct {
	whole          bool
	place, problem string
}

func (e *unfit) Error() string {
	if len(e.place) > 200 || e.whole {
		return "result " + e.problem
	}
	return "result" + e.place + " " + e.problem
}

// within adds the step that leads to the part that err is about.
func within(step string, err error) error {
	if e, ok := err.(*unfit); ok && len(e.place) <= 200 {
		e.place = step + e.place
	}
	return err
}
