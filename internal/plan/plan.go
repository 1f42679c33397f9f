package plan

import "slices"

// Units lists every unit of the plan, server by server.
func (p *Plan) Units() (all []*Unit) {
	for _, s := range p.Servers {
		all = append(all, s.Units()...)
	}
	return all
}

// Running lists every unit that runs: those of the servers, and the sessions' own,
// which sign in, renew and sign out.
func (p *Plan) Running() []*Unit {
	all := p.Units()
	for _, s := range p.Sessions {
		all = append(all, s.Units()...)
	}
	return all
}

// Units lists what the server runs: operations, tools, dynamic resources.
func (s *Server) Units() (all []*Unit) {
	for _, r := range s.Routes {
		all = append(all, r.Unit)
	}
	all = append(all, s.Tools...)
	for _, r := range s.Resources {
		if r.Unit != nil {
			all = append(all, r.Unit)
		}
	}
	return all
}

// Text is what people call a unit: the path of an operation with its method, the
// name of another.
func (u *Unit) Text() string {
	if u.Kind == "operation" || u.Kind == "forward" {
		return u.ID
	}
	return u.Name
}

// Withhold takes units out of a plan that nobody runs yet.
func (p *Plan) Withhold(units ...*Unit) {
	out := make(map[*Unit]bool, len(units))
	for _, u := range units {
		out[u] = true
		p.Withheld = append(p.Withheld, &Withheld{Kind: u.Kind, Name: u.Text(), Namespace: u.Namespace})
	}
	for _, s := range p.Servers {
		s.Routes = slices.DeleteFunc(s.Routes, func(r *Route) bool { return out[r.Unit] })
		s.Tools = slices.DeleteFunc(s.Tools, func(t *Unit) bool { return out[t] })
		s.Resources = slices.DeleteFunc(s.Resources, func(r *Resource) bool { return r.Unit != nil && out[r.Unit] })
	}
}
