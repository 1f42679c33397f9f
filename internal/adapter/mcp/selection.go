package mcp

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/fairlead/fairlead/internal/adapter/mcp/catalogue"
	"github.com/fairlead/fairlead/internal/plan"
)

// serves reports whether the configuration lets a unit through.
func (cfg *Config) serves(u *plan.Unit, name string) bool {
	if cfg.ReadOnly && !u.ReadOnly() {
		return false
	}
	matches := func(pattern string) bool { return matchUnit(pattern, u, name) }
	return (len(cfg.Allow) == 0 || slices.ContainsFunc(cfg.Allow, matches)) && !slices.ContainsFunc(cfg.Deny, matches)
}

// hints are the names that patterns know, without -.
var hints = map[string]func(*plan.Unit) bool{
	"readonly":    (*plan.Unit).ReadOnly,
	"destructive": func(u *plan.Unit) bool { return catalogue.IsDestructive(u.Hints) },
	"idempotent":  func(u *plan.Unit) bool { return catalogue.IsTrue(u.Hints.Idempotent) },
	"openworld":   func(u *plan.Unit) bool { return u.Hints.OpenWorld == nil || *u.Hints.OpenWorld },
}

func hintOf(name string) func(*plan.Unit) bool {
	return hints[strings.ToLower(strings.ReplaceAll(name, "-", ""))]
}

// CheckPattern says why a pattern of Config.Allow or Deny can match nothing.
func CheckPattern(pattern string) error {
	kind, name, prefixed := strings.Cut(pattern, ":")
	_, syntax := path.Match(pattern, "")
	switch {
	case pattern == "":
		return errors.New("the pattern is empty")
	case kind == "hint" && prefixed && hintOf(name) == nil:
		return fmt.Errorf("there is no hint %q; use read-only, destructive, idempotent or open-world", name)
	case prefixed && kind != "hint" && kind != "tag":
		return fmt.Errorf("%q begins neither with “tag:” nor with “hint:”", pattern)
	case syntax != nil:
		return fmt.Errorf("%q is no pattern: a bracket is not closed", pattern)
	}
	return nil
}

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
		if matchUnit(pattern, s.Tools[i], name) {
			return true
		}
	}
	return slices.ContainsFunc(s.Resources, func(r *plan.Resource) bool {
		return r.Unit != nil &&
			matchUnit(pattern, r.Unit, r.Name)
	})
}

func matchUnit(pattern string, u *plan.Unit, name string) bool {
	if tag, ok := strings.CutPrefix(pattern, "tag:"); ok {
		return slices.Contains(u.Tags, tag)
	}
	if hint, ok := strings.CutPrefix(pattern, "hint:"); ok {
		promises := hintOf(hint)
		return promises != nil && promises(u)
	}
	for _, n := range []string{u.Name, name} {
		if ok, err := path.Match(withoutSlashes(pattern), withoutSlashes(n)); ok && err == nil {
			return true
		}
	}
	return false
}

// withoutSlashes makes * of a pattern match names that hold a slash, as
// resources may: path.Match would stop there.
func withoutSlashes(s string) string { return strings.ReplaceAll(s, "/", "\x00") }
