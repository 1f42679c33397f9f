package rest

import (
	"slices"

	"github.com/fairlead/fairlead/internal/jsonpath"
	"github.com/fairlead/fairlead/internal/plan"
)

// operation is a route with everything looked up that does not depend on the request.
type operation struct {
	route  *plan.Route
	writes bool // it may change something, a session of the caller's too, whatever its method and hints
	secret bool // its answer holds a credential
	rest   int  // of a forward: which of the path's values is the rest, -1 for none

	// Where the inputs stand; indexes are those of the unit's inputs.
	path    []variable
	query   []source
	header  []source
	cookie  []source
	members []source
	entity  int // the input that is the whole body, -1 for none
}

type variable struct {
	input, value int
	list         bool
}

type source struct {
	key    string
	input  int
	list   bool           // repeats and commas give a list
	open   bool           // of any type: repeats give a list
	nests  bool           // brackets give its members: key[member]
	choose *jsonpath.Path // of the JSON body; nil takes the member key
}

func compile(r *plan.Route, names []string) *operation {
	op := &operation{route: r, writes: !r.Unit.ReadOnly() || r.Unit.Role != plan.NoRole,
		secret: r.Unit.AnswersSecret(), rest: -1,
		entity: -1}
	for i, in := range r.Unit.Inputs {
		s := source{key: in.Key, input: i, list: in.Schema.Type == "array", open: in.Schema.Type == "",
			nests: nests(in.Schema.Type), choose: in.Select}
		switch in.Place {
		case plan.InPath:
			if at := slices.Index(names, in.Key); at >= 0 {
				op.path = append(op.path, variable{i, at, s.list})
			}
		case plan.InQuery:
			op.query = append(op.query, s)
		case plan.InHeader:
			op.header = append(op.header, s)
		case plan.InCookie:
			op.cookie = append(op.cookie, s)
		case plan.InBody:
			op.members = append(op.members, s)
		case plan.AsBody:
			op.entity = i
		}
	}
	return op
}

// nests reports whether values of a type have members or items.
func nests(kind string) bool { return kind == "object" || kind == "array" || kind == "" }

func compileForward(r *plan.Route, names []string) *operation {
	op := &operation{route: r, rest: -1, entity: -1}
	if r.Forward.Rest >= 0 {
		op.rest = len(names) - 1
	}
	return op
}
