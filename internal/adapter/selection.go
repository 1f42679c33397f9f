package adapter

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/fairlead/fairlead/internal/plan"
)

// Selection says which units of a document are served, whatever the server.
type Selection struct {
	ReadOnly bool // only what changes nothing
	// patterns of what agents may use: names (path.Match), tag:X, hint:read-only|destructive|idempotent|open-world;
	// Deny wins
	Allow, Deny []string
}

// Serves reports whether a unit is served, which clients know by name. Patterns
// are about what agents use, and say nothing of REST operations.
func (s *Selection) Serves(u *plan.Unit, name string) bool {
	switch {
	case u.Kind == "forward":
		return true // its server takes the safe methods only
	case s.ReadOnly && !u.ReadOnly():
		return false
	case u.Kind == "operation":
		return true
	}
	return (len(s.Allow) == 0 || slices.ContainsFunc(s.Allow,
		func(pattern string) bool { return matches(pattern, u, name) })) &&
		!slices.ContainsFunc(s.Deny, func(pattern string) bool {
			return matches(pattern, u, name) || deniesName(pattern, u.Name) || deniesName(pattern, name)
		})
}

// Denies reports whether Deny keeps from agents what calls nothing, a folder of
// files or a prompt. Allow says nothing of those.
func (s *Selection) Denies(name string, tags []string) bool {
	return slices.ContainsFunc(s.Deny, func(pattern string) bool {
		if tag, ok := strings.CutPrefix(pattern, "tag:"); ok {
			return slices.Contains(tags, tag)
		}
		return deniesName(pattern, name) // no name begins with hint:, which is about calls
	})
}

// hints are the names that patterns know, without -.
var hints = map[string]func(*plan.Unit) bool{
	"readonly":    (*plan.Unit).ReadOnly,
	"destructive": (*plan.Unit).Destructive,
	"idempotent":  func(u *plan.Unit) bool { return u.Hints.Idempotent != nil && *u.Hints.Idempotent },
	"openworld":   func(u *plan.Unit) bool { return u.Hints.OpenWorld == nil || *u.Hints.OpenWorld },
}

func hintOf(name string) func(*plan.Unit) bool {
	return hints[strings.ToLower(strings.ReplaceAll(name, "-", ""))]
}

// CheckPattern says why a pattern of a Selection can match nothing.
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

// matches reports whether a pattern is about a unit, which clients know by name.
func matches(pattern string, u *plan.Unit, name string) bool {
	if tag, ok := strings.CutPrefix(pattern, "tag:"); ok {
		return slices.Contains(u.Tags, tag)
	}
	if hint, ok := strings.CutPrefix(pattern, "hint:"); ok {
		promises := hintOf(hint)
		return promises != nil && promises(u)
	}
	return matchesName(pattern, u.Name) || matchesName(pattern, name)
}

// deniesName is matchesName whatever the case: a pattern that is written otherwise
// than the name would deny nothing, and nobody would notice.
func deniesName(pattern, name string) bool {
	return matchesName(strings.ToLower(pattern), strings.ToLower(name))
}

func matchesName(pattern, name string) bool {
	ok, err := path.Match(withoutSlashes(pattern), withoutSlashes(name))
	return ok && err == nil
}

// withoutSlashes makes * of a pattern match names that hold a slash, as
// resources may: path.Match would stop there.
func withoutSlashes(s string) string { return strings.ReplaceAll(s, "/", "\x00") }
