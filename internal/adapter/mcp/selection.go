package mcp

import (
	"slices"

	"github.com/fairlead/fairlead/internal/adapter"
	"github.com/fairlead/fairlead/internal/adapter/mcp/catalogue"
	"github.com/fairlead/fairlead/internal/plan"
)

// Unallowed are those of the patterns that allow no tool and no resource of the
// servers.
func Unallowed(patterns []string, servers []*plan.Server) []string {
	return unmatched(patterns, servers, func(pattern string, s *plan.Server) bool {
		allow := adapter.Selection{Allow: []string{pattern}}
		return anyUnit(s, allow.Serves)
	})
}

// Undenied are those of the patterns that deny no tool, resource and prompt of the
// servers.
func Undenied(patterns []string, servers []*plan.Server) []string {
	return unmatched(patterns, servers, func(pattern string, s *plan.Server) bool {
		deny := adapter.Selection{Deny: []string{pattern}}
		return anyUnit(s, func(u *plan.Unit, name string) bool { return !deny.Serves(u, name) }) ||
			slices.ContainsFunc(s.Resources,
				func(r *plan.Resource) bool { return r.Unit == nil && deny.Denies(r.Name, catalogue.Tags(r)) }) ||
			slices.ContainsFunc(s.Prompts, func(p *plan.Prompt) bool { return deny.Denies(p.Name, nil) })
	})
}

func unmatched(patterns []string, servers []*plan.Server,
	matches func(pattern string, s *plan.Server) bool) (all []string) {
	for _, pattern := range patterns {
		if !slices.ContainsFunc(servers, func(s *plan.Server) bool { return matches(pattern, s) }) {
			all = append(all, pattern)
		}
	}
	return all
}

func anyUnit(s *plan.Server, is func(u *plan.Unit, name string) bool) bool {
	for i, name := range catalogue.Names(s) {
		if is(s.Tools[i], name) {
			return true
		}
	}
	return slices.ContainsFunc(s.Resources, func(r *plan.Resource) bool { return r.Unit != nil && is(r.Unit, r.Name) })
}
