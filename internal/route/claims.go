package route

import (
	"slices"
	"strings"
)

// Claims are routes of several owners. It finds those that one request could
// match, by what the paths say and whatever their placeholders are called. Owners
// and claims are numbers of the caller. The zero Claims is empty and ready.
type Claims struct{ root claims }

// claims is a node: what is claimed at a path and below it.
type claims struct {
	owners   [2]int // the first two owners of claims here and below, each plus 1
	literals map[string]*claims
	texts    []claimChild // the literals, in the order in which they came
	partials []claimChild
	single   *claims
	rest     []claim
	here     []claim
}

type claimChild struct {
	segment
	node *claims
}

// claim is who claims a method: the first claim, and the first of another owner.
type claim struct {
	method string
	of     [2]claimOf
	count  int
}

type claimOf struct{ owner, number int }

// Add enters a claim.
func (c *Claims) Add(method string, p *Pattern, owner, number int) {
	n := &c.root
	n.note(owner)
	for i := range p.segments {
		s := &p.segments[i]
		if s.rest {
			n.rest = appendClaim(n.rest, method, owner, number)
			return
		}
		n = n.child(s)
		n.note(owner)
	}
	n.here = appendClaim(n.here, method, owner, number)
}

func (n *claims) note(owner int) {
	for i, o := range n.owners {
		if o == owner+1 {
			return
		}
		if o == 0 {
			n.owners[i] = owner + 1
			return
		}
	}
}

// others reports whether somebody but owner has claims here or below.
func (n *claims) others(owner int) bool {
	return n.owners[0] != 0 && (n.owners[0] != owner+1 || n.owners[1] != 0)
}

func appendClaim(list []claim, method string, owner, number int) []claim {
	one := claimOf{owner, number}
	for i := range list {
		c := &list[i]
		if c.method == method {
			if c.count == 1 && c.of[0].owner != owner {
				c.of[1], c.count = one, 2
			}
			return list
		}
	}
	return append(list, claim{method: method, of: [2]claimOf{one}, count: 1})
}

func (n *claims) child(s *segment) *claims {
	if s.isPlaceholder() {
		if n.single == nil {
			n.single = &claims{}
		}
		return n.single
	}
	if s.isLiteral() {
		child := n.literals[s.texts[0]]
		if child == nil {
			if n.literals == nil {
				n.literals = map[string]*claims{}
			}
			child = &claims{}
			n.literals[s.texts[0]] = child
			n.texts = append(n.texts, claimChild{*s, child})
		}
		return child
	}
	for _, c := range n.partials {
		if slices.Equal(c.texts, s.texts) {
			return c.node
		}
	}
	child := &claims{}
	n.partials = append(n.partials, claimChild{*s, child})
	return child
}

// Other finds a claim of another owner that takes a request which method and p
// take, too. HEAD is a method of every GET.
func (c *Claims) Other(method string, p *Pattern, owner int) (number int, ok bool) {
	return c.root.other(method, p.segments, owner)
}

func (n *claims) other(method string, left []segment, owner int) (number int, ok bool) {
	if n == nil || !n.others(owner) {
		return 0, false
	}
	if len(left) == 0 {
		return pick(n.here, method, owner)
	}
	s := &left[0]
	if s.rest {
		return n.below(method, owner)
	}
	if s.isLiteral() {
		if number, ok = n.literals[s.texts[0]].other(method, left[1:], owner); ok {
			return number, true
		}
		if s.texts[0] == "" {
			return 0, false // no placeholder takes an empty segment
		}
	}
	if !s.isLiteral() {
		if number, ok = otherOf(n.texts, method, left, owner); ok {
			return number, true
		}
	}
	if number, ok = otherOf(n.partials, method, left, owner); ok {
		return number, true
	}
	if number, ok = n.single.other(method, left[1:], owner); ok {
		return number, true
	}
	return pick(n.rest, method, owner)
}

func otherOf(children []claimChild, method string, left []segment, owner int) (number int, ok bool) {
	for i := range children {
		if child := &children[i]; left[0].meets(&child.segment) {
			if number, ok = child.node.other(method, left[1:], owner); ok {
				return number, true
			}
		}
	}
	return 0, false
}

// below finds a claim of a path that goes on from here with a segment which is
// not empty.
func (n *claims) below(method string, owner int) (number int, ok bool) {
	if number, ok = pick(n.rest, method, owner); ok {
		return number, true
	}
	for i := range n.texts {
		if child := &n.texts[i]; child.texts[0] != "" {
			if number, ok = child.node.all(method, owner); ok {
				return number, true
			}
		}
	}
	return n.allOpen(method, owner)
}

// all finds a claim here or further down.
func (n *claims) all(method string, owner int) (number int, ok bool) {
	if n == nil || !n.others(owner) {
		return 0, false
	}
	if number, ok = pick(n.here, method, owner); ok {
		return number, true
	}
	if number, ok = pick(n.rest, method, owner); ok {
		return number, true
	}
	for i := range n.texts {
		if number, ok = n.texts[i].node.all(method, owner); ok {
			return number, true
		}
	}
	return n.allOpen(method, owner)
}

// allOpen is all of what is behind placeholders.
func (n *claims) allOpen(method string, owner int) (number int, ok bool) {
	for i := range n.partials {
		if number, ok = n.partials[i].node.all(method, owner); ok {
			return number, true
		}
	}
	return n.single.all(method, owner)
}

func pick(list []claim, method string, owner int) (number int, ok bool) {
	for i := range list {
		c := &list[i]
		if c.method != method && (c.method != "GET" || method != "HEAD") && (c.method != "HEAD" || method != "GET") {
			continue
		}
		for _, one := range c.of[:c.count] {
			if one.owner != owner {
				return one.number, true
			}
		}
	}
	return 0, false
}

// meets reports whether some text fits both segments, of which none takes all
// that is left.
func (s *segment) meets(other *segment) bool {
	switch {
	case s.isLiteral() && other.isLiteral():
		return s.texts[0] == other.texts[0]
	case s.isLiteral():
		_, ok := other.cut(s.texts[0], s.texts[0], nil)
		return ok
	case other.isLiteral():
		return other.meets(s)
	}
	// What stands between placeholders is put where these take anything.
	head, otherHead := s.texts[0], other.texts[0]
	tail, otherTail := s.texts[len(s.texts)-1], other.texts[len(other.texts)-1]
	return (strings.HasPrefix(head, otherHead) || strings.HasPrefix(otherHead, head)) &&
		(strings.HasSuffix(tail, otherTail) || strings.HasSuffix(otherTail, tail))
}
