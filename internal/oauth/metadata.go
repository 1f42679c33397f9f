// Package oauth is what Fairlead does with OAuth 2.0 authorization servers. It reads
// what they say of themselves (RFC 8414), their keys (RFC 7517) and what they have
// signed (RFC 7519). As their client it gets tokens for people by the authorization
// code grant with PKCE (RFC 6749, 7636, 9207, 9700), renews them, revokes them (RFC
// 7009), and verifies ID tokens (OpenID Connect Core 1.0).
//
// The package knows neither documents nor pages, and makes no HTTP clients.
package oauth

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Metadata is what an authorization server says of itself (RFC 8414 section 2).
type Metadata struct {
	Issuer                                          string   // as the server spells it
	Authorization, Token, Revocation, Introspection string   // endpoints
	JWKS                                            string   // where its keys are
	NamesIssuer                                     bool     // it adds “iss” to its answers (RFC 9207 section 3)
	Pairwise                                        bool     // it may give each client other subjects for the same people
	TokenAuth                                       []string // how clients may authenticate at the token endpoint
	Challenges                                      []string // code challenge methods; nil when it does not say
}

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

// Discover fetches the metadata of the authorization server of that issuer.
func Discover(ctx context.Context, client Doer, issuer string) (*Metadata, error) {
	u, err := WebURL(issuer)
	if err != nil {
		return nil, fmt.Errorf("the issuer is %w", err)
	}
	var faults []string
	for _, at := range wellKnown(u) {
		m, err := discoverAt(ctx, client, issuer, at)
		if err == nil {
			return m, nil
		}
		if faults = append(faults, err.Error()); ctx.Err() != nil {
			break
		}
	}
	return nil, errors.New("discover it: " + strings.Join(faults, "; "))
}

func discoverAt(ctx context.Context, client Doer, issuer, at string) (*Metadata, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at, nil)
	if err != nil {
		return nil, err
	}
	status, answer, _, err := Fetch(client, req)
	if err != nil {
		return nil, err
	}
	if status != http.StatusOK {
		return nil, fmt.Errorf("%s answers with status %d", at, status)
	}
	m := Metadata{Issuer: Text(answer.Get("issuer"))}
	if !SameURI(m.Issuer, issuer) { // RFC 8414 section 3.3
		return nil, fmt.Errorf("%s is of another issuer than %s", at, issuer)
	}
	for name, to := range map[string]*string{"jwks_uri": &m.JWKS, "introspection_endpoint": &m.Introspection,
		"authorization_endpoint": &m.Authorization, "token_endpoint": &m.Token, "revocation_endpoint": &m.Revocation} {
		endpoint := Text(answer.Get(name))
		if endpoint == "" {
			continue
		}
		u, err := WebURL(endpoint)
		if err != nil {
			return nil, fmt.Errorf("the %s of %s is %w", name, at, err)
		}
		if strings.HasPrefix(issuer, "https:") && u.Scheme != "https" {
			return nil, fmt.Errorf("the %s of %s is without TLS", name, at)
		}
		*to = endpoint
	}
	m.NamesIssuer = answer.Get("authorization_response_iss_parameter_supported").True()
	subjects := Texts(answer.Get("subject_types_supported"))
	m.Pairwise = slices.Contains(subjects, "pairwise")
	m.TokenAuth = Texts(answer.Get("token_endpoint_auth_methods_supported"))
	m.Challenges = Texts(answer.Get("code_challenge_methods_supported"))
	return &m, nil
}

// SameURI compares identifiers exactly but for one trailing slash, which people
// leave out and which leads to the same metadata.
func SameURI(a, b string) bool { return strings.TrimSuffix(a, "/") == strings.TrimSuffix(b, "/") }
