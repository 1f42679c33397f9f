package guard

import (
	"context"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/fairlead/fairlead/internal/secret"
	"github.com/fairlead/fairlead/internal/value"
)

// Identity is who sent a request, as far as the credential says. It is shared
// by requests and must not be changed.
type Identity struct {
	Kind    string      // of the guard
	Subject string      // basic and digest: the user; oauth2: the claim sub
	Issuer  string      // oauth2: the authorization server; else Config.Issuer
	Client  string      // oauth2: the claim client_id, else azp
	Scopes  []string    // oauth2: all that were granted
	Claims  value.Value // oauth2: the token's claims, or what introspection said; else Absent
	Expires time.Time   // oauth2: the claim exp; zero when nothing says
	// PersonClaim is the claim that names persons (oauth2): sub, but where clients
	// get pairwise ones (OpenID Connect Core section 8.1).
	PersonClaim string
	// Token is the access token (oauth2). It was issued for this server and must not
	// be sent to any other, but to a token endpoint in exchange (RFC 8693).
	Token secret.String
}

type identityKey struct{}

// From returns the identity that a Guard found for the request of ctx; false
// when no guard let it through.
func From(ctx context.Context) (*Identity, bool) {
	id, ok := ctx.Value(identityKey{}).(*Identity)
	return id, ok
}

// pass is a credential that was accepted: whose it is and where it stood.
type pass struct {
	identity *Identity
	place    string // header, query or cookie
	name     string
}

// authorized is a pass for a credential in the Authorization header.
func authorized(id *Identity) pass { return pass{id, "header", "Authorization"} }

// admit returns a copy of r that carries the identity and not the credential.
func (p pass) admit(r *http.Request) *http.Request {
	r = r.WithContext(context.WithValue(r.Context(), identityKey{}, p.identity))
	switch p.place {
	case "query":
		u := *r.URL
		u.RawQuery = withoutParam(u.RawQuery, p.name)
		r.URL, r.RequestURI = &u, u.RequestURI()
	case "cookie":
		r.Header = maps.Clone(r.Header)
		if rest := withoutCookie(r.Header["Cookie"], p.name); rest != "" {
			r.Header["Cookie"] = []string{rest}
		} else {
			delete(r.Header, "Cookie")
		}
	default:
		r.Header = maps.Clone(r.Header)
		r.Header.Del(p.name)
	}
	return r
}

// withoutParam removes a parameter from a query and leaves the others as they
// are spelled.
func withoutParam(query, name string) string {
	var kept []string
	for pair := range strings.SplitSeq(query, "&") {
		key, _, _ := strings.Cut(pair, "=")
		if key, err := url.QueryUnescape(key); err != nil || key != name {
			kept = append(kept, pair)
		}
	}
	return strings.Join(kept, "&")
}

// withoutCookie removes a cookie from the lines of a Cookie header and joins the
// others.
func withoutCookie(lines []string, name string) string {
	var kept []string
	for _, line := range lines {
		for pair := range strings.SplitSeq(line, ";") {
			pair = strings.TrimSpace(pair)
			if key, _, _ := strings.Cut(pair, "="); pair != "" && strings.TrimSpace(key) != name {
				kept = append(kept, pair)
			}
		}
	}
	return strings.Join(kept, "; ")
}
