package mcp

import (
	"slices"

	"github.com/fairlead/fairlead/internal/adapter"
	"github.com/fairlead/fairlead/internal/adapter/mcp/catalogue"
	"github.com/fairlead/fairlead/internal/plan"
)

// Unmatched are those of the patterns that match no tool and no resource of the
// servers.
func Unmatched(patterns []string, servers []*plan.Server) (all []string) {
	for _, pattern := range patterns {
		if !slices.ContainsFunc(servers, func(s *plan.Server) bool { return matchesAny(pattern, s) }) {
			all = append(all, pattern)
		}
	}
	return all
}

func matchesAny(pattern string, s *plan.Server) bool {
	for i, name := range catalogue.Names(s) {
		if adapter.Matches(pattern, s.Tools[i], name) {
			return true
		}
	}
	return slices.ContainsFunc(s.Resources, func(r *plan.Resource) bool {
		return r.Unit != nil &&
			adapter.Matches(pattern, r.Unit, r.Name)
	})
}
