package guard

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/fairlead/fairlead/internal/value"
)

// metadata is what an authorization server says of itself (RFC 8414).
type metadata struct{ jwks, introspection string }

// wellKnown lists where a server of this issuer may publish its metadata: RFC
// 8414 section 3.1, OpenID Connect Discovery section 4, the latter in the form of
// the former, and the former appended, where some servers have it.
func wellKnown(issuer *url.URL) []string {
	root, path := issuer.Scheme+"://"+issuer.Host, strings.TrimSuffix(issuer.EscapedPath(), "/")
	const oauth, openid = "/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"
	if path == "" {
		return []string{root + oauth, root + openid}
	}
	return []string{root + oauth + path, root + path + openid, root + openid + path, root + path + oauth}
}

// discover fetches the metadata of the authorization server.
func (v *verifier) discover(ctx context.Context, _ *metadata) (*metadata, error) {
	var faults []string
	for _, at := range wellKnown(v.issuer) {
		m, err := v.discoverAt(ctx, at)
		if err == nil {
			return m, nil
		}
		if faults = append(faults, err.Error()); ctx.Err() != nil {
			break
		}
	}
	return nil, errors.New("discover it: " + strings.Join(faults, "; "))
}

func (v *verifier) discoverAt(ctx context.Context, at string) (*metadata, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at, nil)
	if err != nil {
		return nil, err
	}
	status, answer, _, err := fetch(v.cfg.Client, req)
	if err != nil {
		return nil, err
	}
	if status != http.StatusOK {
		return nil, fmt.Errorf("%s answers with status %d", at, status)
	}
	// RFC 8414 section 3.3
	if issuer := answer.Get("issuer"); issuer.Kind() != value.String || !sameURI(issuer.Text(), v.issuerText) {
		return nil, fmt.Errorf("%s is of another issuer than %s", at, v.issuerText)
	}
	var m metadata
	for name, to := range map[string]*string{"jwks_uri": &m.jwks, "introspection_endpoint": &m.introspection} {
		text := answer.Get(name)
		if text.Kind() != value.String {
			continue
		}
		u, err := webURL(text.Text())
		if err != nil {
			return nil, fmt.Errorf("the %s of %s is %w", name, at, err)
		}
		if v.issuer.Scheme == "https" && u.Scheme != "https" {
			return nil, fmt.Errorf("the %s of %s is without TLS", name, at)
		}
		*to = text.Text()
	}
	return &m, nil
}

// sameURI compares identifiers exactly but for one trailing slash.
func sameURI(a, b string) bool { return strings.TrimSuffix(a, "/") == strings.TrimSuffix(b, "/") }
