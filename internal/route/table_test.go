package route

import (
	"fmt"
	"math/rand/v2"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func mustParse(t testing.TB, path string) *Pattern {
	t.Helper()
	parse := Parse
	if strings.HasSuffix(path, "{path}") {
		parse = ParseForward
	}
	p, err := parse(path)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// tableOf makes a table of "METHOD path" lines; the values are the lines.
func tableOf(t testing.TB, routes ...string) *Table[string] {
	t.Helper()
	table := &Table[string]{}
	for _, r := range routes {
		method, path, _ := strings.Cut(r, " ")
		if _, ok := table.Add(method, mustParse(t, path), r); !ok {
			t.Fatalf("%s conflicts", r)
		}
	}
	return table
}

func TestTable_findsTheMostLiteralRoute(t *testing.T) { // semantics 6.1
	table := tableOf(t,
		"GET /",
		"GET /users/me",
		"GET /users/{id}",
		"GET /users/{id}.json",
		"GET /users/{name}.{format}",
		"GET /users/{id}.min.json",
		"GET /users/v{n}",
		"DELETE /users/{user}",
		"GET /users/{id}/posts",
		"GET /users/me/avatar",
		"GET /a/{x}/b",
		"GET /a/b/{y}",
		"GET /a/{x}.z/c/d",
		"POST /v1/{name}:archive",
		"GET /companies({id})",
		"GET /companies({id})/lines({no})",
		"GET /act_{id}",
		"GET /shows/{id}.{format}",
		"GET /compare/{base}...{head}",
		"GET /committees/",
		"GET /my apps/{id}",
		"GET /ü",
		"GET /files/{path}",
		"GET /files/{id}/meta",
		"GET /x//y",
		"GET /pairs/{a}2{b}",
	)
	tests := map[string]struct {
		request, route string
		values         []string
	}{
		"root":                             {"GET /", "GET /", nil},
		"empty path is no root":            {"GET ", "", nil},
		"asterisk":                         {"OPTIONS *", "", nil},
		"no leading slash":                 {"GET xusers/me", "", nil},
		"literal":                          {"GET /users/me", "GET /users/me", nil},
		"placeholder":                      {"GET /users/7", "GET /users/{id}", []string{"7"}},
		"suffix beats placeholder":         {"GET /users/7.json", "GET /users/{id}.json", []string{"7"}},
		"longest text first":               {"GET /users/7.min.json", "GET /users/{id}.min.json", []string{"7"}},
		"equally long: first added":        {"GET /users/v1.x", "GET /users/{name}.{format}", []string{"v1", "x"}},
		"prefix":                           {"GET /users/v12", "GET /users/v{n}", []string{"12"}},
		"prefix without value":             {"GET /users/v", "GET /users/{id}", []string{"v"}},
		"suffix without value":             {"GET /users/.json", "GET /users/{id}", []string{".json"}},
		"case counts":                      {"GET /Users/me", "", nil},
		"case of literal counts":           {"GET /users/Me", "GET /users/{id}", []string{"Me"}},
		"method takes another path":        {"DELETE /users/me", "DELETE /users/{user}", []string{"me"}},
		"method takes another, partial":    {"DELETE /users/a.json", "DELETE /users/{user}", []string{"a.json"}},
		"head from get":                    {"HEAD /users/me", "GET /users/me", nil},
		"no such method":                   {"PUT /users/me", "", nil},
		"back from literal to placeholder": {"GET /users/me/posts", "GET /users/{id}/posts", []string{"me"}},
		"literal below literal":            {"GET /users/me/avatar", "GET /users/me/avatar", nil},
		"overlap, literal first":           {"GET /a/b/b", "GET /a/b/{y}", []string{"b"}},
		"overlap, only the other":          {"GET /a/c/b", "GET /a/{x}/b", []string{"c"}},
		"back over two levels":             {"GET /a/q.z/b", "GET /a/{x}/b", []string{"q.z"}},
		"too long":                         {"GET /users/7/posts/1", "", nil},
		"too short":                        {"GET /users", "", nil},
		"trailing slash":                   {"GET /users/7/", "GET /users/{id}", []string{"7"}},
		"two trailing slashes":             {"GET /users/7//", "", nil},
		"trailing slash of the document":   {"GET /committees", "GET /committees/", nil},
		"empty segment is no value":        {"GET /users//posts", "", nil},
		"empty segment of the document":    {"GET /x//y", "GET /x//y", nil},
		"custom verb":                      {"POST /v1/doc:archive", "POST /v1/{name}:archive", []string{"doc"}},
		"custom verb, last colon":          {"POST /v1/a:b:archive", "POST /v1/{name}:archive", []string{"a:b"}},
		"custom verb, encoded colon":       {"POST /v1/doc%3Aarchive", "POST /v1/{name}:archive", []string{"doc"}},
		"parentheses":                      {"GET /companies(5)", "GET /companies({id})", []string{"5"}},
		"parentheses encoded":              {"GET /companies%285%29", "GET /companies({id})", []string{"5"}},
		"parentheses twice": {"GET /companies(5)/lines(%279%27)", "GET /companies({id})/lines({no})",
			[]string{"5", "'9'"}},
		"underscore": {"GET /act_12", "GET /act_{id}", []string{"12"}},
		"two values": {"GET /shows/12.json", "GET /shows/{id}.{format}", []string{"12", "json"}},
		"two values, last dot": {"GET /shows/1.2.json", "GET /shows/{id}.{format}",
			[]string{"1.2", "json"}},
		"two values, one missing":           {"GET /shows/12.", "", nil},
		"encoded dot is no separator":       {"GET /shows/1.a%2Eb", "GET /shows/{id}.{format}", []string{"1", "a.b"}},
		"encoded dot if there is no other":  {"GET /shows/1%2Ejson", "GET /shows/{id}.{format}", []string{"1", "json"}},
		"digits of an encoding separate no": {"GET /pairs/x%2Fy2z", "GET /pairs/{a}2{b}", []string{"x/y", "z"}},
		"long separator": {"GET /compare/v1.0...v1.1", "GET /compare/{base}...{head}",
			[]string{"v1.0", "v1.1"}},
		"overlapping separator": {"GET /compare/a....b", "GET /compare/{base}...{head}",
			[]string{"a.", "b"}},
		"value is decoded":                {"GET /users/J%C3%BCrgen%20X", "GET /users/{id}", []string{"Jürgen X"}},
		"slash stays in its value":        {"GET /users/a%2Fb", "GET /users/{id}", []string{"a/b"}},
		"plus is a plus":                  {"GET /users/a+b", "GET /users/{id}", []string{"a+b"}},
		"invalid encoding stays":          {"GET /users/%zz", "GET /users/{id}", []string{"%zz"}},
		"decoded once":                    {"GET /users/%252F", "GET /users/{id}", []string{"%2F"}},
		"encoded literal":                 {"GET /%75sers/m%65", "GET /users/me", nil},
		"space in the document":           {"GET /my%20apps/1", "GET /my apps/{id}", []string{"1"}},
		"non-ASCII in the document":       {"GET /%C3%BC", "GET /ü", nil},
		"braces in a request":             {"GET /users/{id}", "GET /users/{id}", []string{"{id}"}},
		"rest":                            {"GET /files/a/b/c", "GET /files/{path}", []string{"a/b/c"}},
		"rest of one segment":             {"GET /files/a", "GET /files/{path}", []string{"a"}},
		"rest is not decoded":             {"GET /files/a%2Fb/%20", "GET /files/{path}", []string{"a%2Fb/%20"}},
		"rest keeps its end":              {"GET /files/a/b/", "GET /files/{path}", []string{"a/b/"}},
		"rest gives way":                  {"GET /files/a/meta", "GET /files/{id}/meta", []string{"a"}},
		"rest takes what fails elsewhere": {"GET /files/a/meta/x", "GET /files/{path}", []string{"a/meta/x"}},
		"nothing is no rest":              {"GET /files/", "", nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			method, path, _ := strings.Cut(tt.request, " ")
			if name == "empty path is no root" {
				path = ""
			}
			route, values, ok := table.Match(method, path, nil)
			if ok != (tt.route != "") || route != tt.route || !slices.Equal(values, tt.values) {
				t.Errorf("%s: got %q with %q, want %q with %q", tt.request, route, values, tt.route, tt.values)
			}
		})
	}
}

func TestTable_Add_keepsTheFirstOfEqualShapes(t *testing.T) {
	table := tableOf(t, "GET /a/{id}.json", "GET /b/{path}", "GET /")
	for _, again := range []string{"/a/{{other}}.json/", "b/{path}", "/?action"} {
		conflict, ok := table.Add("GET", mustParse(t, again), "second")
		if ok || conflict == nil || *conflict == "second" {
			t.Errorf("%s: got %v, %v", again, conflict, ok)
		}
	}
	for _, other := range []string{"/a/{id}", "/b/{id}", "/a/{id}.xml"} {
		if conflict, ok := table.Add("GET", mustParse(t, other), other); !ok {
			t.Errorf("%s conflicts with %s", other, *conflict)
		}
	}
	if _, ok := table.Add("POST", mustParse(t, "/a/{id}.json"), "POST"); !ok {
		t.Error("another method conflicts")
	}
}

func TestTable_Match_keepsNamesOfEachMethodApart(t *testing.T) {
	table := tableOf(t, "GET /a/{x}/b/{y}", "PUT /a/{id}/b/{other}")
	for _, method := range []string{"GET", "PUT"} {
		if route, values, _ := table.Match(method, "/a/1/b/2", nil); route[:3] != method ||
			!slices.Equal(values, []string{"1", "2"}) {
			t.Errorf("%s gives %s with %q", method, route, values)
		}
	}
}

func TestTable_Methods_areThoseOfEveryPathThatFits(t *testing.T) {
	table := tableOf(t, "GET /users/me", "DELETE /users/{id}", "PUT /users/{id}", "POST /users",
		"POST /users/{name}.json", "PATCH /users/{path}")
	tests := map[string]struct {
		path string
		want []string
	}{
		"several patterns": {"/users/me", []string{"DELETE", "GET", "HEAD", "PATCH", "PUT"}},
		"partial":          {"/users/a.json/", []string{"DELETE", "PATCH", "POST", "PUT"}},
		"one":              {"/users", []string{"POST"}},
		"rest":             {"/users/a/b", []string{"PATCH"}},
		"none":             {"/nobody", nil},
		"empty segment":    {"/users//", nil},
		"no path":          {"*", nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := table.Methods(tt.path); !slices.Equal(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestTable_Match_doesNotAllocate(t *testing.T) {
	table := tableOf(t, "GET /v1/apps/{id}/services/{name}.json", "GET /v1/apps/{id}/{other}", "GET /v1/files/{path}")
	vars := make([]string, 0, 4)
	for _, path := range []string{"/v1/apps/7/services/web.json", "/v1/apps/7/x/", "/v1/files/a/b/c", "/v1/none"} {
		if n := testing.AllocsPerRun(100, func() { table.Match("GET", path, vars) }); n != 0 {
			t.Errorf("%s: %v allocations", path, n)
		}
	}
}

// naive decides as Table promises to, with one regular expression for each
// segment and all routes compared with each other.
type naive struct{ routes []naiveRoute }

type naiveRoute struct {
	method  string
	pattern *Pattern
}

func (n *naive) match(method, path string) (best int, values []string) {
	best = -1
	for i, r := range n.routes {
		if r.method != method {
			continue
		}
		if v, ok := naiveValues(r.pattern, path); ok && (best < 0 || n.less(i, best)) {
			best, values = i, v
		}
	}
	return best, values
}

func naiveValues(p *Pattern, path string) (values []string, ok bool) {
	parts := strings.Split(strings.TrimPrefix(path, "/"), "/")
	if end := len(parts) - 1; parts[end] == "" {
		parts = parts[:end]
	}
	for i, s := range p.segments {
		if i >= len(parts) {
			return nil, false
		}
		if s.rest {
			return append(values, strings.SplitN(path[1:], "/", i+1)[i]), parts[i] != ""
		}
		text, _ := url.PathUnescape(parts[i])
		var expr strings.Builder
		for j, literal := range s.texts {
			if j > 0 {
				expr.WriteString("(.+)")
			}
			expr.WriteString(regexp.QuoteMeta(literal))
		}
		found := regexp.MustCompile("(?s)^" + expr.String() + "$").FindStringSubmatch(text)
		if found == nil {
			return nil, false
		}
		values = append(values, found[1:]...)
	}
	return values, len(parts) == len(p.segments)
}

// less reports whether route i is to be preferred to route j.
func (n *naive) less(i, j int) bool {
	a, b := n.routes[i].pattern.segments, n.routes[j].pattern.segments
	for k := range min(len(a), len(b)) {
		if naiveRank(a[k]) != naiveRank(b[k]) {
			return naiveRank(a[k]) > naiveRank(b[k])
		}
		if !slices.Equal(a[k].texts, b[k].texts) {
			return n.first(a[:k+1]) < n.first(b[:k+1])
		}
	}
	return false
}

func naiveRank(s segment) int {
	switch {
	case s.rest:
		return -1
	case s.isPlaceholder():
		return 0
	case s.isLiteral():
		return 1 << 20
	default:
		return s.weight()
	}
}

// first is the first route that begins with the segments.
func (n *naive) first(segments []segment) int {
	return slices.IndexFunc(n.routes, func(r naiveRoute) bool {
		return len(r.pattern.segments) >= len(segments) &&
			slices.EqualFunc(r.pattern.segments[:len(segments)], segments, func(a, b segment) bool {
				return a.rest == b.rest && slices.Equal(a.texts, b.texts)
			})
	})
}

func TestTable_agreesWithNaiveMatcher(t *testing.T) {
	segments := rapid.SampledFrom([]string{"a", "b", "aa", "a.b", "{}", "{}", "{}.a", "{}.b", "a{}", "{}.{}", "a{}b",
		"{}a{}", "{}:a"})
	words := rapid.SampledFrom([]string{"a", "b", "aa", "ab", "a.b", "a.a", "b.a.b", "aab", "baab", "", "b:a", "a%62",
		"a%2Fb"})
	methods := rapid.SampledFrom([]string{"GET", "PUT"})
	rapid.Check(t, func(t *rapid.T) {
		var table Table[int]
		var n naive
		for _, parts := range rapid.SliceOfN(rapid.SliceOfN(segments, 0, 4), 1, 25).Draw(t, "patterns") {
			path, names := "", 0
			for _, part := range parts {
				for strings.Contains(part, "{}") {
					names++
					part = strings.Replace(part, "{}", fmt.Sprintf("{x%d}", names), 1)
				}
				path += "/" + part
			}
			if rapid.IntRange(0, 5).Draw(t, "forward") == 0 {
				path += "/{path}"
			}
			p, err := ParseForward(path)
			if err != nil {
				t.Fatal(err)
			}
			method := methods.Draw(t, "method")
			known := slices.ContainsFunc(n.routes, func(r naiveRoute) bool {
				return r.method == method && r.pattern.Shape() == p.Shape()
			})
			if _, ok := table.Add(method, p, len(n.routes)); ok == known {
				t.Fatalf("Add of %s %s gives %v", method, p, ok)
			}
			if !known {
				n.routes = append(n.routes, naiveRoute{method, p})
			}
		}
		for range 20 {
			path := "/" + strings.Join(rapid.SliceOfN(words, 0, 5).Draw(t, "request"), "/")
			method := methods.Draw(t, "request method")
			want, wantValues := n.match(method, path)
			got, values, ok := table.Match(method, path, nil)
			if ok != (want >= 0) || ok && (got != want || !slices.Equal(values, wantValues)) {
				t.Fatalf("%s %s: got %v %d %q, want %d %q of %v", method, path, ok, got, values, want, wantValues,
					n.routes)
			}
		}
	})
}

// TestTable_findsPartialsInOrderWhateverTheirNumber compares a table with an
// index of partial segments with what trying them one by one gives.
func TestTable_findsPartialsInOrderWhateverTheirNumber(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 5))
	texts := []string{"", "a", "b", "-", "ab", "a-", ".json", "-b"}
	for range 300 {
		var all []*Pattern
		var table Table[int]
		for range 1 + random.IntN(40) {
			path := "/" + texts[random.IntN(len(texts))] + "{x}"
			if random.IntN(3) == 0 {
				path += texts[1+random.IntN(len(texts)-1)] + "{y}"
			}
			p, err := Parse(path + texts[random.IntN(len(texts))])
			if err != nil {
				t.Fatal(err)
			}
			if _, ok := table.Add("GET", p, len(all)); ok {
				all = append(all, p)
			}
		}
		for range 40 {
			segment := ""
			for range 1 + random.IntN(5) {
				segment += []string{"a", "b", "-", ".json", "%2D", "c"}[random.IntN(6)]
			}
			best, bestWeight := -1, -1
			for i, p := range all {
				s := &p.segments[0]
				if _, ok := s.capture(segment, decode(segment), nil); ok && s.weight() > bestWeight {
					best, bestWeight = i, s.weight()
				}
			}
			got, _, ok := table.Match("GET", "/"+segment, nil)
			if ok != (best >= 0) || ok && got != best {
				t.Fatalf("/%s: got %d %v, want %d of %v", segment, got, ok, best, all)
			}
		}
	}
}
