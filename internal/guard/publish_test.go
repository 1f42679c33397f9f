package guard

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
)

func TestMetadata(t *testing.T) {
	s := newAuthServer(t, "")
	const wellKnown = "/.well-known/oauth-protected-resource"
	for name, c := range map[string]struct {
		resource, published, scope, scopes, challenge string
		paths                                         []string
	}{
		"path":  {"https://mcp.example/mcp", "https://mcp.example/mcp", "a b", `"scopes_supported":["a","b"],`, "https://mcp.example" + wellKnown + "/mcp", []string{wellKnown + "/mcp", wellKnown}},
		"slash": {"https://mcp.example/x/mcp/", "https://mcp.example/x/mcp", `["a","a","offline_access"]`, `"scopes_supported":["a"],`, "https://mcp.example" + wellKnown + "/x/mcp", []string{wellKnown + "/x/mcp", wellKnown}},
		"no path": {"http://localhost:9090/", "http://localhost:9090", "", "", "http://localhost:9090" +
			wellKnown, []string{wellKnown}},
		"escaped": {"https://h/a%2Fb", "https://h/a%2Fb", "", "", "https://h" + wellKnown + "/a%2Fb",
			[]string{wellKnown + "/a/b", wellKnown}},
		"with a query": {"https://h/m?x=1", "https://h/m?x=1", "", "", "https://h" + wellKnown + "/m?x=1",
			[]string{wellKnown + "/m", wellKnown}},
	} {
		p := s.place(s.fields().with("resource", c.resource, "scope", c.scope), true)
		if got := p.MetadataPaths(); !slices.Equal(got, c.paths) {
			t.Errorf("%s: paths %q", name, got)
		}
		w := httptest.NewRecorder()
		p.Metadata().ServeHTTP(w, httptest.NewRequest("GET", c.paths[0], nil))
		want := `{"resource":"` + c.published + `","authorization_servers":["` + s.Issuer + `"],` + c.scopes + `"bearer_methods_supported":["header"]}`
		if got := w.Body.String(); got != want || w.Code != 200 ||
			w.Header().Get("Content-Type") != "application/json" ||
			w.Header().Get("Access-Control-Allow-Origin") != "*" {
			t.Errorf("%s:\n got %s\nwant %s", name, got, want)
		}
		if got := parameter(t, p.get("/"), "resource_metadata"); got != c.challenge {
			t.Errorf("%s: %s", name, got)
		}
	}
	if n := s.Asked(s.At); n != 0 {
		t.Errorf("metadata asked the authorization server %d times", n)
	}
}

func TestMetadata_methods(t *testing.T) {
	s := newAuthServer(t, "")
	h := s.place(s.fields(), true).Metadata()
	for method, want := range map[string]int{"GET": 200, "HEAD": 200, "OPTIONS": 204, "POST": 405} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(method, "/", nil))
		if w.Code != want || (w.Header().Get("Allow") != "") != (want == http.StatusMethodNotAllowed) {
			t.Errorf("%s: %d %v", method, w.Code, w.Header())
		}
	}
}

func TestMetadata_isThereForMCPWithOAuthOnly(t *testing.T) {
	s := newAuthServer(t, "")
	for name, p := range map[string]*place{
		"REST":   s.place(s.fields(), false),
		"bearer": newPlace(t, Config{Kind: "bearer", MCP: true}),
	} {
		w := httptest.NewRecorder()
		p.Metadata().ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
		if w.Code != 404 || p.MetadataPaths() != nil {
			t.Errorf("%s: %d %q", name, w.Code, p.MetadataPaths())
		}
	}
	p := s.place(s.fields().with("resource", unset), true)
	w := httptest.NewRecorder()
	p.Metadata().ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	if w.Code != 503 || !slices.Equal(p.MetadataPaths(), []string{"/.well-known/oauth-protected-resource"}) {
		t.Errorf("%d %q", w.Code, p.MetadataPaths())
	}
}
