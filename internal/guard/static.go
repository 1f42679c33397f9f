package guard

import (
	"net/http"
	"net/url"
	"strings"
)

// bearer lets in whoever sends the one token.
type bearer struct {
	g        *Guard
	identity *Identity
}

func (b *bearer) check(r *http.Request) (pass, *refusal) {
	token, _, no := authorization(r, "Bearer")
	if no == nil && b.g.cfg.MCP {
		no = tokenTwice(r)
	}
	if no != nil {
		no.challenges = []string{challenge("Bearer", param{"realm", realm}, param{"error", invalidRequest},
			param{"error_description", no.detail})}
		return pass{}, no
	}
	if token == "" {
		return pass{}, &refusal{
			status: http.StatusUnauthorized, detail: "Send the token in the header Authorization: Bearer <token>.",
			challenges: []string{challenge("Bearer", param{"realm", realm})},
		}
	}
	want, no := b.g.field(r.Context(), "token")
	if no != nil {
		return pass{}, no
	}
	expected := want.Reveal()
	if own, ok := cutScheme(expected, "Bearer"); ok {
		expected = own // the operator's secret holds the scheme, too
	}
	if !same(token, expected) {
		no := &refusal{status: http.StatusUnauthorized, detail: "The token is not the one that is expected."}
		no.challenges = []string{challenge("Bearer", param{"realm", realm}, param{"error", invalidToken},
			param{"error_description", no.detail})}
		return pass{}, no
	}
	return authorized(b.identity), nil
}

// tokenTwice refuses a token in the header beside one in the query (RFC 6750
// section 2). An MCP endpoint has no query parameter of that name, other APIs may.
func tokenTwice(r *http.Request) *refusal {
	if len(r.Header["Authorization"]) > 0 && strings.Contains(r.URL.RawQuery, "access_token") &&
		r.URL.Query().Has("access_token") {
		return malformed("The request has a token in its Authorization header and in its URL; send it in the header only.")
	}
	return nil
}

// apiKey lets in whoever sends the one key in the place agreed on.
type apiKey struct {
	g        *Guard
	identity *Identity
}

func (k *apiKey) check(r *http.Request) (pass, *refusal) {
	name, no := k.g.field(r.Context(), "key")
	if no != nil {
		return pass{}, no
	}
	place, err := k.g.cfg.Value(r.Context(), "placement")
	if err != nil {
		k.g.complain(r.Context(), "authentication cannot be checked: "+err.Error())
		return pass{}, unavailable()
	}
	p := pass{k.identity, strings.ToLower(place.Reveal()), name.Reveal()}
	if p.place == "" {
		p.place = "header"
	}
	given, ok := p.find(r)
	if !ok {
		k.g.complain(r.Context(), "nobody is let in: the placement of an API key is header, query or cookie")
		return pass{}, unavailable()
	}
	switch {
	case p.name == "":
		return pass{}, k.refuse(p, "Send the API key.")
	case len(given) > 1:
		return pass{}, malformed("The request has several API keys; send one.")
	case len(given) == 0 || given[0] == "":
		return pass{}, k.refuse(p, "Send the API key in the "+p.place+" "+printable(p.name)+".")
	}
	want, no := k.g.field(r.Context(), "value")
	if no != nil {
		return pass{}, no
	}
	if !same(given[0], want.Reveal()) {
		return pass{}, k.refuse(p, "The API key is not the one that is expected.")
	}
	return p, nil
}

// refuse challenges with a scheme of our own (there is none registered for API
// keys) that tells where the key goes.
func (k *apiKey) refuse(p pass, detail string) *refusal {
	return &refusal{
		status: http.StatusUnauthorized, detail: detail,
		challenges: []string{challenge("ApiKey", param{"realm", realm}, param{"in", p.place}, param{"name", p.name})},
	}
}

// find returns every value that the request has at the place; false when there
// is no such place.
func (p pass) find(r *http.Request) (values []string, ok bool) {
	switch p.place {
	case "header":
		return r.Header.Values(p.name), true
	case "query":
		query, _ := url.ParseQuery(r.URL.RawQuery)
		return query[p.name], true
	case "cookie":
		for _, c := range r.CookiesNamed(p.name) {
			values = append(values, c.Value)
		}
		return values, true
	default:
		return nil, false
	}
}

// printable leaves out what must not stand in a refusal's detail.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' || r == '"' || r == '\\' {
			return -1
		}
		return r
	}, text)
}

// basic lets in the one user with the one password (RFC 7617).
type basic struct{ g *Guard }

func (b *basic) check(r *http.Request) (pass, *refusal) {
	credential, given, no := authorization(r, "Basic")
	if no != nil {
		return pass{}, no
	}
	if !given {
		return pass{}, b.refuse("Send a user and a password in the header Authorization: Basic <credentials>.")
	}
	user, password, ok := parseBasic(credential)
	if !ok {
		return pass{}, malformed("The Basic credentials are not the base64 of user:password.")
	}
	wantUser, no := b.g.field(r.Context(), "username")
	if no != nil {
		return pass{}, no
	}
	wantPassword, no := b.g.field(r.Context(), "password")
	if no != nil {
		return pass{}, no
	}
	// both, whatever the first says
	userOK, passwordOK := same(user, wantUser.Reveal()), same(password, wantPassword.Reveal())
	if !userOK || !passwordOK {
		return pass{}, b.refuse("The user or the password is wrong.")
	}
	return authorized(&Identity{Kind: "basic", Subject: user, Issuer: b.g.cfg.Issuer}), nil
}

func (b *basic) refuse(detail string) *refusal {
	return &refusal{
		status: http.StatusUnauthorized, detail: detail,
		challenges: []string{challenge("Basic", param{"realm", realm}, param{"charset", "UTF-8"})},
	}
}
