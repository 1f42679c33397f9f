package rest

import (
	"strconv"
	"strings"

	"github.com/fairlead/fairlead/internal/value"
)

// Limits of what callers nest with brackets.
const (
	maxNesting = 16   // brackets of one name
	maxNested  = 1000 // pairs that nest in one request
)

const bothWays = "is given both as a value and with members"

// nested takes a pair whose name nests: filter[owner][id]=7 is a member of the
// input filter, tags[]=a and tags[0]=a are items of the input tags. It reports
// whether an input of that name takes it.
func (x *exchange) nested(key, raw string, sources []source) bool {
	base, rest, found := strings.Cut(key, "[")
	if !found || base == "" {
		return false
	}
	for i := range sources {
		s := &sources[i]
		if s.key != base || !s.nests {
			continue
		}
		in := x.op.route.Unit.Inputs[s.input]
		path, ok := strings.CutSuffix(rest, "]")
		steps := strings.Split(path, "][")
		switch x.nesting++; {
		case x.isWrong(in):
		case !ok || len(steps) > maxNesting || strings.ContainsAny(strings.Join(steps, ""), "[]"):
			x.wrong(in, "", "has brackets that cannot be read")
		case x.nesting > maxNested:
			x.wrong(in, "", "has more than "+strconv.Itoa(maxNested)+" members in brackets")
		default:
			root := &x.values[s.input]
			if root.IsAbsent() {
				*root = value.Map()
			}
			if root.Kind() != value.Object || !put(*root, steps, value.Of(x.unescape(raw, s))) {
				x.wrong(in, "", bothWays)
			}
		}
		return true
	}
	return false
}

// put adds v to the object at the end of steps; an empty step is the next item. It
// reports false where a value stands in the way.
func put(object value.Value, steps []string, v value.Value) bool {
	for i, step := range steps {
		if step == "" {
			step = strconv.Itoa(object.Len())
		}
		switch below := object.Get(step); {
		case i == len(steps)-1 && below.IsAbsent():
			object.Add(step, v)
		case i == len(steps)-1 && below.Kind() == value.Array:
			below.Append(v)
		case i == len(steps)-1 && below.IsScalar():
			object.Set(step, value.List(below, v)) // a repeated name
		case i == len(steps)-1:
			return false
		case below.IsAbsent():
			next := value.Map()
			object.Add(step, next)
			object = next
		case below.Kind() != value.Object:
			return false
		default:
			object = below
		}
	}
	return true
}

// settled is what put made: objects whose members are 0, 1, 2 … are lists.
func settled(v value.Value) value.Value {
	if v.Kind() != value.Object {
		return v
	}
	list, out := value.List(), value.Map()
	for i := range v.Len() {
		item := settled(v.At(i))
		out.Add(v.Name(i), item)
		if v.Name(i) == strconv.Itoa(i) {
			list.Append(item)
		}
	}
	if list.Len() == v.Len() {
		return list
	}
	return out
}
