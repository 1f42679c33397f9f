package rest

import (
	"net/url"
	"slices"
	"strings"

	"github.com/fairlead/fairlead/internal/diag"
	"github.com/fairlead/fairlead/internal/engine"
	"github.com/fairlead/fairlead/internal/plan"
	"github.com/fairlead/fairlead/internal/value"
)

// arguments takes the unit's inputs from the request. If it cannot, it answers:
// everything that is wrong in one problem.
func (x *exchange) arguments() (args engine.Args, ok bool) {
	op, header := x.op, x.r.Header
	for range op.route.Unit.Inputs {
		x.values = append(x.values, value.Value{})
	}
	for _, v := range op.path {
		x.values[v.input] = pathValue(x.vars[v.value], v.list)
	}
	if (len(op.query) > 0 || x.config.StrictInputs) && x.r.URL.RawQuery != "" {
		x.pairs(x.r.URL.RawQuery, op.query, plan.InQuery)
	}
	for _, s := range op.header {
		if given := header[s.key]; len(given) > 0 {
			x.values[s.input] = s.headerValue(given)
		}
	}
	for _, s := range op.cookie {
		if cookie, err := x.r.Cookie(s.key); err == nil {
			x.values[s.input] = value.Of(cookie.Value)
		}
	}
	wrong := false // with the body: then missing members are no news
	if op.entity >= 0 || len(op.members) > 0 {
		if args.Entity, wrong, ok = x.readBody(); !ok {
			return args, false
		}
	}
	for i, in := range op.route.Unit.Inputs {
		if x.values[i].Kind() == value.Null {
			x.values[i] = value.Value{} // null leaves out
		}
		switch given := x.values[i]; {
		case in.Place == plan.InPlan:
		case !given.IsAbsent():
			converted, problem := in.Schema.Convert(given)
			if problem != nil {
				for _, one := range problem.All() {
					x.wrong(in, one.Path, one.Message)
				}
			}
			x.values[i] = converted
		case in.Place == plan.AsBody && args.Entity != nil, in.Place == plan.InBody && args.Entity != nil &&
			x.passesMultipart():
		case !in.Schema.Default.IsAbsent():
			x.values[i] = in.Schema.Default
		case in.Required && !(wrong && in.Place == plan.InBody) && !x.isWrong(in):
			x.wrong(in, "", "is required"+placeNames[in.Place].as(in.Key))
		}
	}
	if len(x.errors) > 0 {
		x.badInput()
		return args, false
	}
	args.Values = x.values
	if given := header["Authorization"]; len(given) > 0 {
		args.Authorization = given[0]
	}
	args.Trace, args.Budget = engine.TraceContext(header), &x.call
	return args, true
}

// pathValue is what stands in a path: a text, or, of a list, the texts between its
// commas.
func pathValue(text string, list bool) value.Value {
	if !list || strings.HasPrefix(text, "[") {
		return value.Of(text)
	}
	items := value.List()
	for item := range strings.SplitSeq(text, ",") {
		items.Append(value.Of(item))
	}
	return items
}

func (s *source) headerValue(given []string) value.Value {
	if !s.list {
		return value.Of(given[0])
	}
	if len(given) == 1 && strings.HasPrefix(given[0], "[") {
		return value.Of(given[0]) // JSON, which its schema converts
	}
	list := value.List()
	for _, line := range given {
		for item := range strings.SplitSeq(line, ",") {
			list.Append(value.Of(strings.TrimSpace(item)))
		}
	}
	return list
}

// pairs takes inputs from name=value pairs, as a query or form holds them
// (WHATWG URL, application/x-www-form-urlencoded). The first of several pairs
// counts, for a list and an input of any type all. A list that is given once is split
// at its bare commas, or may be a JSON array. Names with brackets give members: see nested.
func (x *exchange) pairs(text string, sources []source, place plan.Place) {
	for pair, rest := "", text; rest != ""; {
		pair, rest, _ = strings.Cut(rest, "&")
		key, raw, _ := strings.Cut(pair, "=")
		if strings.ContainsAny(key, "%+") {
			key, _ = url.QueryUnescape(key)
		}
		taken := false
		for i := range sources {
			s := &sources[i]
			switch earlier := &x.values[s.input]; {
			case s.key != key:
				continue
			case earlier.Kind() == value.Object:
				x.wrong(x.op.route.Unit.Inputs[s.input], "", bothWays)
			case s.list && !earlier.IsAbsent():
				earlier.Append(value.Of(raw))
			case s.list:
				*earlier = value.List(value.Of(raw))
			case earlier.IsAbsent():
				*earlier = value.Of(x.unescape(raw, s))
			case s.open && earlier.Kind() == value.Array:
				earlier.Append(value.Of(x.unescape(raw, s)))
			case s.open:
				*earlier = value.List(*earlier, value.Of(x.unescape(raw, s)))
			case x.config.StrictInputs && !x.isWrong(x.op.route.Unit.Inputs[s.input]):
				x.wrong(x.op.route.Unit.Inputs[s.input], "", "is given more than once")
			}
			taken = true
		}
		if !taken && !x.nested(key, raw, sources) {
			x.unknown(key, sources, place)
		}
	}
	for i := range sources {
		s := &sources[i]
		switch given := x.values[s.input]; {
		case given.Kind() == value.Object:
			x.values[s.input] = settled(given)
		case s.list && !given.IsAbsent():
			x.values[s.input] = x.list(given, s)
		}
	}
}

// list is the list that the raw texts of the pairs of one name stand for.
func (x *exchange) list(given value.Value, s *source) value.Value {
	list := value.List()
	if given.Len() > 1 {
		for i := range given.Len() {
			list.Append(value.Of(x.unescape(given.At(i).Text(), s)))
		}
		return list
	}
	raw := given.At(0).Text()
	if text := x.unescape(raw, s); strings.HasPrefix(text, "[") {
		return value.Of(text)
	}
	for item := range strings.SplitSeq(raw, ",") {
		list.Append(value.Of(x.unescape(item, s)))
	}
	return list
}

func (x *exchange) unescape(raw string, s *source) string {
	if !strings.ContainsAny(raw, "%+") {
		return raw
	}
	text, err := url.QueryUnescape(raw)
	if err != nil {
		if in := x.op.route.Unit.Inputs[s.input]; !x.isWrong(in) {
			x.wrong(in, "", "is not validly percent-encoded")
		}
	}
	return text
}

// unknown notes a name that is no input, where such are refused.
func (x *exchange) unknown(name string, sources []source, place plan.Place) {
	if !x.config.StrictInputs || len(x.errors) >= maxUnknown || place == plan.InQuery &&
		slices.Contains(x.credentials, name) {
		return
	}
	names := make([]string, len(sources))
	for i, s := range sources {
		names[i] = s.key
	}
	detail := "is not known here"
	if near, ok := diag.Near(name, names); ok {
		detail += ", did you mean " + near
	}
	x.errors = append(x.errors, fieldError{shorten(name), placeNames[place].in, detail})
}

// maxUnknown bounds what one answer tells of names that are not known.
const maxUnknown = 20

// wrong notes what is wrong with an input, or with the part of it at path.
func (x *exchange) wrong(in *plan.Input, path, detail string) {
	name := in.Name
	if path != "" && path[0] != '[' {
		name += "."
	}
	x.errors = append(x.errors, fieldError{name + path, placeNames[in.Place].in, detail})
}

func (x *exchange) isWrong(in *plan.Input) bool {
	for _, e := range x.errors {
		if e.name == in.Name && e.in == placeNames[in.Place].in {
			return true
		}
	}
	return false
}

// placeName is what callers are told about where an input stands.
type placeName struct{ in, what string }

var placeNames = [...]placeName{
	plan.InPath:   {"path", "in the path as"},
	plan.InQuery:  {"query", "as query parameter"},
	plan.InHeader: {"header", "as header"},
	plan.InCookie: {"cookie", "as cookie"},
	plan.InBody:   {"body", "as member of the body:"},
	plan.AsBody:   {"body", "as the request body"},
	plan.InPlan:   {"", ""},
}

func (p placeName) as(key string) string {
	if p == placeNames[plan.AsBody] {
		return ": send it " + p.what
	}
	return ": send it " + p.what + " " + key
}
