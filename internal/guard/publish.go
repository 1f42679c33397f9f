package guard

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/fairlead/fairlead/internal/oauth"
	"github.com/fairlead/fairlead/internal/value"
)

// resourceWellKnown is the path of RFC 9728 section 3, which the resource's own
// path follows.
const resourceWellKnown = "/.well-known/oauth-protected-resource"

// publish makes the protected resource metadata (RFC 9728 section 2).
func (s *settings) publish() error {
	u, err := oauth.WebURL(s.resource)
	if err != nil {
		return fmt.Errorf("read the field resource: %w", err)
	}
	at := url.URL{Scheme: u.Scheme, Host: u.Host, Path: resourceWellKnown + u.Path, RawQuery: u.RawQuery}
	if u.RawPath != "" {
		at.RawPath = resourceWellKnown + u.RawPath
	}
	s.metadataURL = at.String()
	s.paths = []string{at.Path}
	if at.Path != resourceWellKnown {
		s.paths = append(s.paths, resourceWellKnown)
	}
	document := value.Map(
		value.Member{Name: "resource", Value: value.Of(s.resource)},
		value.Member{Name: "authorization_servers", Value: value.List(value.Of(s.issuerText))},
	)
	if supported := slices.DeleteFunc(slices.Clone(s.scopes),
		func(scope string) bool { return scope == "offline_access" }); len(supported) > 0 {
		scopes := value.List()
		for _, scope := range supported {
			scopes.Append(value.Of(scope))
		}
		document.Add("scopes_supported", scopes)
	}
	document.Add("bearer_methods_supported", value.List(value.Of("header")))
	s.document = document.AppendJSON(nil)
	return nil
}

// MetadataPaths are the paths at which Metadata is to be served without
// authentication: the well-known path with that of the resource behind it, and
// the bare one. There are none unless the guard is an oauth2 one for MCP. They
// follow the field resource, so ask when a request comes; it costs nothing.
func (g *Guard) MetadataPaths() []string {
	if g.oauth == nil || !g.cfg.MCP {
		return nil
	}
	v, err := g.oauth.verifier.Get(context.Background())
	if err != nil {
		return []string{resourceWellKnown}
	}
	return v.paths
}

// Metadata serves the protected resource metadata (RFC 9728) to everybody, pages
// of any origin included; 404 when there are no MetadataPaths.
func (g *Guard) Metadata() http.Handler { return http.HandlerFunc(g.serveMetadata) }

func (g *Guard) serveMetadata(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Access-Control-Allow-Origin", "*")
	switch {
	case g.oauth == nil || !g.cfg.MCP:
		http.NotFound(w, r)
		return
	case r.Method == http.MethodOptions:
		h.Set("Access-Control-Allow-Methods", "GET, HEAD")
		h.Set("Access-Control-Allow-Headers", "*")
		w.WriteHeader(http.StatusNoContent)
		return
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		h.Set("Allow", strings.Join([]string{http.MethodGet, http.MethodHead, http.MethodOptions}, ", "))
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	v, err := g.oauth.verifier.Get(r.Context())
	if err != nil {
		unavailable().write(w, false)
		return
	}
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "public, max-age=300")
	_, _ = w.Write(v.document)
}
