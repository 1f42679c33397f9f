package schema

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/fairlead/fairlead/internal/value"
)

// Problem says why a value does not fit. Path names the culprit below the
// input ("address.city", "tags[2]"), "" when it is the input itself.
type Problem struct {
	Path    string
	Message string     // "must be an integer, not the string \"x\""
	Also    []*Problem // what else is wrong within the same array or object
}

// maxProblems is how many problems of one value are told.
const maxProblems = 20

// and is p with q beside it; either may be nil.
func (p *Problem) and(q *Problem) *Problem {
	if p == nil || q == nil {
		return cmp.Or(p, q)
	}
	also := append(p.Also, append([]*Problem{q}, q.Also...)...)
	p.Also, q.Also = also[:min(len(also), maxProblems)], nil
	return p
}

// All are p and what is beside it.
func (p *Problem) All() []*Problem { return append([]*Problem{p}, p.Also...) }

func (p *Problem) Error() string {
	if p.Path == "" {
		return p.Message
	}
	return p.Path + " " + p.Message
}

// Convert returns v as the schema wants it, or why that loses something: the
// string "5" for an integer is 5, and so is 5.0, a number for a string is its text, a scalar
// for an array is the array of it, a string that holds JSON for an object or
// array is what it holds. Null stays null only where nothing else is declared.
func (s *Schema) Convert(v value.Value) (value.Value, *Problem) {
	if s.JSON && s.Type == "" {
		v = entity(v)
	}
	if s.Entity {
		v = entity(v)
		if v.Kind() != value.Object {
			return v, nil
		}
	}
	v, ok := s.convertType(v)
	if !ok {
		return v, &Problem{Message: "must be " + article(s.Type) + ", not " + describe(v)}
	}
	if len(s.Enum) > 0 {
		chosen, ok := s.choice(v)
		if !ok {
			return v, &Problem{Message: "must be one of " + s.allowed() + ", not " + describe(v)}
		}
		if s.Type == "" { // whose type is that of its values
			return chosen, nil
		}
	}
	switch v.Kind() {
	case value.String:
		return v, s.checkText(v.Text())
	case value.Array:
		return s.convertItems(v)
	case value.Object:
		return s.convertMembers(v)
	default:
		return v, nil
	}
}

func (s *Schema) convertType(v value.Value) (value.Value, bool) {
	text := v.Text()
	switch s.Type {
	case "string":
		if v.IsScalar() && v.Kind() != value.Null {
			return value.Of(text), true
		}
	case "integer":
		if v.Kind() == value.String {
			if n, err := value.Parse([]byte(strings.TrimSpace(text))); err == nil {
				v = n
			}
		}
		if isInteger(v) {
			if n, ok := v.Int64(); ok && strings.ContainsAny(v.Text(), ".eE") {
				v = value.Int(n) // some models write 5.0
			}
			return v, true
		}
	case "number":
		if v.Kind() == value.String {
			if n, err := value.Parse([]byte(strings.TrimSpace(text))); err == nil {
				v = n
			}
		}
		if v.Kind() == value.Number {
			return v, true
		}
	case "boolean":
		if v.Kind() == value.Bool {
			return v, true
		}
		switch strings.ToLower(text) {
		case "true", "1", "yes", "on":
			return value.Boolean(true), true
		case "false", "0", "no", "off":
			return value.Boolean(false), true
		}
	case "array":
		switch v.Kind() {
		case value.Array:
			return v, true
		case value.String:
			if parsed, err := value.Parse([]byte(text)); err == nil && parsed.Kind() == value.Array {
				return parsed, true
			}
			return value.List(v), true
		case value.Number, value.Bool:
			return value.List(v), true
		}
	case "object":
		if v.Kind() == value.Object {
			return v, true
		}
		if v.Kind() == value.String {
			if parsed, err := value.Parse([]byte(text)); err == nil && parsed.Kind() == value.Object {
				return parsed, true
			}
		}
	default:
		return v, true
	}
	return v, false
}

// entity is v, or, of a string that holds a JSON object or array, what it holds.
func entity(v value.Value) value.Value {
	if v.Kind() == value.String {
		if parsed, err := value.Parse([]byte(v.Text())); err == nil && !parsed.IsScalar() {
			return parsed
		}
	}
	return v
}

func isInteger(v value.Value) bool {
	if v.Kind() != value.Number {
		return false
	}
	if !strings.ContainsAny(v.Text(), ".eE") {
		return true
	}
	_, ok := v.Int64()
	return ok
}

// choice is the value of the enum that v is, or is the text of.
func (s *Schema) choice(v value.Value) (value.Value, bool) {
	for _, e := range s.Enum {
		if value.Equal(e, v) || e.IsScalar() && v.IsScalar() && e.Text() == v.Text() {
			return e, true
		}
	}
	return v, false
}

func (s *Schema) allowed() string {
	var names []string
	for i, e := range s.Enum {
		if i == 20 {
			names = append(names, fmt.Sprintf("… (%d in all)", len(s.Enum)))
			break
		}
		names = append(names, e.Text())
	}
	return strings.Join(names, ", ")
}

func (s *Schema) checkText(text string) *Problem {
	if s.MaxLength > 0 && utf8.RuneCountInString(text) > s.MaxLength {
		return &Problem{Message: fmt.Sprintf("must have at most %d characters, not %d", s.MaxLength,
			utf8.RuneCountInString(text))}
	}
	if s.Pattern != nil && !s.Pattern.MatchString(text) {
		return &Problem{Message: "must match the pattern " + s.Pattern.String()}
	}
	return nil
}

func (s *Schema) convertItems(v value.Value) (value.Value, *Problem) {
	if s.Items == nil {
		return v, nil
	}
	items := make([]value.Value, v.Len())
	var all *Problem
	for i := range items {
		item, problem := s.Items.Convert(v.At(i))
		if problem != nil {
			all = all.and(problem.below("[" + strconv.Itoa(i) + "]"))
		}
		items[i] = item
	}
	return value.Items(items), all
}

func (s *Schema) convertMembers(v value.Value) (value.Value, *Problem) {
	if len(s.Properties) == 0 && !s.Closed {
		return v, nil
	}
	members := make([]value.Member, v.Len())
	var all *Problem
	for i := range members {
		name, item := v.Name(i), v.At(i)
		var problem *Problem
		switch p := s.Property(name); {
		case p != nil:
			if item, problem = p.Schema.Convert(item); problem != nil {
				problem = problem.below(name)
			}
		case s.Closed:
			problem = &Problem{Path: name, Message: "is not known here; allowed: " + strings.Join(s.names(), ", ")}
		}
		all = all.and(problem)
		members[i] = value.Member{Name: name, Value: item}
	}
	out := value.Members(members)
	for _, p := range s.Properties {
		if p.Required && out.Get(p.Name).IsAbsent() {
			problem := &Problem{Path: p.Name, Message: "is required"}
			if p.Schema != nil && len(p.Schema.Enum) > 0 {
				problem.Message += ": one of " + p.Schema.allowed()
			}
			all = all.and(problem)
		}
	}
	return out, all
}

// Property is the property of that name, or nil; a nil schema has none.
func (s *Schema) Property(name string) *Property {
	if s == nil {
		return nil
	}
	for i := range s.Properties {
		if s.Properties[i].Name == name {
			return &s.Properties[i]
		}
	}
	return nil
}

func (s *Schema) names() (names []string) {
	for _, p := range s.Properties {
		names = append(names, p.Name)
	}
	return names
}

func (p *Problem) below(step string) *Problem {
	for _, other := range p.Also {
		other.below(step)
	}
	switch {
	case p.Path == "":
		p.Path = step
	case p.Path[0] == '[':
		p.Path = step + p.Path
	default:
		p.Path = step + "." + p.Path
	}
	return p
}

func article(kind string) string {
	switch kind {
	case "integer", "array", "object":
		return "an " + kind
	default:
		return "a " + kind
	}
}

// describe names a value in an error without repeating much of it.
func describe(v value.Value) string {
	if !v.IsScalar() || v.Kind() == value.Null {
		return v.Kind().String()
	}
	text := v.Text()
	if utf8.RuneCountInString(text) > 40 {
		text = string([]rune(text)[:40]) + "…"
	}
	return "the " + v.Kind().String() + " " + strconv.Quote(text)
}
