package corpus

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/fairlead/fairlead/internal/adapter/mcp"
	"github.com/fairlead/fairlead/internal/adapter/rest"
	"github.com/fairlead/fairlead/internal/engine"
	"github.com/fairlead/fairlead/internal/host"
	"github.com/fairlead/fairlead/internal/model"
	"github.com/fairlead/fairlead/internal/plan"
	"github.com/fairlead/fairlead/internal/schema"
	"github.com/fairlead/fairlead/internal/secret"
	"github.com/fairlead/fairlead/internal/template"
	"github.com/fairlead/fairlead/internal/upstream"
	"github.com/fairlead/fairlead/internal/value"
)

// TestInputs_arriveWhereTheOperationDeclaresThem sends generated values through
// REST and MCP of published documents and looks for each in what the upstream
// received, at the place that the consumed operation declares. What to expect is
// read from the document by the few lines of expectations, not from the plan.
// FAIRLEAD_CORPUS=all takes every document instead of a sample.
func TestInputs_arriveWhereTheOperationDeclaresThem(t *testing.T) {
	paths := Paths(t)
	step := 7
	if os.Getenv("FAIRLEAD_CORPUS") == "all" {
		step = 1
	}
	var sample []string
	for i := 0; i < len(paths); i += step {
		sample = append(sample, paths[i])
	}
	p := newProbe(t)
	defer p.close()
	base, _ := url.Parse(p.server.URL)
	units, values := 0, 0
	for _, d := range Compile(sample, base) {
		if d.Plan == nil {
			continue
		}
		for _, s := range d.Plan.Servers {
			if s.Auth != nil {
				continue
			}
			for _, r := range s.Routes {
				values += p.rest(t, d, s, r)
				units++
			}
			for _, u := range s.Tools {
				values += p.tool(t, d, s, u)
				units++
			}
		}
	}
	t.Logf("%d units, %d values", units, values)
	if units < 1000 || values < 2000 {
		t.Errorf("only %d units and %d values were checked", units, values)
	}
}

// received is what the echoing upstream got last.
type received struct {
	uri    string
	header http.Header
	body   []byte
	base   string // path of the base URI
}

type probe struct {
	server *httptest.Server
	client *upstream.Client
	engine *engine.Engine
	mu     sync.Mutex
	got    []received
	random *rand.Rand
}

func newProbe(t *testing.T) *probe {
	p := &probe{random: rand.New(rand.NewPCG(1, 2))}
	p.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		p.mu.Lock()
		p.got = append(p.got, received{uri: r.RequestURI, header: r.Header.Clone(), body: body})
		p.mu.Unlock()
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"ok":true}`)
	}))
	p.client = upstream.NewClient(upstream.Limits{})
	p.engine = engine.New(p.client, anySecret{}, nil, nil)
	return p
}

func (p *probe) close() {
	p.client.Close()
	p.server.Close()
}

// anySecret gives every variable a value.
type anySecret struct{}

func (anySecret) Get(_ context.Context, ref secret.Ref) (secret.String, error) {
	return secret.New(fmt.Sprintf("%x", "secret "+ref.Key)), nil // hexadecimal, which one kind of key must be
}

// take returns the one request that came, or nil.
func (p *probe) take() *received {
	p.mu.Lock()
	defer p.mu.Unlock()
	got := p.got
	p.got = nil
	if len(got) != 1 {
		return nil
	}
	return &got[0]
}

// generate makes a value that fits a schema, with characters that must be encoded.
func (p *probe) generate(s *schema.Schema, place plan.Place) value.Value {
	if len(s.Enum) > 0 {
		return s.Enum[p.random.IntN(len(s.Enum))]
	}
	switch s.Type {
	case "integer":
		return value.Int(p.random.Int64N(1 << 60))
	case "number":
		return value.Num(fmt.Sprintf("%d.5", p.random.IntN(1e6)))
	case "boolean":
		return value.Boolean(p.random.IntN(2) == 1)
	case "array":
		item := &schema.Schema{Type: "string"}
		if s.Items != nil {
			item = s.Items
		}
		return value.List(p.generate(item, place), p.generate(item, place))
	case "object":
		object := value.Map()
		for _, property := range s.Properties {
			object.Set(property.Name, p.generate(property.Schema, place))
		}
		object.Set("k", value.Of(p.word()))
		return object
	}
	if place == plan.InHeader || place == plan.InCookie {
		return value.Of(fmt.Sprintf("h-%d", p.random.IntN(1e9)))
	}
	return value.Of(p.word())
}

func (p *probe) word() string {
	return fmt.Sprintf("v%d a/b?c&d=é\"%%#{{x}}", p.random.IntN(1e9))
}

func (p *probe) values(u *plan.Unit) map[string]value.Value {
	given := map[string]value.Value{}
	for _, in := range u.Inputs {
		if in.Place != plan.InPlan {
			given[in.Name] = p.generate(in.Schema, in.Place)
		}
	}
	return given
}

// testable reports whether a unit is one plain call that needs no token endpoint.
func testable(d *host.Document, u *plan.Unit) bool {
	if len(u.Steps) != 1 || u.Steps[0].Kind != plan.CallStep {
		return false
	}
	return !slices.ContainsFunc(d.Model.Consumes,
		func(c *model.Consume) bool { return c.Auth != nil && c.Auth.Type == "oauth2" })
}

func (p *probe) rest(t *testing.T, d *host.Document, s *plan.Server, r *plan.Route) int {
	u := r.Unit
	if u == nil || !testable(d, u) ||
		slices.ContainsFunc(u.Inputs, func(in *plan.Input) bool { return in.Select != nil }) {
		return 0
	}
	given := p.values(u)
	path, query, header, body := r.Path, url.Values{}, http.Header{}, value.Map()
	entity := ""
	for _, in := range u.Inputs {
		v := given[in.Name]
		switch in.Place {
		case plan.InPath:
			if !v.IsScalar() {
				return 0
			}
			path = strings.ReplaceAll(path, "{"+in.Key+"}", string(template.AppendPathSegment(nil, v.Text())))
		case plan.InQuery:
			if v.Kind() == value.Array {
				for i := range v.Len() {
					query.Add(in.Key, v.At(i).Text())
				}
			} else {
				query.Set(in.Key, v.Text())
			}
		case plan.InHeader:
			header.Set(in.Key, v.Text())
		case plan.InCookie:
			header.Add("Cookie", in.Key+"="+v.Text())
		case plan.InBody:
			body.Set(in.Key, v)
		case plan.AsBody:
			entity = v.Text()
		}
	}
	if entity == "" && body.Len() > 0 {
		entity = body.Text()
	}
	req := httptest.NewRequest(r.Method, "http://x"+path, strings.NewReader(entity))
	req.URL.RawQuery = query.Encode()
	req.Header = header
	if entity != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	rec := httptest.NewRecorder()
	rest.New(rest.Config{Server: s, Invoker: p.engine}).ServeHTTP(rec, req)
	return p.compare(t, d, u, s.Namespace, given, "REST "+u.ID, rec.Code, rec.Body.String())
}

func (p *probe) tool(t *testing.T, d *host.Document, s *plan.Server, u *plan.Unit) int {
	if !testable(d, u) {
		return 0
	}
	given := p.values(u)
	arguments := value.Map()
	for _, in := range u.Inputs {
		if in.Place != plan.InPlan {
			arguments.Set(in.Name, given[in.Name])
		}
	}
	h := mcp.New(mcp.Config{Plan: d.Plan, Server: s, Invoker: p.engine})
	defer h.Close()
	message := value.Map(value.Member{Name: "jsonrpc", Value: value.Of("2.0")},
		value.Member{Name: "id", Value: value.Int(1)}, value.Member{Name: "method", Value: value.Of("tools/call")},
		value.Member{Name: "params", Value: value.Map(value.Member{Name: "name", Value: value.Of(u.Name)},
			value.Member{Name: "arguments", Value: arguments})})
	req := httptest.NewRequest(http.MethodPost, "http://127.0.0.1/mcp", strings.NewReader(message.Text()))
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/json, text/event-stream")
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, req)
	for _, in := range u.Inputs {
		if len(in.Name) > 64 || strings.ContainsAny(in.Name, "[]$ ()/:") {
			p.take() // the argument goes by another name on the wire
			return 0
		}
	}
	return p.compare(t, d, u, s.Namespace, given, "MCP "+u.Name, rec.Code, rec.Body.String())
}

// compare looks for every expected value in what the upstream received.
func (p *probe) compare(t *testing.T, d *host.Document, u *plan.Unit, own string, given map[string]value.Value,
	what string, status int, answer string) int {
	got := p.take()
	if got == nil {
		t.Errorf("%s: %s: nothing or too much went upstream; %d %s", d.Name, what, status, answer)
		return 0
	}
	op := u.Steps[0].Call.Operation
	got.base = basePath(d, op)
	checked := 0
	for param, want := range expectations(d, u, op, own, given) {
		checked++
		if problem := got.has(op, param, want); problem != "" {
			t.Errorf("%s: %s: %s %s: %s\n  request %s\n  body %s", d.Name, what, param.In, param.Name, problem,
				got.uri, got.body)
		}
	}
	return checked
}

// expectations reads from the document which parameter gets which value, for
// the plain forms: with: {p: prefix.x}, with: {p: literal}, and no with at all.
func expectations(d *host.Document, u *plan.Unit, op *model.Operation, own string,
	given map[string]value.Value) map[*model.Param]value.Value {
	want := map[*model.Param]value.Value{}
	if u.Model.Ref != "" || op.Body != nil {
		return want
	}
	var bodies int
	for _, q := range op.Inputs {
		if q.In == "body" {
			bodies++
		}
	}
	for _, q := range op.Inputs {
		if fromAuthentication(d, q) {
			continue
		}
		if q.Value != nil || q.In == "environment" || q.In == "" || bodies > 1 && q.In == "body" && q.Value != nil {
			continue
		}
		if len(u.Model.With) == 0 {
			if v, ok := given[q.Name]; ok {
				want[q] = v
			}
			continue
		}
		for _, a := range u.Model.With {
			if a.Key != q.Name || !a.Value.Is(value.String) {
				continue
			}
			prefix, name, ok := strings.Cut(a.Value.Text, ".")
			if ok && (prefix == own || prefix == "rest" || prefix == "tools") {
				if v, ok := given[name]; ok {
					want[q] = v
				}
			}
		}
	}
	return want
}

// fromAuthentication reports whether the API's authentication fills a parameter.
func fromAuthentication(d *host.Document, q *model.Param) bool {
	if strings.EqualFold(q.Name, "Authorization") {
		return true
	}
	for _, c := range d.Model.Consumes {
		if c.Auth != nil && strings.EqualFold(c.Auth.Text("key"), q.Name) {
			return true
		}
	}
	return false
}

// has looks for a value at a parameter's place.
func (r *received) has(op *model.Operation, q *model.Param, want value.Value) string {
	u, err := url.ParseRequestURI(r.uri)
	if err != nil {
		return err.Error()
	}
	switch q.In {
	case "query":
		query, err := url.ParseQuery(u.RawQuery)
		if err != nil {
			return err.Error()
		}
		var texts []string
		switch want.Kind() {
		case value.Array:
			for i := range want.Len() {
				texts = append(texts, want.At(i).Text())
			}
		case value.Object:
			for i := range want.Len() {
				if got := query[q.Name+"["+want.Name(i)+"]"]; len(got) != 1 || got[0] != want.At(i).Text() {
					return fmt.Sprintf("member %s is %q", want.Name(i), got)
				}
			}
			return ""
		default:
			texts = []string{want.Text()}
		}
		if got := query[q.Name]; fmt.Sprint(got) != fmt.Sprint(texts) {
			return fmt.Sprintf("got %q, want %q", got, texts)
		}
	case "header":
		if got := r.header.Values(q.Name); len(got) != 1 || got[0] != want.Text() {
			return fmt.Sprintf("got %q, want %q", got, want.Text())
		}
	case "path":
		return r.hasInPath(op, q, want)
	case "body":
		bodies := 0
		for _, o := range op.Inputs {
			if o.In == "body" {
				bodies++
			}
		}
		got, err := value.Parse(r.body)
		if err != nil {
			return err.Error()
		}
		if bodies > 1 || !isWholeBody(q) {
			got = got.Get(q.Name)
		}
		if !value.Equal(got, want) {
			return fmt.Sprintf("got %s, want %s", got.Text(), want.Text())
		}
	}
	return ""
}

var bodyName = regexp.MustCompile(`^(?i:body|payload|data|request|request[-_]?body)$|(Request|Input|Payload|Body|Dto|Message)$`)

// isWholeBody reports whether the only body parameter of an operation is its whole body.
func isWholeBody(q *model.Param) bool {
	return bodyName.MatchString(q.Name) || q.Description == "" &&
		(q.Type == "" || q.Type == "string" || q.Type == "object")
}

// basePath is the path of the base URI of the API that an operation belongs to.
func basePath(d *host.Document, op *model.Operation) string {
	for _, c := range d.Model.Consumes {
		for _, r := range c.Resources {
			if r == op.Resource {
				rest := c.BaseURI
				if i := strings.Index(rest, "//"); i >= 0 {
					rest = rest[i+2:]
				}
				if i := strings.IndexByte(rest, '/'); i >= 0 {
					return strings.TrimRight(rest[i:], "/")
				}
			}
		}
	}
	return ""
}

var placeholder = regexp.MustCompile(`\{\{?([^{}]+)\}?\}`)

// hasInPath matches the received path with the declared one and compares the placeholder's text.
func (r *received) hasInPath(op *model.Operation, q *model.Param, want value.Value) string {
	declared, _, _ := strings.Cut(op.FullPath(), "?")
	declared, _, _ = strings.Cut(declared, "#")
	path, _, _ := strings.Cut(r.uri, "?")
	var pattern strings.Builder
	index, at, n := -1, 0, 0
	for _, m := range placeholder.FindAllStringSubmatchIndex(declared, -1) {
		pattern.WriteString(regexp.QuoteMeta(declared[at:m[0]]) + "([^/]+?)")
		n++
		if strings.TrimSpace(declared[m[2]:m[3]]) == q.Name {
			index = n
		}
		at = m[1]
	}
	pattern.WriteString(regexp.QuoteMeta(strings.TrimRight(declared[at:], "/")))
	if index < 0 {
		encoded := string(template.AppendPathSegment(nil, want.Text()))
		if !strings.Contains(path, "/"+encoded) && !strings.Contains(path, "=") {
			return "is not in " + path
		}
		return ""
	}
	m := regexp.MustCompile("^/?" + strings.TrimPrefix(pattern.String(), "/") +
		"(?:/[^/]*)*$").FindStringSubmatch(strings.TrimPrefix(path, r.base))
	if m == nil {
		return "path " + path + " does not look like " + declared
	}
	if got, err := url.PathUnescape(m[index]); err != nil || got != want.Text() {
		return fmt.Sprintf("got %q, want %q", got, want.Text())
	}
	return ""
}
