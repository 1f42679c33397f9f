package plan

import (
	"net/url"
	"slices"
	"strings"

	"github.com/fairlead/fairlead/internal/expr"
	"github.com/fairlead/fairlead/internal/template"
	"github.com/fairlead/fairlead/internal/upstream"
	"github.com/fairlead/fairlead/internal/value"
)

// passing is the part of a raw query that goes upstream: as it came, but for what a
// query cannot hold, such as a raw #, which would end it.
func (f *Forward) passing(query string) string {
	query = string(template.AppendQueryText(nil, query))
	if len(f.Own) == 0 {
		return query
	}
	var kept []string
	for pair := range strings.SplitSeq(query, "&") {
		if !slices.ContainsFunc(strings.Split(pair, ";"), f.owns) {
			kept = append(kept, pair)
		}
	}
	return strings.Join(kept, "&")
}

// owns reports whether a pair of a caller's query could take the place of one of the
// API's own: some servers end pairs at a semicolon, too, read names whatever their
// case, strip blanks before them, and take name[] for name.
func (f *Forward) owns(pair string) bool {
	key, _, _ := strings.Cut(pair, "=")
	name, err := url.QueryUnescape(key)
	if err != nil {
		name = key
	}
	name, _, _ = strings.Cut(strings.TrimSpace(name), "[")
	return slices.ContainsFunc(f.Own, func(own string) bool {
		bare, _, _ := strings.Cut(own, "[")
		return strings.EqualFold(bare, name)
	})
}

// Of is the request for what a caller sent: rest is the path behind the base,
// query the raw query, both as they came.
func (f *Forward) Of(method, rest, query string) *upstream.Request {
	r := *f.Request
	r.Method, r.Path, r.Query = method, expr.Expr{}, expr.Expr{}
	if rest != "" {
		r.Path = expr.Literal(value.Of("/" + rest))
	}
	if query = f.passing(query); query != "" {
		r.Query = expr.Literal(value.Of(query))
	}
	return &r
}

// ForwardPart is an operation of a session that a forwarded request may be.
type ForwardPart struct {
	Method string
	Path   []string // segments behind the base; "" is any
	Role   Role
}

// NewForwardPart is the operation of a method at a path, in which placeholders are any
// segment.
func NewForwardPart(method, path string, role Role) ForwardPart {
	part := ForwardPart{Method: method, Role: role, Path: segments(path)}
	for i, s := range part.Path {
		if strings.Contains(s, "{") {
			part.Path[i] = ""
		}
	}
	return part
}

// RoleOf is what a request does to the session of the API, however its path is spelt.
func (f *Forward) RoleOf(method, rest string) Role {
	path := segments(rest)
	for _, p := range f.Parts {
		if p.Method == method && slices.EqualFunc(p.Path, path, func(a, b string) bool {
			return a == "" || strings.EqualFold(a, b)
		}) {
			return p.Role
		}
	}
	return NoRole
}

// segments are the decoded segments of a path, without empty ones and dots.
func segments(path string) (all []string) {
	path, _, _ = strings.Cut(path, "?")
	for s := range strings.SplitSeq(path, "/") {
		if decoded, err := url.PathUnescape(s); err == nil {
			s = decoded
		}
		s, _, _ = strings.Cut(s, ";") // parameters of a segment, which some servers take off
		for inner := range strings.SplitSeq(s, "/") {
			switch inner {
			case "", ".":
			case "..":
				all = all[:max(0, len(all)-1)]
			default:
				all = append(all, inner)
			}
		}
	}
	return all
}
