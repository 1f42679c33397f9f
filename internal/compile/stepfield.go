package compile

import (
	"slices"
	"strings"

	"github.com/fairlead/fairlead/internal/diag"
	"github.com/fairlead/fairlead/internal/plan"
)

// stepFields are the fields that a step is known to have. What a lookup keeps is
// all that it has; an operation's outputs are added to whatever it answers.
type stepFields struct {
	names []string
	all   bool
}

func fieldsOf(s *plan.Step) (f stepFields) {
	switch s.Kind {
	case plan.LookupStep:
		return stepFields{s.Lookup.Fields, len(s.Lookup.Fields) > 0}
	case plan.CallStep:
		for _, o := range s.Call.Operation.Outputs {
			f.names = append(f.names, o.Name)
		}
	}
	return f
}

// stepField reports a reference to a field that the step cannot have, or that
// looks like a misspelt output of it. rest is the reference behind the step's name.
func (s *scope) stepField(step, rest string, at diag.Range) {
	name, ok := strings.CutPrefix(rest, ".")
	if i := strings.IndexAny(name, ".["); i >= 0 {
		name = name[:i]
	}
	f := s.fields[step]
	if !ok || isIndex(name) || strings.ContainsAny(name, "*()?@ ") || slices.Contains(f.names, name) {
		return
	}
	hint := s.compiler.meant(name, slices.Values(f.names), "")
	switch {
	case hint == "" && !f.all:
		return
	case hint == "":
		hint = "Add “" + name + "” to the outputParameters of the step."
	}
	s.compiler.report(diag.StepField, at, hint, "step “%s” has no field “%s”", step, name)
}

func isIndex(name string) bool { return name != "" && strings.Trim(name, "0123456789") == "" }
