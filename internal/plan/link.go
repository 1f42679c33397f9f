package plan

import (
	"net/url"
	"strconv"
	"strings"

	"github.com/fairlead/fairlead/internal/expr"
	"github.com/fairlead/fairlead/internal/route"
	"github.com/fairlead/fairlead/internal/template"
	"github.com/fairlead/fairlead/internal/upstream"
	"github.com/fairlead/fairlead/internal/value"
)

// Links knows which exposed path calls which path of a consumed API, so that what
// APIs say of where something is holds for callers, too.
type Links struct {
	hosts map[string]*route.Table[*link]
}

// link is an exposed path, by what it calls.
type link struct {
	path    string            // as Route.Path
	names   []string          // of its placeholders, in the order of those of the consumed path
	query   map[string]string // keys of its query by those of the API's
	own     map[string]bool   // keys of the API's query that no caller gives
	forward bool              // the last placeholder stands for all that is left, and the query passes
}

// NewLinks makes the links of those routes of a REST server that are served.
func NewLinks(s *Server, routes []*Route) *Links {
	l := &Links{hosts: map[string]*route.Table[*link]{}}
	for _, r := range routes {
		switch {
		case r.Forward != nil:
			l.addForward(s, r)
		case r.Method == "GET" && len(r.Unit.Steps) == 1 && r.Unit.Steps[0].Call != nil:
			l.addCall(s, r, r.Unit.Steps[0].Call.Request)
		}
	}
	return l
}

// marker stands in a rendered path for the value of the input at an index.
const marker = "fairlead-input-"

func (l *Links) addCall(s *Server, r *Route, req *upstream.Request) {
	to := &link{path: r.Path, query: map[string]string{}, own: map[string]bool{}}
	frame := make(expr.Frame, r.Unit.Slots)
	keys := map[int]string{} // of the query, by slot
	inPath := 0
	for i, in := range r.Unit.Inputs {
		switch in.Place {
		case InPath:
			frame[in.Slot] = value.Of(marker + strconv.Itoa(i) + ".")
			inPath++
		case InQuery:
			keys[in.Slot] = in.Key
		}
	}
	path, err := req.Path.Append(nil, frame, template.PathSegment)
	if err != nil || !req.Query.IsZero() {
		return // something else than the exposed path says where it goes
	}
	pattern := string(path)
	for i, in := range r.Unit.Inputs {
		if marked := marker + strconv.Itoa(i) + "."; in.Place == InPath && strings.Contains(pattern, marked) {
			pattern = strings.Replace(pattern, marked, "{"+strconv.Itoa(i)+"}", 1)
			inPath--
		}
	}
	if inPath != 0 || strings.Contains(pattern, marker) {
		return
	}
	for _, param := range req.Params {
		if param.Place != upstream.InQuery {
			continue
		}
		slot, ok := param.Value.InSlot()
		if key, asked := keys[slot]; ok && asked {
			to.query[param.Name] = key
		} else {
			to.own[param.Name] = true
		}
	}
	for _, name := range upstream.QueryKeys(req.Auth) {
		to.own[name] = true
	}
	l.add(s, req, pattern, route.Parse, to, func(name string) string {
		i, _ := strconv.Atoi(name)
		return r.Unit.Inputs[i].Key
	})
}

func (l *Links) addForward(s *Server, r *Route) {
	to := &link{path: r.Path, forward: true, own: map[string]bool{}}
	for _, name := range r.Forward.Own {
		to.own[name] = true
	}
	pattern, err := route.ParseForward(r.Path)
	if err != nil || len(pattern.Names()) > 1 {
		return
	}
	rest := ""
	if len(pattern.Names()) == 1 {
		rest = "/{" + pattern.Names()[0] + "}"
	}
	l.add(s, r.Forward.Request, rest, route.ParseForward, to, func(name string) string { return name })
}

// add adds a link from the pattern below the API's base, and below the base that
// the document gives where the operator gives another.
func (l *Links) add(s *Server, req *upstream.Request, pattern string, parse func(string) (*route.Pattern, error),
	to *link, key func(name string) string) {
	namespace, _, _ := strings.Cut(req.Target, ".")
	for _, base := range []*url.URL{req.Base.Fixed, s.Bases[namespace]} {
		if base == nil {
			continue
		}
		table := l.hosts[host(base)]
		if table == nil {
			table = &route.Table[*link]{}
			l.hosts[host(base)] = table
		}
		parsed, err := parse(upstream.Join(base.EscapedPath(), pattern))
		if err != nil {
			continue
		}
		to.names = to.names[:0]
		for _, name := range parsed.Names() {
			to.names = append(to.names, key(name))
		}
		table.Add("GET", parsed, to) // the first that claims a path has it
	}
}

// host is the host of a URL with its port, if that is not the scheme's.
func host(u *url.URL) string {
	name := strings.ToLower(u.Host)
	for _, port := range []string{":80", ":443"} {
		name = strings.TrimSuffix(name, port)
	}
	return name
}

// Rewrite is what the target of a link, in an answer to the request for the URL
// from, is for callers: itself where it points elsewhere than to a consumed API,
// the exposed path that calls it, or "" where there is none.
func (l *Links) Rewrite(from *url.URL, target string) string {
	to, err := url.Parse(strings.TrimSpace(target))
	if err != nil {
		return ""
	}
	to = from.ResolveReference(to)
	table := l.hosts[host(to)]
	if table == nil {
		if host(to) == host(from) {
			return ""
		}
		return target
	}
	found, values, ok := table.Match("GET", to.EscapedPath(), nil)
	if !ok {
		return ""
	}
	path := found.path
	for i, name := range found.names {
		text := url.PathEscape(values[i])
		if found.forward {
			text = strings.TrimPrefix(values[i], "/")
		}
		path = strings.Replace(path, "{"+name+"}", text, 1)
	}
	query, ok := found.ask(to.RawQuery)
	if !ok || strings.HasPrefix(path, "//") { // which would be another host
		return ""
	}
	if query != "" {
		path += "?" + query
	}
	if to.Fragment != "" {
		path += "#" + to.EscapedFragment()
	}
	return path
}

// ask is a query of the API as a query of the exposed path; ok is false when that
// cannot ask the same.
func (l *link) ask(raw string) (query string, ok bool) {
	var kept []string
	for pair := range strings.SplitSeq(raw, "&") {
		key, text, _ := strings.Cut(pair, "=")
		name, err := url.QueryUnescape(key)
		switch exposed, asked := l.query[name]; {
		case err != nil:
			return "", false
		case pair == "" || l.own[name]:
		case l.forward:
			kept = append(kept, pair)
		case asked:
			kept = append(kept, url.QueryEscape(exposed)+"="+text)
		default:
			return "", false
		}
	}
	return strings.Join(kept, "&"), true
}
