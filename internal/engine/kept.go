package engine

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/fairlead/fairlead/internal/budget"
	"github.com/fairlead/fairlead/internal/expr"
	"github.com/fairlead/fairlead/internal/jsonpath"
	"github.com/fairlead/fairlead/internal/plan"
	"github.com/fairlead/fairlead/internal/secret"
	"github.com/fairlead/fairlead/internal/value"
)

// kept is what of the answers of a run the document declares secret. Steps run side
// by side, so it has a lock.
type kept struct {
	mu    sync.Mutex
	texts []string
	shown map[int]value.Value // by slot: results of steps as models may see them
}

// maxKept is how many texts of a run are looked for elsewhere in its answer. Where
// they were declared to stand, all are replaced.
const maxKept = 64

// note keeps the texts of v, which stood where the document declares a secret. In
// a structure there may be words and names, which would be found anywhere.
func (k *kept) note(v value.Value, within bool) {
	switch v.Kind() {
	case value.Array, value.Object:
		for i := range v.Len() {
			k.note(v.At(i), true)
		}
	case value.String, value.Number:
		text := v.Text()
		k.mu.Lock()
		defer k.mu.Unlock()
		if len(k.texts) < maxKept && (!within || resemblesSecret(text)) {
			k.texts = append(k.texts, text)
		}
	}
}

// resemblesSecret reports whether a text is long enough for a credential, one word,
// and has a digit.
func resemblesSecret(text string) bool {
	const short = 8
	return len(text) >= short && !strings.ContainsAny(text, " \n") && strings.ContainsAny(text, "0123456789")
}

// addTo makes m look for what is kept.
func (k *kept) addTo(m *secret.Masker) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, text := range k.texts {
		m.AddKept(text)
	}
}

// noteHeader keeps the texts of the answer's header that are declared secret.
func (k *kept) noteHeader(c *plan.Call, h http.Header) {
	for _, name := range c.SecretHeaders {
		k.note(value.Of(h.Get(name)), false)
	}
	if len(c.SecretCookies) == 0 {
		return
	}
	for _, cookie := range (&http.Response{Header: h}).Cookies() {
		if slices.Contains(c.SecretCookies, cookie.Name) {
			k.note(value.Of(cookie.Value), false)
		}
	}
}

// show notes what models may see of the step's result in that slot.
func (k *kept) show(slot int, v value.Value) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.shown == nil {
		k.shown = map[int]value.Value{}
	}
	k.shown[slot] = v
}

// reveal puts what models may see in the place of the results of steps, when all
// steps have run.
func (k *kept) reveal(f expr.Frame) {
	for slot, v := range k.shown {
		f[slot] = v
	}
}

// hides reports whether parts of what c answers are kept from who reads the unit's
// answer.
func (r *invocation) hides(c *plan.Call) bool {
	return r.unit.ForModels() && (c.AnswersSecret() || len(r.unit.Secret) > 0)
}

// secretStep is the result of a step of which parts are secret: later steps read all
// of it.
func (r *invocation) secretStep(ctx context.Context, m *budget.Meter, s *plan.Step, body []byte,
	contentType string) (value.Value, *Error) {
	v, failure := r.decode(m, s.Call, body, contentType)
	if failure != nil {
		return v, failure
	}
	shown := r.keep(m, s.Call.Secrets, v)
	result, failure := r.project(ctx, &Result{meter: m}, s.Call, s.Output, v)
	if failure != nil {
		return v, failure
	}
	seen, failure := r.project(ctx, &Result{meter: m}, s.Call, s.Output, shown)
	if failure != nil {
		return v, failure
	}
	r.kept.show(s.Result, seen.Value)
	return result.Value, nil
}

// keep notes the parts of v that the paths lead to, and returns v with secret.Kept in
// their places. What is null or empty stays: it says that there is nothing.
func (r *invocation) keep(m *budget.Meter, paths []*jsonpath.Path, v value.Value) value.Value {
	var root place
	for _, p := range paths {
		if !p.Locates() {
			made, _ := p.First(m, v)
			r.kept.note(made, false)
		}
		for _, location := range p.Locate(m, v) {
			root.add(location)
		}
	}
	return r.replaced(m, v, &root)
}

// place is a node of a value, or one on the way to some that are replaced.
type place struct {
	whole bool
	names map[string]*place
	items map[int]*place
}

func (p *place) add(location jsonpath.Location) {
	for _, step := range location {
		if p.names == nil {
			p.names, p.items = map[string]*place{}, map[int]*place{}
		}
		var next *place
		if step.IsIndex {
			if next = p.items[step.Index]; next == nil {
				next = &place{}
				p.items[step.Index] = next
			}
		} else if next = p.names[step.Name]; next == nil {
			next = &place{}
			p.names[step.Name] = next
		}
		p = next
	}
	p.whole = true
}

// memberSize is what a member of a copied object takes, in bytes.
const memberSize = 32

// replaced is v with secret.Kept in the places below p.
func (r *invocation) replaced(m *budget.Meter, v value.Value, p *place) value.Value {
	switch {
	case p.whole && v.Kind() > value.Null && (v.Kind() != value.String || v.Text() != ""):
		r.kept.note(v, false)
		return value.Of(secret.Kept)
	case len(p.names) > 0 && v.Kind() == value.Object:
		if !m.Steps(v.Len()) || !m.Hold(int64(v.Len())*memberSize) {
			return value.Value{}
		}
		members := make([]value.Member, v.Len())
		for i := range members {
			members[i] = value.Member{Name: v.Name(i), Value: v.At(i)}
			if next := p.names[v.Name(i)]; next != nil {
				members[i].Value = r.replaced(m, v.At(i), next)
			}
		}
		return value.Members(members)
	case len(p.items) > 0 && v.Kind() == value.Array:
		if !m.Steps(v.Len()) || !m.Hold(int64(v.Len())*memberSize) {
			return value.Value{}
		}
		items := make([]value.Value, v.Len())
		for i := range items {
			items[i] = v.At(i)
			if next := p.items[i]; next != nil {
				items[i] = r.replaced(m, v.At(i), next)
			}
		}
		return value.Items(items)
	}
	return v
}
