package authserver

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"html/template"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"
)

// Client is a client that may send people to the server.
type Client struct {
	Secret    string   // "" for a public client
	Redirects []string // compared exactly, but for the port of a loopback address of a public client (RFC 8252)
	Audience  string   // of access tokens, where no resource is asked for
}

// grant is what somebody has granted to a client.
type grant struct {
	client, person, redirect, challenge, nonce, resource string
	scopes                                               []string
	tokens                                               []string // that were made of it
	refresh                                              string   // the one in force
}

// login is the cookie by which the server knows who is before the browser. Its
// value is the person's name, with which a test can sign a browser in.
const login = "as_person"

// SignedIn is the cookie of a browser in which a person is signed in at the
// server and has agreed to everything already.
func SignedIn(person string) *http.Cookie { return &http.Cookie{Name: login, Value: person, Path: "/"} }

// authorize is the authorization endpoint. Without somebody signed in it is a form:
// the button "as" names a person, "deny" says no.
func (s *Server) authorize(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	client := s.Clients[q.Get("client_id")]
	redirect := q.Get("redirect_uri")
	for name, texts := range q {
		if len(texts) > 1 {
			http.Error(w, name+" stands twice", http.StatusBadRequest)
			return
		}
	}
	if client == nil || !client.comesBackTo(redirect) { // never redirect there (RFC 6749 section 4.1.2.1)
		http.Error(w, "unknown client or redirect_uri", http.StatusBadRequest)
		return
	}
	scopes := strings.Fields(q.Get("scope"))
	switch challenge, err := base64.RawURLEncoding.DecodeString(q.Get("code_challenge")); {
	case q.Get("response_type") != "code":
		s.back(w, r, redirect, url.Values{"error": {"unsupported_response_type"}})
		return
	case err != nil || len(challenge) != sha256.Size || q.Get("code_challenge_method") != "S256":
		s.back(w, r, redirect, url.Values{"error": {"invalid_request"}, "error_description": {"PKCE by S256 is needed"}})
		return
	case len(q.Get("state")) < 16:
		s.back(w, r, redirect, url.Values{"error": {"invalid_request"}, "error_description": {"state is needed"}})
		return
	case slices.Contains(scopes, "openid") && q.Get("nonce") == "":
		s.back(w, r, redirect, url.Values{"error": {"invalid_request"}, "error_description": {"nonce is needed"}})
		return
	}
	person := r.PostFormValue("as")
	if c, err := r.Cookie(login); err == nil && person == "" && q.Get("prompt") != "login" {
		person = c.Value
	}
	switch {
	case r.PostFormValue("deny") != "":
		s.back(w, r, redirect, url.Values{"error": {"access_denied"}, "error_description": {"The person said no."}})
	case person == "":
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_ = page().Execute(w, map[string]any{"Client": q.Get("client_id"), "Scopes": scopes, "To": r.URL.RequestURI()})
	default:
		http.SetCookie(w, SignedIn(person))
		code := rand.Text()
		s.Given = append(s.Given, code)
		s.codes[code] = &grant{client: q.Get("client_id"), person: person, redirect: redirect,
			challenge: q.Get("code_challenge"), nonce: q.Get("nonce"), resource: q.Get("resource"), scopes: scopes}
		s.back(w, r, redirect, url.Values{"code": {code}})
	}
}

func page() *template.Template {
	return template.Must(template.New("").Parse(`<!doctype html><html lang="en"><title>Sign in</title>
<h1>{{.Client}} asks for {{range .Scopes}}{{.}} {{end}}</h1>
<form method="post" action="{{.To}}"><button name="as" value="alice">As Alice</button>
<button name="as" value="bob">As Bob</button><button name="deny" value="1">No</button></form></html>`))
}

// back leads the browser back to the client.
func (s *Server) back(w http.ResponseWriter, r *http.Request, redirect string, answer url.Values) {
	answer.Set("state", r.URL.Query().Get("state"))
	if s.Metadata["authorization_response_iss_parameter_supported"] == true {
		answer.Set("iss", s.Issuer)
	}
	if s.Answer != nil {
		s.Answer(answer)
	}
	to, _ := url.Parse(redirect)
	query := to.Query()
	for name, texts := range answer {
		query[name] = texts
	}
	to.RawQuery = query.Encode()
	w.Header().Set("Referrer-Policy", "no-referrer")
	http.Redirect(w, r, to.String(), http.StatusSeeOther)
}

// loopback are redirect addresses of programs on the person's machine.
var loopback = regexp.MustCompile(`^http://(127\.0\.0\.1|\[::1\])(:\d+)?/`)

func (c *Client) comesBackTo(redirect string) bool {
	return slices.ContainsFunc(c.Redirects, func(registered string) bool {
		if c.Secret == "" && loopback.MatchString(registered) {
			return loopback.ReplaceAllString(registered, "$1/") == loopback.ReplaceAllString(redirect, "$1/")
		}
		return registered == redirect
	})
}

// client is who asks, nil when that is not proved. A secret comes in one way only
// (RFC 6749 section 2.3).
func (s *Server) client(r *http.Request) *Client {
	id, password, basic := r.BasicAuth()
	if basic {
		id, _ = url.QueryUnescape(id)
		password, _ = url.QueryUnescape(password)
		if r.PostFormValue("client_secret") != "" {
			return nil
		}
	} else {
		id, password = r.PostFormValue("client_id"), r.PostFormValue("client_secret")
	}
	c := s.Clients[id]
	if c == nil || c.Secret != password || basic && password == "" {
		return nil
	}
	return c
}

// refuse answers an error of RFC 6749 section 5.2.
func refuse(w http.ResponseWriter, code, message string) {
	status := http.StatusBadRequest
	if code == "invalid_client" {
		status = http.StatusUnauthorized
	}
	answer(w, status, map[string]any{"error": code, "error_description": message})
}

func (s *Server) exchangeCode(w http.ResponseWriter, r *http.Request) {
	c, code := s.client(r), r.PostFormValue("code")
	verifier := sha256.Sum256([]byte(r.PostFormValue("code_verifier")))
	g := s.codes[code]
	switch {
	case c == nil:
		refuse(w, "invalid_client", "")
	case s.spent[code] != nil: // RFC 6749 section 4.1.2
		s.end(s.spent[code])
		refuse(w, "invalid_grant", "the code was used already")
	case g == nil || s.Clients[g.client] != c || g.redirect != r.PostFormValue("redirect_uri"):
		refuse(w, "invalid_grant", "unknown code "+code)
	case base64.RawURLEncoding.EncodeToString(verifier[:]) != g.challenge:
		refuse(w, "invalid_grant", "the verifier is not that of the challenge")
	default:
		delete(s.codes, code)
		s.spent[code] = g
		s.give(w, g, true)
	}
}

func (s *Server) renew(w http.ResponseWriter, r *http.Request) {
	c, token := s.client(r), r.PostFormValue("refresh_token")
	g := s.refresh[token]
	switch {
	case c == nil:
		refuse(w, "invalid_client", "")
	case s.spent[token] != nil: // RFC 9700 section 4.14.2
		s.end(s.spent[token])
		refuse(w, "invalid_grant", "the refresh token was used already")
	case g == nil || s.Clients[g.client] != c:
		refuse(w, "invalid_grant", "unknown refresh token "+token)
	default:
		s.give(w, g, false)
	}
}

// give answers tokens of a grant, and a refresh token in place of the one before.
func (s *Server) give(w http.ResponseWriter, g *grant, first bool) {
	now, subject := s.now(), s.subject(g)
	access := s.issue(g)
	if g.refresh != "" {
		delete(s.refresh, g.refresh)
		s.spent[g.refresh] = g
	}
	g.refresh, g.tokens = rand.Text(), append(g.tokens, access)
	s.refresh[g.refresh] = g
	body := map[string]any{"access_token": access, "token_type": "Bearer", "expires_in": int(s.Life.Seconds()),
		"refresh_token": g.refresh, "scope": strings.Join(g.scopes, " ")}
	if first && slices.Contains(g.scopes, "openid") {
		claims := map[string]any{"iss": s.Issuer, "sub": subject, "aud": g.client, "uid": g.person, "nonce": g.nonce,
			"iat": now.Unix(), "exp": now.Add(s.Life).Unix()}
		if s.Claims != nil {
			s.Claims(claims)
		}
		body["id_token"] = Sign(s.t, "rsa", jose.RS256, map[jose.HeaderKey]any{"typ": "JWT"}, claims)
	}
	for _, name := range []string{"refresh_token", "id_token"} {
		if given, ok := body[name].(string); ok {
			s.Given = append(s.Given, given)
		}
	}
	answer(w, http.StatusOK, body)
}

// issue makes an access token (RFC 9068).
func (s *Server) issue(g *grant) string {
	now, audience := s.now(), g.resource
	if audience == "" {
		audience = s.Clients[g.client].Audience
	}
	claims := map[string]any{"iss": s.Issuer, "sub": s.subject(g), "aud": audience, "uid": g.person, "client_id": g.client,
		"scope": strings.Join(g.scopes, " "), "iat": now.Unix(), "exp": now.Add(s.Life).Unix(), "jti": rand.Text()}
	access := Sign(s.t, "rsa", jose.RS256, nil, claims)
	s.Tokens[access], s.Given = claims, append(s.Given, access)
	return access
}

// Issue is an access token of a person, as their own client got it for a resource.
func (s *Server) Issue(client, person, resource string, scopes ...string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.issue(&grant{client: client, person: person, resource: resource, scopes: scopes})
}

// subject is by what a client knows a person (OpenID Connect Core, section 8).
func (s *Server) subject(g *grant) string {
	if !s.Pairwise {
		return g.person
	}
	sum := sha256.Sum256([]byte(g.client + "\x00" + g.person))
	return base64.RawURLEncoding.EncodeToString(sum[:12])
}

// revoke ends the grant of a token (RFC 7009). A token that it does not know is
// no error.
func (s *Server) revoke(w http.ResponseWriter, r *http.Request) {
	c, token := s.client(r), r.PostFormValue("token")
	if c == nil {
		refuse(w, "invalid_client", "")
		return
	}
	if g := s.refresh[token]; g != nil && s.Clients[g.client] == c {
		s.end(g)
	} else {
		delete(s.Tokens, token)
	}
	w.WriteHeader(http.StatusOK)
}

// end forgets all tokens of a grant.
func (s *Server) end(g *grant) {
	delete(s.refresh, g.refresh)
	for _, token := range g.tokens {
		delete(s.Tokens, token)
	}
}

// Person is whose access token it is; false for one that is not known, was revoked
// or has ended. An API in a test asks it.
func (s *Server) Person(token string) (person string, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	claims, ok := s.Tokens[token]
	if !ok || s.now().Unix() >= claims["exp"].(int64) {
		return "", false
	}
	person, ok = claims["uid"].(string)
	return person, ok
}

// Registered lets a client send people back to these addresses.
func (s *Server) Registered(id, secret string, redirects ...string) {
	s.Set(func() { s.Clients[id] = &Client{Secret: secret, Redirects: redirects, Audience: "https://api.example"} })
}

// EndAll ends every grant, as when people take them back at the server.
func (s *Server) EndAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, g := range s.refresh {
		s.end(g)
	}
}
