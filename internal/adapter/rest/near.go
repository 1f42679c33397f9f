package rest

import (
	"strings"

	"github.com/fairlead/fairlead/internal/diag"
	"github.com/fairlead/fairlead/internal/plan"
)

// near names the route that a request for an unknown path probably meant, as
// "METHOD path", or "". It is one whose path differs only in case, that lacks
// or has more of the segments at the beginning, or that has one segment
// misspelt. Routes of the request's method go first.
func near(routes []*plan.Route, method, path string) string {
	if len(path) > 1024 {
		return ""
	}
	asked := segments(path)
	best, bestRank := "", 0
	for _, r := range routes {
		rank := likeness(asked, segments(r.Path)) * 2
		if rank > 0 && (r.Method == method || r.Forward != nil) {
			rank++
		}
		if rank > bestRank {
			best, bestRank = strings.TrimPrefix(r.Method+" "+r.Path, " "), rank
		}
	}
	return best
}

func segments(path string) []string { return strings.Split(strings.Trim(path, "/"), "/") }

// likeness is 0 for paths that are not near each other, else the more the nearer.
func likeness(asked, served []string) int {
	if len(asked) != len(served) {
		short := min(len(asked), len(served))
		tail := served[len(served)-short:]
		if !isLiteral(tail) || misspelt(asked[len(asked)-short:], tail) != "" {
			return 0
		}
		return 2
	}
	switch misspelt(asked, served) {
	case "":
		return 3
	case "one":
		return 1
	default:
		return 0
	}
}

// isLiteral reports whether some segment is text, so that fitting it says something.
func isLiteral(served []string) bool {
	for _, s := range served {
		if s != "" && !strings.Contains(s, "{") {
			return true
		}
	}
	return false
}

// misspelt compares segment by segment without regard to case: "" when all fit,
// "one" when one is only nearly right, else "more".
func misspelt(asked, served []string) (how string) {
	for i, s := range served {
		switch {
		case strings.EqualFold(asked[i], s), strings.Contains(s, "{") && asked[i] != "":
		case how != "":
			return "more"
		default:
			if _, ok := diag.Near(asked[i], []string{s}); !ok {
				return "more"
			}
			how = "one"
		}
	}
	return how
}
