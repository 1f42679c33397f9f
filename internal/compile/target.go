package compile

import (
	"slices"
	"strings"

	"github.com/fairlead/fairlead/internal/diag"
	"github.com/fairlead/fairlead/internal/model"
)

// resolve finds the operation that a call names. Two parts are
// namespace.operation, three namespace.resource.operation; names may hold dots,
// so every split is tried.
func (k *compiler) resolve(call string, at diag.Range) (*model.Consume, *model.Operation) {
	found := false
	for _, c := range k.consumed(call) {
		found = true
		rest := call[len(c.Namespace)+1:]
		if c.Missing != "" { // the import was reported
			return nil, nil
		}
		if op := k.operations[c].find(rest); op != nil {
			return c, op
		}
	}
	if !found {
		hint := "Name a consumed namespace and one of its operations: namespace.operation."
		namespaces := namesOf(k.model.Consumes, func(c *model.Consume) string { return c.Namespace })
		if near, ok := k.finder.Near(first(call), namespaces); ok {
			hint = "Did you mean “" + near + "." + strings.TrimPrefix(call, first(call)+".") + "”?"
		}
		k.report(diag.CallUnresolved, at, hint, "“%s” names no consumed API", call)
		return nil, nil
	}
	hint := k.meant(call, k.callNames, "Correct the name; a misspelt call never answers with sample data.")
	k.report(diag.CallUnresolved, at, hint, "“%s” names no operation of that API", call)
	return nil, nil
}

func first(call string) string {
	head, _, _ := strings.Cut(call, ".")
	return head
}

// consumed lists the APIs whose namespace, followed by a dot, begins the call, in
// the order of the document.
func (k *compiler) consumed(call string) (apis []*model.Consume) {
	for i, letter := range call {
		if letter == '.' && i > 0 {
			apis = append(apis, k.apis[call[:i]]...)
		}
	}
	slices.SortFunc(apis, func(a, b *model.Consume) int { return k.operations[a].order - k.operations[b].order })
	return apis
}

// operations are those of one API, by the names that calls give them.
type operations struct {
	order  int // of the API in the document
	plain  map[string]*model.Operation
	within map[string]*model.Operation // resource.operation
}

// find finds an operation by its name, or as resource.operation.
func (o *operations) find(name string) *model.Operation {
	if op := o.plain[name]; op != nil {
		return op
	}
	return o.within[name]
}

func operationsOf(c *model.Consume, order int) *operations {
	o := &operations{order: order, plain: map[string]*model.Operation{}, within: map[string]*model.Operation{}}
	for _, r := range c.Resources {
		for _, op := range r.Operations {
			if o.plain[op.Name] == nil {
				o.plain[op.Name] = op
			}
			if name := r.Name + "." + op.Name; r.Name != "" && o.within[name] == nil {
				o.within[name] = op
			}
		}
	}
	return o
}

// callNames yields what calls may name.
func (k *compiler) callNames(yield func(string) bool) {
	for _, c := range k.model.Consumes {
		for _, r := range c.Resources {
			for _, op := range r.Operations {
				if !yield(c.Namespace + "." + op.Name) {
					return
				}
			}
		}
	}
}
