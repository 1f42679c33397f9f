// Package overlay applies OpenAPI Overlay 1.0 files to documents: a document is
// never edited to run it, what it lacks is added to its tree.
package overlay

import (
	"context"
	"math"
	"slices"
	"strings"

	"github.com/fairlead/fairlead/internal/budget"
	"github.com/fairlead/fairlead/internal/diag"
	"github.com/fairlead/fairlead/internal/document"
	"github.com/fairlead/fairlead/internal/jsonpath"
	"github.com/fairlead/fairlead/internal/value"
)

// Apply changes the tree root by the actions of the overlay, in order, each on
// what the one before left (Overlay 1.0.0 section 4.4). An update is merged into
// an object recursively, appended to an array, and replaces anything else.
// Values that an overlay brings keep their place in the overlay's file. A target
// that matches nothing is reported and changes nothing.
func Apply(root, overlay *document.Node) diag.List {
	var diags diag.List
	if v := overlay.Get("overlay"); !strings.HasPrefix(v.Str(), "1.") {
		diags.Add(diag.BadOverlay, overlay.Where("overlay"), "Begin it with “overlay: 1.0.0”.",
			"the file is not an Overlay 1.0 document")
		return diags
	}
	actions := overlay.Get("actions")
	if !actions.Is(value.Array) {
		diags.Add(diag.BadOverlay, overlay.Where("actions"), "List the actions: target, update or remove.",
			"the overlay has no list of actions")
		return diags
	}
	t := tree{root: root, size: root.Size(math.MaxInt), call: budget.NewCall(nil)}
	for _, a := range actions.Items {
		if t.apply(a, &diags); t.full {
			diags.Add(diag.DocumentLimit, a.Range(),
				"Apply fewer or narrower actions; this one and those after it are not applied in full.",
				"the overlay makes more than %d values of the document, or takes more than %d steps",
				document.MaxNodes, mostSteps)
			return diags
		}
	}
	return diags
}

// mostSteps bounds what all actions of an overlay together look at and change.
const mostSteps = 4_000_000

// tree is a document that an overlay changes.
type tree struct {
	root  *document.Node
	size  int          // values in it, an upper bound
	steps int          // taken so far
	call  *budget.Call // what all targets together may cost
	full  bool         // it has grown or worked too much, and is not changed any more
}

// step takes n steps and reports whether that may be.
func (t *tree) step(n int) bool {
	t.steps += n
	t.full = t.full || t.steps > mostSteps || t.size > document.MaxNodes
	return !t.full
}

func (t *tree) apply(action *document.Node, diags *diag.List) {
	target := action.Get("target")
	path, _, err := jsonpath.Compile(target.Str(), jsonpath.Strict)
	if err != nil {
		reason := err.Error()
		if target.Str() == "" {
			reason = "it is missing"
		}
		diags.Add(diag.BadOverlay, action.Where("target"), "Write an RFC 9535 JSONPath that begins with $.",
			"the target of the action cannot be used: %s", reason)
		return
	}
	remove, _ := action.Get("remove").Bool()
	update := action.Get("update")
	if update == nil && !remove {
		diags.Add(diag.BadOverlay, action.Range(), "Add update or remove: true.", "the action changes nothing")
		return
	}
	if !t.step(t.size) {
		return
	}
	meter := budget.NewMeter(context.Background(), t.call)
	places := path.Locate(meter, t.root.Value())
	if meter.Err() != nil {
		diags.Add(diag.BadOverlay, target.At, "Name what is meant, or use fewer wildcards.",
			"the target “%s” selects too much", target.Str())
		return
	}
	if len(places) == 0 {
		diags.Add(diag.OverlayNoMatch, target.At, "Correct the target; the document has nothing there.",
			"the target “%s” matches nothing", target.Str())
		return
	}
	// From the last to the first, so that removing an item moves none that is still to come.
	for i := len(places) - 1; i >= 0 && t.step(1+len(places[i])); i-- {
		if remove {
			t.remove(places[i])
		} else {
			t.update(places[i], update)
		}
	}
}

func (t *tree) remove(place jsonpath.Location) {
	if len(place) == 0 {
		return
	}
	parent, last := t.find(place[:len(place)-1]), place[len(place)-1]
	switch {
	case parent == nil:
	case last.IsIndex:
		if last.Index < len(parent.Items) {
			t.step((len(parent.Items) - last.Index) / 8)
			parent.Items = slices.Delete(parent.Items, last.Index, last.Index+1)
		}
	default:
		for i := len(parent.Pairs) - 1; i >= 0; i-- { // they go from the last to the first
			if t.step(1); parent.Pairs[i].Key == last.Name {
				parent.Pairs = slices.Delete(parent.Pairs, i, i+1)
				return
			}
		}
	}
}

func (t *tree) update(place jsonpath.Location, update *document.Node) {
	n := t.find(place)
	switch {
	case n == nil:
	case n.Is(value.Array) && !update.Is(value.Array):
		n.Items = append(n.Items, t.clone(update))
	default:
		t.merge(n, update)
	}
}

func (t *tree) find(place jsonpath.Location) *document.Node {
	n := t.root
	for _, step := range place {
		switch {
		case n == nil:
			return nil
		case !step.IsIndex:
			t.step(len(n.Pairs) / 8)
			n = n.Get(step.Name)
		case step.Index < len(n.Items):
			n = n.Items[step.Index]
		default:
			return nil
		}
	}
	return n
}

// merge makes n what update says: members are merged, items appended, scalars
// and values of another kind replaced.
func (t *tree) merge(n, update *document.Node) {
	switch {
	case n.Is(value.Object) && update.Is(value.Object):
		t.step(len(n.Pairs) / 8)
		at := make(map[string]int, len(n.Pairs))
		for i, p := range n.Pairs {
			at[p.Key] = i
		}
		for _, p := range update.Pairs {
			if !t.step(1) {
				return
			}
			if i, have := at[p.Key]; have && n.Pairs[i].Value != nil {
				t.merge(n.Pairs[i].Value, p.Value)
			} else {
				at[p.Key] = len(n.Pairs)
				n.Pairs = append(n.Pairs, document.Pair{Key: p.Key, KeyAt: p.KeyAt, Value: t.clone(p.Value)})
			}
		}
	case n.Is(value.Array) && update.Is(value.Array):
		for _, item := range update.Items {
			n.Items = append(n.Items, t.clone(item))
		}
	default:
		*n = *t.clone(update)
	}
}

// clone copies n, or as much of it as there is room for.
func (t *tree) clone(n *document.Node) *document.Node {
	if t.size++; !t.step(1) || n == nil {
		return &document.Node{Kind: value.Null}
	}
	c := *n
	c.Pairs, c.Items = nil, nil
	for _, p := range n.Pairs {
		p.Value = t.clone(p.Value)
		c.Pairs = append(c.Pairs, p)
	}
	for _, item := range n.Items {
		c.Items = append(c.Items, t.clone(item))
	}
	return &c
}
