package compile

import (
	"strings"

	"github.com/fairlead/fairlead/internal/diag"
	"github.com/fairlead/fairlead/internal/model"
)

// resolve finds the operation that a call names. Two parts are
// namespace.operation, three namespace.resource.operation; names may hold dots,
// so every split is tried.
func (k *compiler) resolve(call string, at diag.Range) (*model.Consume, *model.Operation) {
	var namespaces []string
	found := false
	for _, c := range k.model.Consumes {
		namespaces = append(namespaces, c.Namespace)
		rest, ok := strings.CutPrefix(call, c.Namespace+".")
		if !ok || c.Namespace == "" {
			continue
		}
		found = true
		if c.Missing != "" {
			k.report(diag.CallUnresolved, at, "Put the file there; until then this is withheld.", "“%s” needs the import of %s, which brought nothing", call, c.Missing)
			return nil, nil
		}
		if op := operation(c, rest); op != nil {
			return c, op
		}
	}
	if !found {
		hint := "Name a consumed namespace and one of its operations: namespace.operation."
		if near, ok := diag.Near(first(call), namespaces); ok {
			hint = "Did you mean “" + near + "." + strings.TrimPrefix(call, first(call)+".") + "”?"
		}
		k.report(diag.CallUnresolved, at, hint, "“%s” names no consumed API", call)
		return nil, nil
	}
	hint := diag.Meant(call, k.callNames(), "Correct the name; a misspelt call never answers with sample data.")
	k.report(diag.CallUnresolved, at, hint, "“%s” names no operation of that API", call)
	return nil, nil
}

func first(call string) string {
	head, _, _ := strings.Cut(call, ".")
	return head
}

func operation(c *model.Consume, name string) *model.Operation {
	for _, r := range c.Resources {
		for _, op := range r.Operations {
			if op.Name == name {
				return op
			}
		}
	}
	for _, r := range c.Resources {
		if rest, ok := strings.CutPrefix(name, r.Name+"."); ok && r.Name != "" {
			for _, op := range r.Operations {
				if op.Name == rest {
					return op
				}
			}
		}
	}
	return nil
}

func (k *compiler) callNames() (names []string) {
	for _, c := range k.model.Consumes {
		for _, r := range c.Resources {
			for _, op := range r.Operations {
				names = append(names, c.Namespace+"."+op.Name)
			}
		}
	}
	return names
}
