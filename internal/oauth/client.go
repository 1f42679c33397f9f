package oauth

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"github.com/fairlead/fairlead/internal/secret"
	"github.com/fairlead/fairlead/internal/session"
	"github.com/fairlead/fairlead/internal/value"
)

// Client is a client of one authorization server, which sends people there and
// gets tokens for them: the authorization code grant (RFC 6749 section 4.1) as
// RFC 9700 has it. It is safe for concurrent use.
type Client struct {
	Server   *Server
	ID       string
	Secret   secret.String // none for a public client
	Auth     string        // basic or post: how the secret is sent; "" is what the server says, else both are tried
	Scopes   []string
	Resource string     // RFC 8707; "" is not sent
	Extra    url.Values // more parameters of the authorization request, none of which is Reserved
}

// Reserved reports whether a parameter of the authorization request is a matter
// of the protocol, so that nobody else may set it.
func Reserved(name string) bool {
	switch name {
	case "response_type", "response_mode", "client_id", "client_secret", "redirect_uri", "scope", "state", "nonce",
		"resource", "code_challenge", "code_challenge_method", "request", "request_uri", "registration", "iss", "code":
		return true
	}
	return false
}

// Transaction is what has to be kept between sending somebody to the server and
// their coming back, where nobody else can read or change it.
type Transaction struct {
	State    string `json:"state"`
	Verifier string `json:"verifier"` // RFC 7636
	Nonce    string `json:"nonce,omitzero"`
	Issuer   string `json:"issuer,omitzero"` // that must answer, see RFC 9207; "" when none is known
	Redirect string `json:"redirect"`        // where the answer comes
}

// scopeOpenID makes the request one of OpenID Connect, whose answer holds an ID token.
const scopeOpenID = "openid"

// Begin is the address that a person's browser is sent to, and what Finish needs.
// redirect is where they come back to; it is registered with the server.
func (c *Client) Begin(ctx context.Context, redirect string) (string, Transaction, error) {
	m, err := c.Server.Metadata(ctx)
	if err != nil {
		return "", Transaction{}, err
	}
	if m.Authorization == "" || m.Token == "" {
		return "", Transaction{}, errors.New("the authorization server has no authorization_endpoint or no " +
			"token_endpoint")
	}
	if m.Challenges != nil && !slices.Contains(m.Challenges, "S256") { // RFC 9700 section 2.1.1
		return "", Transaction{}, errors.New("the authorization server does not take code challenges by S256")
	}
	to, err := SafeURL(m.Authorization)
	if err != nil {
		return "", Transaction{}, fmt.Errorf("the authorization endpoint is %w", err)
	}
	t := Transaction{State: rand.Text(), Verifier: oauth2.GenerateVerifier(), Issuer: m.Issuer, Redirect: redirect}
	query := to.Query()
	for name, texts := range c.Extra {
		if !Reserved(name) {
			query[name] = texts
		}
	}
	set := func(name, text string) {
		if text != "" {
			query.Set(name, text)
		}
	}
	set("response_type", "code")
	set("client_id", c.ID)
	set("redirect_uri", redirect)
	set("scope", strings.Join(c.Scopes, " "))
	set("state", t.State)
	set("code_challenge", oauth2.S256ChallengeFromVerifier(t.Verifier))
	set("code_challenge_method", "S256")
	set("resource", c.Resource)
	if slices.Contains(c.Scopes, scopeOpenID) {
		t.Nonce = rand.Text()
		set("nonce", t.Nonce)
	}
	to.RawQuery = query.Encode()
	return to.String(), t, nil
}

// Denied is an authorization server, or a person before it, that says no. Its text
// is the server's own, cut and in printable ASCII; it may be shown as text.
type Denied struct{ Code, Message string }

func (d *Denied) Error() string {
	if d.Message == "" {
		return d.Code
	}
	return d.Code + ": " + d.Message
}

// Errors of answers that are not believed. Nothing of such an answer may be shown.
var (
	ErrState  = errors.New("the answer belongs to no request of this browser")
	ErrIssuer = errors.New("the answer is of another authorization server than was asked")
	ErrAnswer = errors.New("the answer of the authorization server is malformed")
)

// Check reads the answer that a browser brings to the redirect address and returns
// the code. It is ErrState, ErrIssuer, ErrAnswer or a *Denied.
func (c *Client) Check(ctx context.Context, t Transaction, answer url.Values) (code string, err error) {
	one := func(name string) string {
		if len(answer[name]) > 1 { // RFC 6749 section 3.1: once at most
			err = ErrAnswer
		}
		return answer.Get(name)
	}
	state, issuer, denied, message := one("state"), one("iss"), one("error"), one("error_description")
	code = one("code")
	switch {
	case subtle.ConstantTimeCompare([]byte(state), []byte(t.State)) != 1 || t.State == "":
		return "", ErrState
	case err != nil:
		return "", err
	}
	if err := c.checkIssuer(ctx, t, answer.Has("iss"), issuer); err != nil {
		return "", err
	}
	switch {
	case denied != "":
		return "", &Denied{printable(denied), printable(message)}
	case code == "":
		return "", ErrAnswer
	}
	return code, nil
}

// checkIssuer is RFC 9207 section 2.4: an issuer that is named must be the one that
// was asked, and must be named where the server says that it does.
func (c *Client) checkIssuer(ctx context.Context, t Transaction, named bool, issuer string) error {
	m, err := c.Server.Metadata(ctx)
	switch {
	case err != nil:
		return err
	case m.Issuer != t.Issuer: // the definition was edited meanwhile
		return ErrIssuer
	case named && issuer != t.Issuer, !named && m.NamesIssuer:
		return ErrIssuer
	}
	return nil
}

// Tokens are what a token endpoint gives.
type Tokens struct {
	Access, Refresh secret.String
	ID              string    // the ID token, not verified
	Expires         time.Time // of Access; zero when the server does not say
	Scopes          []string  // that were granted; nil when the server does not say
}

// Finish checks the answer that a browser brings, see Check, and exchanges its code.
func (c *Client) Finish(ctx context.Context, t Transaction, answer url.Values) (*Tokens, error) {
	code, err := c.Check(ctx, t, answer)
	if err != nil {
		return nil, err
	}
	tokens, err := c.token(ctx, url.Values{"grant_type": {"authorization_code"}, "code": {code},
		"redirect_uri": {t.Redirect}, "code_verifier": {t.Verifier}})
	if err != nil {
		return nil, fmt.Errorf("exchange the code: %w", err)
	}
	if tokens.Scopes == nil { // RFC 6749 section 5.1
		tokens.Scopes = c.Scopes
	}
	return tokens, nil
}

// Session is a session of the tokens. Without a refresh token it lasts until its end.
func (t *Tokens) Session(now time.Time) *session.Session {
	s := &session.Session{Token: t.Access, Refresh: t.Refresh, Expires: t.Expires, Made: now}
	if t.Refresh.IsEmpty() {
		s.Margin = 1
	}
	if len(t.Scopes) > 0 {
		s.Shown = []session.Shown{{Name: "scopes", Text: strings.Join(t.Scopes, " ")}}
	}
	return s
}

// Renew is a session.Renew by the refresh token (RFC 6749 section 6). The session
// that it returns holds the refresh token that the server gave, or the old one.
func (c *Client) Renew(ctx context.Context, old *session.Session) (*session.Session, error) {
	if old.Refresh.IsEmpty() {
		return nil, fmt.Errorf("%w: there is no refresh token", session.ErrRefused)
	}
	tokens, err := c.token(ctx, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {old.Refresh.Reveal()}})
	if denied, ok := errors.AsType[*Denied](err); ok && denied.Code == "invalid_grant" {
		return nil, fmt.Errorf("%w: %w", session.ErrRefused, err)
	}
	if err != nil {
		return nil, fmt.Errorf("renew a token: %w", err)
	}
	if tokens.Refresh.IsEmpty() {
		tokens.Refresh = old.Refresh
	}
	next := tokens.Session(time.Now())
	if len(next.Shown) == 0 {
		next.Shown = old.Shown
	}
	return next, nil
}

// Revoke tells the server that a session ends (RFC 7009): by its refresh token,
// with which the others end, else by its access token. It does nothing at a server
// that has no revocation endpoint.
func (c *Client) Revoke(ctx context.Context, s *session.Session) error {
	m, err := c.Server.Metadata(ctx)
	if err != nil || m.Revocation == "" {
		return err
	}
	form := url.Values{"token": {s.Refresh.Reveal()}, "token_type_hint": {"refresh_token"}}
	if s.Refresh.IsEmpty() {
		form = url.Values{"token": {s.Token.Reveal()}, "token_type_hint": {"access_token"}}
	}
	if _, err := c.post(ctx, m, m.Revocation, form); err != nil {
		return fmt.Errorf("revoke a token: %w", err)
	}
	return nil
}

// token asks the token endpoint.
func (c *Client) token(ctx context.Context, form url.Values) (*Tokens, error) {
	m, err := c.Server.Metadata(ctx)
	if err != nil {
		return nil, err
	}
	if c.Resource != "" {
		form.Set("resource", c.Resource)
	}
	answer, err := c.post(ctx, m, m.Token, form)
	if err != nil {
		return nil, err
	}
	t := &Tokens{Access: secret.New(Text(answer.Get("access_token"))), ID: Text(answer.Get("id_token")),
		Refresh: secret.New(Text(answer.Get("refresh_token")))}
	switch kind := strings.ToLower(Text(answer.Get("token_type"))); {
	case t.Access.IsEmpty():
		return nil, errors.New("the token endpoint answered no token")
	case !sendable(t.Access.Reveal()):
		return nil, errors.New("the token endpoint answered a token that cannot be sent")
	case !slices.Contains(bearerTypes, kind):
		return nil, errors.New("the token endpoint answered a token that is no bearer token")
	}
	if granted := strings.Fields(Text(answer.Get("scope"))); len(granted) > 0 {
		t.Scopes = slices.DeleteFunc(granted, func(scope string) bool { return printable(scope) != scope })
	}
	// a number by RFC 6749; some servers write text, some a fraction
	seconds, err := strconv.ParseFloat(answer.Get("expires_in").Text(), 64)
	if err == nil && seconds > 0 && seconds < 1e9 {
		t.Expires = time.Now().Add(time.Duration(seconds * float64(time.Second)))
	}
	return t, nil
}

// bearerTypes are the types of tokens that are sent as bearer tokens. Some servers
// leave the type out; those of Slack say whose token it is.
var bearerTypes = []string{"bearer", "", "bot", "user"}

// sendable reports whether a token can stand in an Authorization header: b68token
// of RFC 7235 is a part of it, and more is sent in practice.
func sendable(token string) bool {
	return !strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' })
}

// post sends a form with the client's authentication (RFC 6749 section 2.3.1) and
// returns the answer, see ask.
func (c *Client) post(ctx context.Context, m *Metadata, endpoint string, form url.Values) (value.Value, error) {
	if _, err := SafeURL(endpoint); err != nil {
		return value.Value{}, fmt.Errorf("the endpoint is %w", err)
	}
	ways := c.ways(m)
	for i, way := range ways {
		answer, err := c.postBy(ctx, way, endpoint, form)
		denied, ok := errors.AsType[*Denied](err)
		// what is no fault of the client's authentication is not asked twice: a code works once
		if !ok || i == len(ways)-1 || denied.Code == "invalid_grant" {
			return answer, err
		}
	}
	return value.Value{}, errors.New("unreachable: there is one way at least")
}

// ways are how the client may authenticate, the first to try first.
func (c *Client) ways(m *Metadata) []string {
	says := func(method string) bool { return slices.Contains(m.TokenAuth, method) }
	switch {
	case c.Secret.IsEmpty():
		return []string{"none"}
	case c.Auth != "":
		return []string{c.Auth}
	case says("client_secret_basic"):
		return []string{"basic"}
	case says("client_secret_post"):
		return []string{"post"}
	default:
		return []string{"basic", "post"}
	}
}

func (c *Client) postBy(ctx context.Context, way, endpoint string, form url.Values) (value.Value, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	sent := url.Values{}
	for name, texts := range form {
		sent[name] = texts
	}
	if way != "basic" {
		sent.Set("client_id", c.ID)
	}
	if way == "post" {
		sent.Set("client_secret", c.Secret.Reveal())
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint, strings.NewReader(sent.Encode()))
	if err != nil {
		return value.Value{}, errors.New("the endpoint is no URL")
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if way == "basic" {
		req.SetBasicAuth(url.QueryEscape(c.ID), url.QueryEscape(c.Secret.Reveal()))
	}
	return ask(c.Server.http, req, c.Secret.Reveal(), sent.Get("code"), sent.Get("code_verifier"),
		sent.Get("refresh_token"), sent.Get("token"))
}

// timeout bounds one request to an authorization server, its answer included.
const timeout = 10 * time.Second

// ask sends a request and reads the answer, which is Absent where it is no JSON. A
// *Denied is the server's no, which holds nothing of what is hidden; other errors
// may pass.
func ask(client Doer, req *http.Request, hidden ...string) (value.Value, error) {
	status, answer, _, err := fetch(client, req)
	switch {
	case err != nil:
		return value.Value{}, err
	case status/100 == 3:
		return value.Value{}, fmt.Errorf("%s redirects, which is not followed", Where(req.URL))
	}
	code, message := Text(answer.Get("error")), Text(answer.Get("error_description"))
	for _, text := range hidden {
		if text != "" && strings.Contains(message, text) {
			message = ""
		}
		if text != "" && strings.Contains(code, text) {
			code = "refused"
		}
	}
	switch {
	case status/100 == 2 && code == "": // some say that they refuse with a status of 200
		return answer, nil
	case status >= 500 || status == http.StatusTooManyRequests:
		return value.Value{}, fmt.Errorf("%s answers with status %d", Where(req.URL), status)
	case code == "":
		code = strconv.Itoa(status)
	}
	return value.Value{}, &Denied{printable(code), printable(message)}
}

// printable is a text of a server in printable ASCII, at most 200 characters of it.
func printable(text string) string {
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return ' '
		}
		return r
	}, text)
	return text[:min(len(text), 200)]
}
