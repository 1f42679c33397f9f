package host

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/fairlead/fairlead/internal/compile"
)

func urls(h *Host) (all []string) {
	for _, a := range h.Adapters() {
		_, path, _ := strings.Cut(strings.TrimPrefix(a.URL, "http://"), "/")
		all = append(all, a.Namespace+" /"+path)
	}
	return all
}

func TestEndpoints_equalNamespacesHaveAddressesOfTheirOwn(t *testing.T) {
	port := freePort(t)
	tools := []string{"mcp tools " + at(port)}
	one, two, three := documentOf(t, "one.yaml", tools), documentOf(t, "dir/two.yaml", tools),
		documentOf(t, "other/two.yaml", tools)
	only := opened(t, configOf(one))
	if got := urls(only); !slices.Equal(got, []string{"tools /mcp"}) {
		t.Errorf("alone: %q", got)
	}
	if status, _ := ask(t, only, port, "127.0.0.1", "POST", "/tools/mcp"); status != 415 {
		t.Errorf("alone, by name: %d", status)
	}
	only.Close()
	h := opened(t, configOf(one, two, three))
	got := urls(h)
	if len(got) != 3 || got[0] != "tools /one/tools/mcp" || !strings.HasPrefix(got[1], "tools /two-") ||
		got[1] == got[2] {
		t.Fatalf("three: %q", got)
	}
	for _, path := range []string{"/mcp", "/", "/tools/mcp", "/two/tools/mcp"} {
		if status, body := ask(t, h, port, "127.0.0.1", "POST", path); status != 404 ||
			!strings.Contains(body, strings.TrimPrefix(got[0], "tools ")) ||
			!strings.Contains(body, strings.TrimPrefix(got[2], "tools ")) {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
	for _, u := range got {
		if status, _ := ask(t, h, port, "127.0.0.1", "POST", strings.TrimPrefix(u, "tools ")); status != 415 {
			t.Errorf("%s: %d", u, status)
		}
	}
}

func TestEndpoints_theDefaultIsTheOneThatIsNamed(t *testing.T) {
	port := freePort(t)
	c := configOf(documentOf(t, "one.yaml", []string{"mcp alpha " + at(port)}),
		documentOf(t, "two.yaml", []string{"mcp beta " + at(port)}))
	c.Default = "beta"
	h := opened(t, c)
	for path, want := range map[string]int{"/mcp": 415, "/": 415, "/beta/mcp": 415, "/alpha/mcp": 415,
		"/gamma/mcp": 404} {
		if status, body := ask(t, h, port, "127.0.0.1", "POST", path); status != want {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
	l := h.listeners[0]
	if l.endpoints.owners()["/mcp"].namespace != "beta" {
		t.Error("/mcp is not that of beta")
	}
}

func TestEndpoints_aReloadTakesNoneAway(t *testing.T) {
	port := freePort(t)
	tools := []string{"mcp tools " + at(port)}
	h := opened(t, configOf(documentOf(t, "one.yaml", tools)))
	if problems := h.Update([]*Document{documentOf(t, "a.yaml", tools),
		documentOf(t, "one.yaml", tools)}).Problems; len(problems) > 0 {
		t.Fatal(problems)
	}
	owners := h.listeners[0].endpoints.owners()
	for _, path := range []string{"/mcp", "/tools/mcp"} {
		if owners[path].document != "one.yaml" {
			t.Errorf("%s is that of %q", path, owners[path].document)
		}
	}
	if got := urls(h); got[0] != "tools /a/tools/mcp" || got[1] != "tools /tools/mcp" {
		t.Errorf("%q", got)
	}
}

func TestListeners_overlappingAddressesShareOne(t *testing.T) { // semantics 6.2
	port := freePort(t)
	private := documentOf(t, "private.yaml", []string{"rest private " + at(port), "GET /private"},
		[]string{"mcp tools " + at(port)})
	public := documentOf(t, "public.yaml", []string{fmt.Sprintf("rest public 0.0.0.0:%d", port), "GET /public"})
	name := documentOf(t, "name.yaml", []string{fmt.Sprintf("rest name localhost:%d", port), "GET /name"})
	h := opened(t, configOf(private, public, name))
	if len(h.listeners) != 1 {
		t.Fatalf("%d listeners", len(h.listeners))
	}
	for _, tt := range []struct {
		local, path, host string
		status            int
	}{
		{"127.0.0.1", "/private", "localhost", 200},
		{"127.0.0.1", "/name", "127.0.0.1", 200},
		{"127.0.0.1", "/public", "localhost", 200},
		{"127.0.0.1", "/private", "evil.example", 403},
		{"127.0.0.1", "/public", "any.example", 200},
		{"192.0.2.7", "/public", "any.example", 200},
		{"192.0.2.7", "/private", "localhost", 404},
		{"192.0.2.7", "/name", "localhost", 404},
		{"192.0.2.7", "/mcp", "localhost", 404},
		{"127.0.0.1", "/mcp", "localhost", 405},
		{"127.0.0.1", "/mcp", "evil.example", 403},
		{"127.0.0.1", "/nothing", "evil.example", 403},
		{"127.0.0.1", "/nothing", "localhost", 404},
	} {
		if status, body := ask(t, h, port, tt.local, "GET", tt.path, "Host", tt.host); status != tt.status {
			t.Errorf("%s of %s on %s: %d %s", tt.path, tt.host, tt.local, status, body)
		}
	}
}

func TestListeners_addressesThatDoNotOverlapStayApart(t *testing.T) {
	shared := sockets([]bind{{"127.0.0.1", 1}, {"192.0.2.1", 1}})
	if shared[bind{"127.0.0.1", 1}] != (bind{"127.0.0.1", 1}) ||
		shared[bind{"192.0.2.1", 1}] != (bind{"192.0.2.1", 1}) {
		t.Error(shared)
	}
	for _, binds := range [][]bind{{{"0.0.0.0", 1}, {"::1", 1}}, {{"::", 1}, {"0.0.0.0", 1}, {"127.0.0.1", 1}}} {
		for b, socket := range sockets(binds) {
			if socket != (bind{"::", 1}) {
				t.Errorf("%v of %v is on %v", b, binds, socket)
			}
		}
	}
}

func TestOpen_aTakenPortStopsNobodyElse(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	port := freePort(t)
	busy := restOf(t, "busy.yaml", taken.Addr().String(), "GET /a")
	h, problems, err := Open(configOf(busy, restOf(t, "free.yaml", at(port), "GET /b")))
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	if len(problems) != 1 || !strings.Contains(problems[0].Error(),
		taken.Addr().String()+" is in use by another process") {
		t.Errorf("problems %v", problems)
	}
	if status, _ := ask(t, h, port, "127.0.0.1", "GET", "/b"); status != 200 {
		t.Errorf("beside it: %d", status)
	}
	if _, _, err := Open(configOf(busy)); err == nil || !strings.Contains(err.Error(), "in use by another process") {
		t.Errorf("alone: %v", err)
	}
}

func TestOpen_saysThatThisProcessHasThePort(t *testing.T) {
	h := opened(t, configOf(restOf(t, "one.yaml", "127.0.0.1:0", "GET /a")))
	own := h.listeners[0].address().Port
	problems := h.Update([]*Document{restOf(t, "one.yaml", "127.0.0.1:0", "GET /a"),
		restOf(t, "two.yaml", at(own), "GET /b")}).Problems
	if len(problems) != 1 || !strings.Contains(problems[0].Error(), "in use by this process") {
		t.Errorf("problems %v", problems)
	}
}

func TestUpdate_whatIsServedStays(t *testing.T) {
	port := freePort(t)
	h := opened(t, configOf(restOf(t, "one.yaml", at(port), "GET /users/{one}")))
	next := []*Document{restOf(t, "a.yaml", at(port), "GET /users/me", "GET /a"),
		restOf(t, "one.yaml", at(port), "GET /users/{renamed}", "GET /a")}
	h.Collide(next)
	for d, want := range map[*Document][]string{
		next[0]: {"error: GET /users/me and GET /users/{renamed} of one.yaml, which is served already, take the same requests: this one is not served",
			"error: GET /a and GET /a of one.yaml take the same requests: neither is served"},
		next[1]: {"error: GET /a and GET /a of a.yaml take the same requests: neither is served"},
	} {
		if got := found(d); !slices.Equal(got, want) {
			t.Errorf("%s: %q", d.Name, got)
		}
	}
	h.Update(next)
	for path, want := range map[string]string{"/users/me": "one.yaml", "/users/1": "one.yaml", "/a": ""} {
		if status, by := ask(t, h, port, "127.0.0.1", "GET", path); by != want && (want != "" || status != 404) {
			t.Errorf("%s: %d %s", path, status, by)
		}
	}
	// Who asks Update without Collide is kept from the same.
	if problems := h.Update([]*Document{restOf(t, "one.yaml", at(port), "GET /users/{one}"),
		restOf(t, "b.yaml", at(port), "GET /{x}/{y}")}).Problems; len(problems) != 1 {
		t.Errorf("problems %v", problems)
	}
	if _, by := ask(t, h, port, "127.0.0.1", "GET", "/users/1"); by != "one.yaml" {
		t.Errorf("answered by %q", by)
	}
}

// A server that is to move to an address that cannot be had stays where it is.
func TestUpdate_aServerThatCannotMoveStays(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	first := freePort(t)
	h := opened(t, configOf(restOf(t, "one.yaml", at(first), "GET /one")))
	u := h.Update([]*Document{restOf(t, "one.yaml", taken.Addr().String(), "GET /one", "GET /more")})
	if !u.Refused || u.Changed || len(u.Problems) != 1 || !strings.Contains(u.Problems[0].Error(), "in use") {
		t.Errorf("%+v", u)
	}
	if status, _ := ask(t, h, first, "127.0.0.1", "GET", "/one"); status != 200 {
		t.Errorf("where it was: %d", status)
	}
	if all := h.Adapters(); len(all) != 1 || !strings.HasSuffix(all[0].URL, fmt.Sprint(first)) {
		t.Errorf("servers: %+v", all)
	}
}

func TestUpdate_serversAndListenersComeAndGo(t *testing.T) {
	first, second := freePort(t), freePort(t)
	h, problems, err := Open(configOf(restOf(t, "one.yaml", at(first), "GET /one")))
	if err != nil || len(problems) > 0 {
		t.Fatal(err, problems)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- h.Serve(ctx) }()
	get := func(port int, path string) string {
		resp, err := http.Get("http://" + at(port) + path)
		if err != nil {
			return "refused"
		}
		defer resp.Body.Close()
		return resp.Status
	}
	defer http.DefaultClient.CloseIdleConnections()
	if got := get(first, "/one"); got != "200 OK" {
		t.Fatal(got)
	}
	for _, step := range []struct {
		documents  []*Document
		one, other string // of GET /one on the first port and GET /two on the second
	}{
		{[]*Document{restOf(t, "one.yaml", at(first), "GET /one"), restOf(t, "two.yaml", at(second), "GET /two")},
			"200 OK", "200 OK"},
		{[]*Document{restOf(t, "two.yaml", at(second), "GET /two")}, "refused", "200 OK"},
		{[]*Document{restOf(t, "one.yaml", at(first), "GET /one"),
			restOf(t, "two.yaml", fmt.Sprintf("0.0.0.0:%d", second), "GET /two")}, "200 OK", "200 OK"},
		{[]*Document{restOf(t, "one.yaml", at(second), "GET /one"), restOf(t, "two.yaml", at(second), "GET /two")},
			"refused", "200 OK"},
	} {
		if problems := h.Update(step.documents).Problems; len(problems) > 0 {
			t.Fatal(problems)
		}
		http.DefaultClient.CloseIdleConnections()
		if one, other := get(first, "/one"), get(second, "/two"); one != step.one || other != step.other {
			t.Errorf("got %s and %s, want %s and %s", one, other, step.one, step.other)
		}
	}
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if problems := h.Update(nil).Problems; len(problems) == 0 {
		t.Error("a host that has ended is updated")
	}
}

func TestUpdate_planAndGuardChangeTogetherOrNotAtAll(t *testing.T) {
	port := freePort(t)
	text := `
ikanos: 1.0.0-beta5
capability:
  consumes: [{type: http, namespace: api, baseUri: "http://x.invalid", resources: {r: {path: /r, operations: {get: {method: GET}}}}}]
  exposes:
  - type: rest
    namespace: r
    port: PORT
    AUTH
    resources: [{path: PATH, operations: [{method: GET, call: api.get}]}]
`
	document := func(auth, path string) *Document {
		text := strings.NewReplacer("PORT", fmt.Sprint(port), "AUTH", auth, "PATH", path).Replace(text)
		return Compile(Source{File: File{Name: "one.yaml", Text: []byte(text)}}, compile.Options{})
	}
	h := opened(t, configOf(document("", "/old")))
	for name, next := range map[string]*Document{
		// A guard for OAuth needs a client, which this host has not.
		"a guard that cannot be made": document("authentication: {type: oauth2, authorizationServerUri: \"https://as.example\", resource: \"https://me.example\"}", "/new"),
		"a document that is broken": Compile(Source{File: File{Name: "one.yaml", Text: []byte("a: [")}},
			compile.Options{}),
		"a server that is withheld": document("authentication: {type: saml}", "/new"),
	} {
		problems := h.Update([]*Document{next}).Problems
		if len(problems) != 1 || !strings.Contains(problems[0].Error(),
			"the old plan of “r” of one.yaml stays in force") {
			t.Errorf("%s: %v", name, errors.Join(problems...))
		}
		for path, want := range map[string]int{"/old": 200, "/new": 404} {
			if status, _ := ask(t, h, port, "127.0.0.1", "GET", path); status != want {
				t.Errorf("%s: %s gives %d", name, path, status)
			}
		}
	}
	if problems := h.Update([]*Document{document("", "/new")}).Problems; len(problems) > 0 {
		t.Error(problems)
	}
	if status, _ := ask(t, h, port, "127.0.0.1", "GET", "/new"); status != 200 {
		t.Errorf("the next plan: %d", status)
	}
	h.Close()
	if _, problems, err := Open(configOf(document("authentication: {type: oauth2, authorizationServerUri: \"https://as.example\", resource: \"https://me.example\"}", "/new"))); err == nil {
		t.Errorf("served without its guard: %v", problems)
	}
}

// TestRouting_isTheSameForManyDocuments: a request takes no memory, and as many
// steps for one document as for a thousand.
func TestRouting_isTheSameForManyDocuments(t *testing.T) {
	port := freePort(t)
	var documents []*Document
	for i := range 300 {
		documents = append(documents, restOf(t, fmt.Sprintf("d%d.yaml", i), at(port),
			fmt.Sprintf("GET /d%d/things/{id}", i)))
	}
	h := opened(t, configOf(documents...))
	v := h.listeners[0].routing.Load().open
	r, err := http.NewRequest("GET", "http://localhost/d299/things/7", nil)
	if err != nil {
		t.Fatal(err)
	}
	if n := testing.AllocsPerRun(100, func() { v.find(r) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

// TestUnrouted_tellsForeignHostsNothing: who asks under a name that is not served (a
// page that rebinds its name to this machine) learns neither paths nor methods.
func TestUnrouted_tellsForeignHostsNothing(t *testing.T) {
	port := freePort(t)
	h := opened(t, configOf(
		documentOf(t, "one.yaml", []string{"rest r1 " + at(port), "GET /here"}, []string{"mcp t1 " + at(port)}),
		documentOf(t, "two.yaml", []string{"rest r2 " + at(port), "GET /there"}, []string{"mcp t2 " + at(port)})))
	for request, status := range map[string]int{"DELETE /here": 405, "OPTIONS /here": 204, "GET /nowhere": 404,
		"POST /mcp": 404} {
		method, path, _ := strings.Cut(request, " ")
		if got, body := ask(t, h, port, "127.0.0.1", method, path); got != status {
			t.Errorf("%s: %d %s, want %d", request, got, body, status)
		}
		if got, body := ask(t, h, port, "127.0.0.1", method, path, "Host", "evil.example"); got != 403 ||
			strings.Contains(body, "/t1") {
			t.Errorf("%s of a foreign host: %d %s", request, got, body)
		}
	}
}
