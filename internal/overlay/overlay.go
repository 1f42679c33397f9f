// Package overlay applies OpenAPI Overlay 1.0 files to documents: a document is
// never edited to run it, what it lacks is added to its tree.
package overlay

import (
	"context"
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
		diags.Add(diag.BadOverlay, overlay.Where("overlay"), "Begin it with “overlay: 1.0.0”.", "the file is not an Overlay 1.0 document")
		return diags
	}
	actions := overlay.Get("actions")
	if !actions.Is(value.Array) {
		diags.Add(diag.BadOverlay, overlay.Where("actions"), "List the actions: target, update or remove.", "the overlay has no list of actions")
		return diags
	}
	for _, a := range actions.Items {
		apply(root, a, &diags)
	}
	return diags
}

func apply(root, action *document.Node, diags *diag.List) {
	target := action.Get("target")
	path, _, err := jsonpath.Compile(target.Str(), jsonpath.Strict)
	if err != nil {
		reason := err.Error()
		if target.Str() == "" {
			reason = "it is missing"
		}
		diags.Add(diag.BadOverlay, action.Where("target"), "Write an RFC 9535 JSONPath that begins with $.", "the target of the action cannot be used: %s", reason)
		return
	}
	remove, _ := action.Get("remove").Bool()
	update := action.Get("update")
	if update == nil && !remove {
		diags.Add(diag.BadOverlay, action.Range(), "Add update or remove: true.", "the action changes nothing")
		return
	}
	meter := budget.NewMeter(context.Background(), nil)
	places := path.Locate(meter, root.Value())
	if meter.Err() != nil {
		diags.Add(diag.BadOverlay, target.At, "Name what is meant, or use fewer wildcards.", "the target “%s” selects too much", target.Str())
		return
	}
	if len(places) == 0 {
		diags.Add(diag.OverlayNoMatch, target.At, "Correct the target; the document has nothing there.", "the target “%s” matches nothing", target.Str())
		return
	}
	// From the last to the first, so that removing an item moves none that is still to come.
	for i := len(places) - 1; i >= 0; i-- {
		if remove {
			removeAt(root, places[i])
		} else {
			updateAt(root, places[i], update)
		}
	}
}

func removeAt(root *document.Node, place jsonpath.Location) {
	if len(place) == 0 {
		return
	}
	parent, last := find(root, place[:len(place)-1]), place[len(place)-1]
	switch {
	case parent == nil:
	case last.IsIndex:
		if last.Index < len(parent.Items) {
			parent.Items = append(parent.Items[:last.Index:last.Index], parent.Items[last.Index+1:]...)
		}
	default:
		for i := range parent.Pairs {
			if parent.Pairs[i].Key == last.Name {
				parent.Pairs = append(parent.Pairs[:i:i], parent.Pairs[i+1:]...)
				return
			}
		}
	}
}

func updateAt(root *document.Node, place jsonpath.Location, update *document.Node) {
	n := find(root, place)
	switch {
	case n == nil:
	case n.Is(value.Array) && !update.Is(value.Array):
		n.Items = append(n.Items, clone(update))
	default:
		merge(n, update)
	}
}

func find(n *document.Node, place jsonpath.Location) *document.Node {
	for _, step := range place {
		switch {
		case n == nil:
			return nil
		case !step.IsIndex:
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
func merge(n, update *document.Node) {
	switch {
	case n.Is(value.Object) && update.Is(value.Object):
		for _, p := range update.Pairs {
			if have := n.Pair(p.Key); have != nil && have.Value != nil {
				merge(have.Value, p.Value)
			} else {
				n.Pairs = append(n.Pairs, document.Pair{Key: p.Key, KeyAt: p.KeyAt, Value: clone(p.Value)})
			}
		}
	case n.Is(value.Array) && update.Is(value.Array):
		for _, item := range update.Items {
			n.Items = append(n.Items, clone(item))
		}
	default:
		*n = *clone(update)
	}
}

func clone(n *document.Node) *document.Node {
	if n == nil {
		return &document.Node{Kind: value.Null}
	}
	c := *n
	c.Pairs, c.Items = nil, nil
	for _, p := range n.Pairs {
		p.Value = clone(p.Value)
		c.Pairs = append(c.Pairs, p)
	}
	for _, item := range n.Items {
		c.Items = append(c.Items, clone(item))
	}
	return &c
}
