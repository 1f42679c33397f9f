package cli

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/fairlead/fairlead/internal/diag"
	"github.com/fairlead/fairlead/internal/engine"
	"github.com/fairlead/fairlead/internal/host"
	"github.com/fairlead/fairlead/internal/plan"
	"github.com/fairlead/fairlead/internal/value"
)

// findUnit finds a unit by its id, its name (tools first), or “METHOD path”.
func findUnit(d *host.Document, name string) (*plan.Unit, error) {
	var names []string
	var byName *plan.Unit
	for _, u := range d.Plan.Units() {
		if u.ID == name {
			return u, nil
		}
		names = append(names, u.Name, u.ID)
		if u.Name == name && (byName == nil || byName.Kind != "tool" && u.Kind == "tool") {
			byName = u
		}
	}
	if byName != nil {
		return byName, nil
	}
	for _, w := range d.Plan.Withheld {
		if w.Name == name {
			return nil, fmt.Errorf("%s %s is withheld; “fairlead check %s” says why", w.Kind, name, d.Name)
		}
	}
	hint := "“fairlead inspect " + d.Name + "” lists what there is"
	if template, values := fills(name, names); template != "" {
		hint = "it is “" + template + "” with " + values
	} else if near, ok := diag.Near(name, names); ok {
		hint = "did you mean “" + near + "”?"
	}
	return nil, fmt.Errorf("no unit “%s” in %s; %s", name, d.Name, hint)
}

// fills finds the “METHOD path” of which a name is one with values, and tells
// these as words of the command line.
func fills(name string, names []string) (template, values string) {
	segments := strings.Split(name, "/")
	for _, one := range names {
		var words []string
		parts := strings.Split(one, "/")
		fit := len(parts) == len(segments) && len(parts) > 1
		for i := range parts {
			switch {
			case !fit:
			case strings.HasPrefix(parts[i], "{") && strings.HasSuffix(parts[i], "}"):
				words = append(words, strings.Trim(parts[i], "{}")+"="+segments[i])
			default:
				fit = parts[i] == segments[i]
			}
		}
		if fit && len(words) > 0 {
			return one, strings.Join(words, " ")
		}
	}
	return "", ""
}

// arguments makes a unit's inputs of name=value words and, before them, the
// members of a JSON object. A value @FILE is the file's content.
func arguments(u *plan.Unit, words []string, object string) (engine.Args, error) {
	args := engine.Args{Values: make([]value.Value, len(u.Inputs))}
	var problems []string
	set := func(name string, v value.Value) {
		for i, in := range u.Inputs {
			if in.Name == name && in.Place != plan.InPlan {
				if v.Kind() == value.Null {
					return // left out, as by every caller
				}
				converted, problem := in.Schema.Convert(v)
				if problem != nil {
					problems = append(problems, name+" "+problem.Error())
				}
				args.Values[i] = converted
				return
			}
		}
		var names []string
		for _, in := range u.Inputs {
			if in.Place != plan.InPlan {
				names = append(names, in.Name)
			}
		}
		problem := fmt.Sprintf("%s is no input of %s; it takes %s", name, u.Name, orNone(strings.Join(names, ", ")))
		if near, ok := diag.Near(name, names); ok {
			problem += "; did you mean " + near + "?"
		}
		problems = append(problems, problem)
	}
	if object != "" {
		v, err := value.Parse([]byte(object))
		if err != nil || v.Kind() != value.Object {
			return args, errors.New("--json: want a JSON object of inputs")
		}
		for i := range v.Len() {
			set(v.Name(i), v.At(i))
		}
	}
	for _, word := range words {
		name, text, ok := strings.Cut(word, "=")
		if !ok {
			return args, fmt.Errorf("“%s” is not name=value", word)
		}
		if file, ok := strings.CutPrefix(text, "@"); ok {
			content, err := os.ReadFile(file)
			if err != nil {
				return args, fmt.Errorf("read %s: %w", name, err)
			}
			text = string(content)
		}
		set(name, value.Of(text))
	}
	if len(problems) > 0 {
		return args, errors.New(strings.Join(problems, "\n  "))
	}
	return args, nil
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

// missing lists required inputs that have no value.
func missing(u *plan.Unit, args engine.Args) (names []string) {
	for i, in := range u.Inputs {
		if in.Required && in.Place != plan.InPlan && args.Values[i].IsAbsent() && in.Schema.Default.IsAbsent() {
			names = append(names, in.Name)
		}
	}
	return names
}
