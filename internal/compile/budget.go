package compile

import (
	"iter"
	"strings"

	"github.com/fairlead/fairlead/internal/diag"
	"github.com/fairlead/fairlead/internal/document"
	"github.com/fairlead/fairlead/internal/model"
)

// mostWork bounds what one document makes of the model, in things compiled: a
// parameter bound to a unit, a variable, a value of a body, a few bytes of a text.
// A thousand tools that call an operation of a thousand parameters are a million
// bindings. The largest published document needs less than a hundredth of it.
const mostWork = 400_000

// mostFound is how many findings of one kind the compiler makes: a few more than
// are shown, so that it shows that there are more.
const mostFound = diag.MostAlike + 1

// spend takes n from what the document has left. When that is used up, the unit
// that is being compiled fails, and so does every one that comes after it; that
// is reported once, at the first.
func (k *compiler) spend(n int, at diag.Range) bool {
	if k.spent < mostWork {
		if k.spent += n; k.spent < mostWork {
			return true
		}
		k.diags.Add(diag.DocumentLimit, at,
			"Split the document, or let fewer units use so many parameters; this unit and those after it are withheld.",
			"the document needs more than %d values bound to its units", mostWork)
	}
	k.failed = true
	return false
}

// meant is the hint that names which of the names was probably meant.
func (k *compiler) meant(word string, names iter.Seq[string], otherwise string) string {
	return k.finder.Meant(word, names, otherwise)
}

// namesOf are the names of things.
func namesOf[T any](things []T, name func(T) string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, t := range things {
			if !yield(name(t)) {
				return
			}
		}
	}
}

// index finds things by their names, exactly or else loosely: those that differ
// only in case and in - _ . are one. It holds their numbers, in the order of adding.
type index struct {
	exact map[string]int
	loose map[string][]int
}

// add enters the thing with number i. The first of a name is the one that is found.
func (x *index) add(name string, i int) {
	if x.exact == nil {
		x.exact, x.loose = map[string]int{}, map[string][]int{}
	}
	if _, have := x.exact[name]; !have {
		x.exact[name] = i
	}
	x.loose[canonical(name)] = append(x.loose[canonical(name)], i)
}

// find returns the number of the thing of that name, -1 when there is none.
func (x *index) find(name string) int {
	if i, ok := x.exact[name]; ok {
		return i
	}
	return -1
}

// like are the numbers of all things whose names are loosely that one.
func (x *index) like(name string) []int { return x.loose[canonical(name)] }

// has reports whether there is a thing of loosely that name.
func (x *index) has(name string) bool { return len(x.like(name)) > 0 }

// boundKey is a variable of a bind.
type boundKey struct {
	bind *model.Bind
	key  model.BindKey
}

// foundFlow is a flow and the aggregate that has it.
type foundFlow struct {
	aggregate *model.Aggregate
	flow      *model.Flow
}

// indexNames makes the maps by which names of the document are found.
func (k *compiler) indexNames() {
	k.servers, k.binds, k.flows = map[string]bool{}, map[string]boundKey{}, map[string]foundFlow{}
	k.apis, k.operations = map[string][]*model.Consume{}, map[*model.Consume]*operations{}
	for _, e := range k.model.Exposes {
		k.servers[e.Namespace] = true
	}
	for i, c := range k.model.Consumes {
		k.apis[c.Namespace] = append(k.apis[c.Namespace], c)
		k.operations[c] = operationsOf(c, i)
	}
	for i := len(k.model.Binds) - 1; i >= 0; i-- { // the last one counts, of one bind's keys the first
		b := k.model.Binds[i]
		for _, key := range b.Keys {
			for _, name := range []string{key.Name, b.Namespace + "." + key.Name} {
				if _, have := k.binds[name]; !have {
					k.binds[name] = boundKey{b, key}
				}
			}
		}
	}
	for _, a := range k.model.Aggregates {
		for _, f := range a.Flows {
			name := f.Name
			if a.Namespace != "" {
				name = a.Namespace + "." + f.Name
			}
			if _, have := k.flows[name]; !have {
				k.flows[name] = foundFlow{a, f}
			}
		}
	}
}

// textCost is what a text weighs: it is read and kept for each unit that uses it,
// in as many pieces as it has placeholders.
func textCost(text string) int { return 1 + len(text)/64 + strings.Count(text, "{") }

// valueCost is what a value of the document weighs: those within it, and their texts.
func valueCost(n *document.Node) int {
	if n == nil {
		return 0
	}
	cost := 1 + len(n.Text)/64
	for _, p := range n.Pairs {
		cost += valueCost(p.Value)
	}
	for _, item := range n.Items {
		cost += valueCost(item)
	}
	return cost
}

// patternCost is what a pattern in a mapping weighs: it may have as many
// instructions as one can.
const patternCost = 2000

// spendOutputs takes what the outputs of a unit or step cost to compile.
func (k *compiler) spendOutputs(outputs []*model.Output) bool {
	for _, o := range outputs {
		cost := 1 + len(o.Mapping)/16 + valueCost(o.Value)
		for _, matcher := range []string{"search", "match", "=~"} {
			cost += patternCost * strings.Count(o.Mapping, matcher)
		}
		if !k.spend(cost, o.Node.Range()) || !k.spendOutputs(o.Properties) || o.Items != nil &&
			!k.spendOutputs([]*model.Output{o.Items}) ||
			o.Values != nil && !k.spendOutputs([]*model.Output{o.Values}) {
			return false
		}
	}
	return true
}
