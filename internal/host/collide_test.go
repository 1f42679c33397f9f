package host

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/fairlead/fairlead/internal/compile"
	"github.com/fairlead/fairlead/internal/diag"
	"github.com/fairlead/fairlead/internal/engine"
	"github.com/fairlead/fairlead/internal/plan"
	"github.com/fairlead/fairlead/internal/value"
)

// documentOf makes one with servers, each "TYPE NAMESPACE ADDRESS" and below it
// the routes of a REST server, "METHOD PATH" or "FORWARD PATH". Its units answer
// with the name of the document.
func documentOf(t testing.TB, name string, servers ...[]string) *Document {
	t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "ikanos: 1.0.0-beta5\ninfo: {display: %q}\ncapability:\n  consumes:\n  - {type: http, namespace: api, baseUri: \"http://%s.invalid\", resources: {r: {path: /r, operations: {get: {method: GET}, change: {method: POST}}}}}\n  exposes:\n", name, strings.TrimSuffix(name, ".yaml"))
	for _, s := range servers {
		head := strings.Fields(s[0])
		host, port, err := net.SplitHostPort(head[2])
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&b, "  - type: %s\n    namespace: %s\n    address: %q\n    port: %s\n", head[0], head[1], host,
			port)
		if head[0] == "mcp" {
			b.WriteString("    tools: {only: {description: Only., call: api.get}}\n")
			continue
		}
		b.WriteString("    resources:\n")
		for _, r := range s[1:] {
			method, path, _ := strings.Cut(r, " ")
			if method == "FORWARD" {
				fmt.Fprintf(&b, "    - {path: %q, forward: {targetNamespace: api}}\n", path)
			} else {
				fmt.Fprintf(&b, "    - {path: %q, operations: [{method: %s, call: api.get}]}\n", path, method)
			}
		}
	}
	d := Compile(Source{File: File{Name: name, Text: []byte(b.String())}}, compile.Options{})
	if d.Plan == nil || d.Diags.Count(diag.Error) > 0 {
		t.Fatal(b.String(), d.Diags)
	}
	return d
}

func restOf(t testing.TB, name, address string, routes ...string) *Document {
	return documentOf(t, name, append([]string{"rest r-" + strings.TrimSuffix(name, ".yaml") + " " + address},
		routes...))
}

// naming answers with the file of the unit that runs.
type naming struct{}

func (naming) Invoke(_ context.Context, u *plan.Unit, _ engine.Args) (*engine.Result, *engine.Error) {
	return &engine.Result{Status: 200, Value: value.Of(u.Model.Node.At.File)}, nil
}

func (naming) Forward(_ context.Context, f *plan.Forward, _ *http.Request, _ string, _ engine.Args) (*engine.Result,
	*engine.Error) {
	return &engine.Result{Status: 200, Value: value.Of(f.Unit.Model.Node.At.File)}, nil
}

func configOf(documents ...*Document) Config {
	return Config{Documents: documents, Invoker: naming{}, Forwarder: naming{}, Version: "test"}
}

func opened(t testing.TB, c Config) *Host {
	t.Helper()
	h, problems, err := Open(c)
	if err != nil || len(problems) > 0 {
		t.Fatal(err, problems)
	}
	t.Cleanup(h.Close)
	return h
}

// ask sends a request to the listener of a port, on a connection to local, and
// returns the status and what answered.
func ask(t testing.TB, h *Host, port int, local, method, path string, header ...string) (int, string) {
	t.Helper()
	host := "localhost"
	r := httptest.NewRequest(method, "http://x"+path, nil)
	for i := 0; i < len(header); i += 2 {
		if header[i] == "Host" {
			host = header[i+1]
		} else {
			r.Header.Set(header[i], header[i+1])
		}
	}
	r.Host = host
	l := h.find(func(l *listener) bool { return l.port == port })
	if l == nil {
		return 0, "nobody listens"
	}
	addr := &net.TCPAddr{IP: net.ParseIP(local), Port: port}
	w := httptest.NewRecorder()
	l.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, addr)))
	return w.Code, strings.Trim(w.Body.String(), `"`)
}

// freePort is a port that nobody uses.
func freePort(t testing.TB) int {
	t.Helper()
	l, err := net.Listen("tcp", ":0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

func at(port int) string { return fmt.Sprintf("127.0.0.1:%d", port) }

// found are the diagnostics of collisions.
func found(d *Document) (all []string) {
	for _, g := range d.Diags {
		if g.Code == "route-collision" || g.Code == "route-conflict" || g.Code == "route-reserved" {
			all = append(all, g.Severity.String()+": "+g.Message)
		}
	}
	return all
}

func TestCollide_byStructure(t *testing.T) { // semantics 6.3
	for _, tt := range []struct {
		one, other string // routes
		collide    bool
	}{
		{"GET /v1/events", "GET /v1/events", true},
		{"GET /v1/users/{acmeid}", "GET /v1/users/{zetaid}", true},
		{"GET /v1/users/{{acmeid}}", "GET /v1/users/me/", true},
		{"GET /a/{x}/c", "GET /a/b/{y}", true},
		{"GET /a", "HEAD /a", true},
		{"GET /a", "POST /a", false},
		{"GET /a", "OPTIONS /a", false},
		{"GET /{id}.json", "GET /a-{x}", true},
		{"GET /{id}.json", "GET /{id}.xml", false},
		{"FORWARD /v1/{{path}}", "POST /v1/a/b", true},
		{"FORWARD /v1/{{path}}", "OPTIONS /v1/a", true},
		{"FORWARD /v1/{{path}}", "HEAD /v1/a", true},
		{"FORWARD /v1/{{path}}", "FORWARD /{{x}}/{{path}}", true},
		{"FORWARD /v1/{{path}}", "FORWARD /v2/{{path}}", false},
		{"FORWARD /v1/{{path}}", "GET /v1", false},
	} {
		for _, routes := range [][2]string{{tt.one, tt.other}, {tt.other, tt.one}} {
			t.Run(routes[0]+" "+routes[1], func(t *testing.T) {
				acme, zeta := restOf(t, "acme.yaml", "127.0.0.1:8080", routes[0], "GET /acme"),
					restOf(t, "zeta.yaml", "127.0.0.1:8080", routes[1], "GET /zeta")
				Collide(configOf(acme, zeta))
				for i, d := range []*Document{acme, zeta} {
					all, other := found(d), []*Document{acme, zeta}[1-i]
					switch {
					case !tt.collide && (len(all) > 0 || d.Served() != 2 || d.Withheld() != 0):
						t.Errorf("%s: %q, %d served", d.Name, all, d.Served())
					case tt.collide && (len(all) != 1 || d.Served() != 1 || d.Withheld() != 1):
						t.Errorf("%s: %q, %d served", d.Name, all, d.Served())
					case tt.collide && (!strings.HasPrefix(all[0], "error: ") ||
						!strings.Contains(all[0], other.Name) || !strings.Contains(all[0], "neither is served")):
						t.Errorf("%s: %q", d.Name, all)
					}
				}
				Collide(configOf(acme, zeta))
				if got := len(found(acme)) + len(found(zeta)); tt.collide && got != 2 {
					t.Errorf("said again: %d", got)
				}
			})
		}
	}
}

func TestCollide_whereOneCallerReachesBoth(t *testing.T) {
	for _, tt := range []struct {
		one, other string // addresses
		collide    bool
	}{
		{"127.0.0.1:8080", "127.0.0.1:8080", true},
		{"127.0.0.1:8080", "localhost:8080", true},
		{"127.0.0.1:8080", "0.0.0.0:8080", true},
		{"0.0.0.0:8080", "[::]:8080", true},
		{"localhost:8080", "[::]:8080", true},
		{"192.0.2.1:8080", "0.0.0.0:8080", true},
		{"192.0.2.1:8080", "127.0.0.1:8080", false},
		{"192.0.2.1:8080", "192.0.2.2:8080", false},
		{"127.0.0.1:8080", "127.0.0.1:8081", false},
		{"127.0.0.1:0", "127.0.0.1:0", false},
	} {
		one, other := restOf(t, "one.yaml", tt.one, "GET /a"), restOf(t, "other.yaml", tt.other, "GET /{x}")
		Collide(configOf(one, other))
		if n := len(found(one)) + len(found(other)); (n == 2) != tt.collide || n == 1 {
			t.Errorf("%s and %s: %q %q", tt.one, tt.other, found(one), found(other))
		}
	}
	one, other := restOf(t, "one.yaml", "127.0.0.1:1", "GET /a"), restOf(t, "other.yaml", "127.0.0.1:1", "GET /a")
	c := configOf(one, other)
	c.AutoPorts = true
	if Collide(c); one.Served()+other.Served() != 2 {
		t.Error("servers on ports of their own collide")
	}
}

func TestCollide_withinADocumentTheFirstWins(t *testing.T) { // semantics 6.3
	d := documentOf(t, "one.yaml", []string{"rest first 127.0.0.1:8080", "GET /a/{x}"},
		[]string{"rest second 127.0.0.1:8080", "GET /a/{y}", "GET /a/b", "GET /mcp"},
		[]string{"mcp tools 127.0.0.1:8080"})
	Collide(configOf(d))
	want := []string{"warning: GET /a/{y} is claimed already by the server “first”; the first wins",
		"warning: GET /mcp is an address of the mcp server “tools” of one.yaml, which takes all requests there"}
	if got := found(d); !slices.Equal(got, want) || d.Withheld() != 2 {
		t.Errorf("%q, %d withheld", got, d.Withheld())
	}
}

func TestCollide_routesAtTheAddressOfAnotherDocument(t *testing.T) {
	one, other := documentOf(t, "one.yaml", []string{"mcp tools 0.0.0.0:8080"}),
		restOf(t, "other.yaml", "127.0.0.1:8080", "POST /mcp", "POST /", "GET /tools/mcp", "GET /tools")
	Collide(configOf(one, other))
	if got := found(other); len(got) != 3 || other.Served() != 1 ||
		!strings.Contains(got[0], "error: POST /mcp is an address of the mcp server “tools” of one.yaml") {
		t.Errorf("%q", got)
	}
}

// TestHost_requestsStayWithTheirDocument serves generated documents on one port:
// no request that two of them could match reaches any, and every other request
// that is answered reaches the document that claims it.
func TestHost_requestsStayWithTheirDocument(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 11))
	words := []string{"a", "b", "c", "{p}", "{p}", "{p}.json", "x-{p}", "a.json"}
	parts := []string{"a", "b", "c", "d", "a.json", "x-a", "x-a.json", "x-d"}
	methods := []string{"GET", "POST", "HEAD", "DELETE", "OPTIONS"}
	for range 40 {
		port := freePort(t)
		var documents, apart []*Document
		for i := range 2 + random.IntN(4) {
			var routes []string
			for range 1 + random.IntN(5) {
				path := ""
				for j := range 1 + random.IntN(3) {
					path += "/" + strings.ReplaceAll(words[random.IntN(len(words))], "p", fmt.Sprint("p", i, j))
				}
				method := methods[random.IntN(len(methods))]
				if random.IntN(12) == 0 {
					method, path = "FORWARD", path+"/{path}"
				}
				if r := method + " " + path; !slices.Contains(routes, r) {
					routes = append(routes, r)
				}
			}
			name := fmt.Sprintf("d%d.yaml", i)
			d, err := quiet(t, name, at(port), routes)
			if err != nil {
				continue
			}
			documents = append(documents, d)
			alone, _ := quiet(t, name, "127.0.0.1:0", routes)
			apart = append(apart, alone)
		}
		Collide(configOf(documents...))
		h, _, err := Open(configOf(documents...))
		if err != nil {
			continue // all of it collides
		}
		single := opened(t, configOf(apart...))
		for range 200 {
			path := ""
			for range 1 + random.IntN(4) {
				path += "/" + parts[random.IntN(len(parts))]
			}
			method := append(methods, "PATCH")[random.IntN(len(methods)+1)]
			var claim []string
			for _, l := range single.listeners {
				r := httptest.NewRequest(method, "http://localhost"+path, nil)
				w := httptest.NewRecorder()
				if l.ServeHTTP(w, r); w.Code == 200 {
					claim = append(claim, l.of.document)
				}
			}
			status, by := ask(t, h, port, "127.0.0.1", method, path)
			switch {
			case status == 200 && len(claim) != 1:
				t.Fatalf("%s %s is answered by %q, %q claim it", method, path, by, claim)
			case status == 200 && method != "HEAD" && by != claim[0]:
				t.Fatalf("%s %s of %q is answered by %q", method, path, claim, by)
			case status != 200 && status != 404 && status != 405 && status != 204:
				t.Fatalf("%s %s: %d", method, path, status)
			}
		}
		h.Close()
	}
}

// quiet is restOf for routes that may repeat each other.
func quiet(t testing.TB, name, address string, routes []string) (d *Document, err error) {
	t.Helper()
	var b strings.Builder
	host, port, _ := net.SplitHostPort(address)
	fmt.Fprintf(&b, "ikanos: 1.0.0-beta5\ncapability:\n  consumes: [{type: http, namespace: api, baseUri: \"http://x.invalid\", resources: {r: {path: /r, operations: {get: {method: GET}}}}}]\n  exposes:\n  - {type: rest, namespace: r, address: %q, port: %s, resources: [", host, port)
	for _, r := range routes {
		method, path, _ := strings.Cut(r, " ")
		if method == "FORWARD" {
			fmt.Fprintf(&b, "{path: %q, forward: {targetNamespace: api}},", path)
		} else {
			fmt.Fprintf(&b, "{path: %q, operations: [{method: %s, call: api.get}]},", path, method)
		}
	}
	b.WriteString("]}\n")
	d = Compile(Source{File: File{Name: name, Text: []byte(b.String())}}, compile.Options{})
	if d.Served() == 0 {
		return nil, fmt.Errorf("%s serves nothing: %v", name, d.Diags)
	}
	return d, nil
}
