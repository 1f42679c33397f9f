package host

import (
	"fmt"
	"slices"
	"strings"

	"github.com/fairlead/fairlead/internal/plan"
)

// lost says of each document which units of those that are served still stand in
// it, and could not be served any more. Taking a unit out of the text is no fault.
func (h *Host) lost(documents []*Document) map[*Document]error {
	old := map[string][]*plan.Server{}
	for _, s := range h.servers {
		name := s.current.document.Name
		old[name] = append(old[name], s.current.server)
	}
	lost := map[*Document]error{}
	for _, d := range documents {
		if err := Lost(old[d.Name], d); err != nil {
			lost[d] = err
		}
	}
	return lost
}

// mostLost is how many units an error names.
const mostLost = 5

// Lost is the error of a document that withholds what servers of its predecessor
// serve; nil when it withholds nothing of that.
func Lost(served []*plan.Server, d *Document) error {
	if d.Plan == nil {
		return nil
	}
	type key struct{ kind, namespace, name string }
	before := map[key]bool{}
	for _, s := range served {
		for _, u := range s.Units() {
			before[key{u.Kind, s.Namespace, u.Text()}] = true
		}
		for _, r := range s.Resources {
			before[key{"resource", s.Namespace, r.Name}] = true
		}
		for _, p := range s.Prompts {
			before[key{"prompt", s.Namespace, p.Name}] = true
		}
	}
	var names []string
	for _, w := range d.Plan.Withheld {
		if k := (key{w.Kind, w.Namespace, w.Name}); before[k] && !slices.Contains(names, w.Name) {
			names = append(names, w.Name)
		}
	}
	if len(names) == 0 {
		return nil
	}
	more := ""
	if len(names) > mostLost {
		more = fmt.Sprintf(" and %d more", len(names)-mostLost)
		names = names[:mostLost]
	}
	return fmt.Errorf("the new one could not serve %s%s any more (--reload any takes it all the same)",
		strings.Join(names, ", "), more)
}

// apart leaves out servers that share their port with no other, where another has
// it: what was served stays.
func apart(next []*generation, old map[serverID]*server) (kept []*generation, problems []error) {
	ports := map[int][]*generation{}
	for _, g := range next {
		if g.bind.port != 0 {
			ports[g.bind.port] = append(ports[g.bind.port], g)
		}
	}
	out := map[*generation]bool{}
	for port, all := range ports {
		if len(all) < 2 || !slices.ContainsFunc(all, func(g *generation) bool { return kinds[g.server.Type].alone }) {
			continue
		}
		stays := all[0]
		if i := slices.IndexFunc(all, func(g *generation) bool { return old[g.id] != nil }); i >= 0 {
			stays = all[i]
		} else if i := slices.IndexFunc(all, func(g *generation) bool { return !kinds[g.server.Type].alone }); i >= 0 {
			stays = all[i]
		}
		for _, g := range all {
			if g != stays && (kinds[g.server.Type].alone || kinds[stays.server.Type].alone) {
				out[g] = true
				problems = append(problems, fmt.Errorf(
					"the %s server of %s is not served: a control server shares its port with no other, and %s has port %d",
					g.server.Type, g.document.Name, stays.document.Name, port))
			}
		}
	}
	return slices.DeleteFunc(next, func(g *generation) bool { return out[g] }), problems
}
