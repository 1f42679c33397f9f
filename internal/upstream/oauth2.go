package upstream

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/fairlead/fairlead/internal/event"
	"github.com/fairlead/fairlead/internal/expr"
	"github.com/fairlead/fairlead/internal/secret"
	"github.com/fairlead/fairlead/internal/template"
	"github.com/fairlead/fairlead/internal/value"
)

// OAuth2 is a compiled OAuth 2.0 client (RFC 6749). With a RefreshToken tokens
// come from it (section 6), with a Subject, the token of the caller, in exchange
// for that (RFC 8693), else from the client's credentials (section 4.4).
// Resource is that of RFC 8707. Values without an expression are not sent.
type OAuth2 struct {
	TokenEndpoint, ClientID, ClientSecret, RefreshToken expr.Expr
	Scope, Audience, Resource, Subject                  expr.Expr
}

func (o *OAuth2) apply(_ *http.Request, query []byte, f expr.Frame) ([]byte, authorizer, error) {
	r := reader{frame: f}
	g := &grant{endpoint: r.need("tokenEndpoint", o.TokenEndpoint), clientID: r.need("clientId", o.ClientID),
		clientSecret: r.text(o.ClientSecret),
		scope:        r.text(o.Scope), audience: r.text(o.Audience), resource: r.text(o.Resource)}
	if !o.RefreshToken.IsZero() {
		g.refreshToken = r.need("refreshToken", o.RefreshToken)
	}
	if !o.Subject.IsZero() {
		if g.subject = r.text(o.Subject); g.subject == "" {
			r.fail(&CredentialError{Reason: "the caller brings no OAuth token to exchange"})
		}
	}
	return query, g, r.err
}

// grant is what a token is asked with. Calls with equal grants share the token.
type grant struct{ endpoint, clientID, clientSecret, refreshToken, scope, audience, resource, subject string }

func (*grant) show(req *http.Request) { showScheme(req, "Bearer") }

func (g *grant) authorize(c *Client, o *Outbound, next sender) (*http.Response, error) {
	key := tokenKey{*g, c.wayToToken(o, g.endpoint)}
	tokens := c.tokens.get(key, func() *tokenSource { return newTokenSource(c, g, key.way) })
	return tokens.authorize(o, next, func(req *http.Request, t *oauth2.Token) {
		req.Header["Authorization"] = []string{authorization(t)}
	})
}

func authorization(t *oauth2.Token) string { return t.Type() + " " + t.AccessToken }

// authorize sends a call with a token that put writes into it. After a 401 to a
// token that was not fetched for this call, another one is fetched and the call
// is sent once more.
func (s *tokenSource) authorize(o *Outbound, next sender, put func(*http.Request, *oauth2.Token)) (*http.Response,
	error) {
	req := o.Request
	token, cached, err := s.get(req.Context(), o, nil)
	if err != nil {
		return nil, err
	}
	put(req, token)
	resp, err := next(o)
	if err != nil || resp.StatusCode != http.StatusUnauthorized || !cached {
		return resp, err
	}
	second := again(req)
	if !s.reject(token) || second == nil {
		return resp, nil
	}
	discard(resp)
	if token, _, err = s.get(req.Context(), o, token); err != nil {
		return nil, err
	}
	put(second, token)
	o.Request = second
	resp, err = next(o)
	if err == nil && resp.StatusCode == http.StatusUnauthorized {
		s.trust()
	}
	return resp, err
}

const (
	exchangeTimeout = 30 * time.Second // of one token request, whoever waits for it
	// between early renewals while they fail, and between rejections that a fresh token did not cure
	exchangePause = 30 * time.Second
)

// tokenSource keeps the token of one grant. However many calls wait for a
// token, one request is under way. A token is renewed while the old one still
// serves, in the last tenth of its life, or its last minute if that is shorter.
type tokenSource struct {
	from string                                           // where tokens come from, for events
	ask  func(ctx context.Context) (*oauth2.Token, error) // fetches a token; one runs at a time
	// before a token's end, when to renew it; 0 is the rule above
	margin time.Duration
	// remembers whether the endpoint wants the client in the header or the body
	config  clientcredentials.Config
	client  *http.Client
	closing context.Context

	mu         sync.Mutex
	token      *oauth2.Token // nil when there is none that serves
	renew, end time.Time     // of token: when to ask for the next one, when to use it no longer; zero is never
	trusted    time.Time     // until then a 401 is not blamed on the token
	refresh    string        // the refresh token in force, which the server may replace (RFC 6749 section 6)
	subject    string        // the caller's token, to exchange
	flight     *flight       // the request that is under way
}

type flight struct {
	done  chan struct{}
	token *oauth2.Token
	err   error
}

// tokenKey says what calls share a token: they ask for the same one, and in the same way.
type tokenKey struct {
	grant
	way way
}

// wayToToken is how the token for a call is asked for: as its API itself is. It is
// zero where nothing is said of that.
func (c *Client) wayToToken(o *Outbound, endpoint string) (w way) {
	if o.connection == nil && c.config.Connections == nil {
		return w
	}
	u, err := url.Parse(endpoint)
	if err != nil {
		return w
	}
	w = c.wayTo(o, u)
	w.http2 = c.config.HTTP2
	return w
}

func newTokenSource(c *Client, g *grant, w way) *tokenSource {
	s := &tokenSource{refresh: g.refreshToken, subject: g.subject, closing: c.closing,
		client: &http.Client{Transport: tokenTransport{c, w},
			// the client's secret goes nowhere else
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
	s.config = clientcredentials.Config{ClientID: g.clientID, ClientSecret: g.clientSecret, TokenURL: g.endpoint,
		EndpointParams: url.Values{}}
	if g.subject != "" { // there is a source for every caller: none of them tries out what the endpoint wants
		if s.config.AuthStyle = oauth2.AuthStyleInHeader; g.clientSecret == "" {
			s.config.AuthStyle = oauth2.AuthStyleInParams
		}
	}
	for name, text := range map[string]string{"scope": g.scope, "audience": g.audience, "resource": g.resource} {
		if text != "" {
			s.config.EndpointParams.Set(name, text)
		}
	}
	s.from, s.ask = secret.BareURL(g.endpoint), s.requestToken
	return s
}

// Names of RFC 8693.
const (
	grantExchange   = "urn:ietf:params:oauth:grant-type:token-exchange"
	accessTokenType = "urn:ietf:params:oauth:token-type:access_token"
)

// maxTokenAnswer bounds what a token endpoint may answer, in bytes.
const maxTokenAnswer = 1 << 20

// tokenTransport sends requests for tokens. A life of a token that is no whole
// number of seconds is cut to one, which is all that the library reads.
type tokenTransport struct {
	c   *Client
	way way
}

func (t tokenTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	req = req.Clone(req.Context())
	req.Header["User-Agent"] = []string{t.c.agent}
	by, err := t.c.transportTo(new(Outbound), req.URL)
	if t.way != (way{}) {
		by, err = t.c.transportBy(t.way, req.URL)
	}
	if err != nil {
		return nil, err
	}
	resp, err := by.RoundTrip(req)
	if err != nil || resp.StatusCode != http.StatusOK {
		return resp, err
	}
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxTokenAnswer))
	resp.Body.Close()
	if err != nil {
		return nil, err
	}
	resp.Body = io.NopCloser(bytes.NewReader(wholeSeconds(text)))
	return resp, nil
}

// wholeSeconds is the answer of a token endpoint with expires_in as an integer,
// if it is another number.
func wholeSeconds(text []byte) []byte {
	v, err := value.Parse(text)
	if err != nil || v.Kind() != value.Object {
		return text
	}
	seconds, err := strconv.ParseFloat(v.Get("expires_in").Text(), 64)
	if err != nil || !strings.ContainsAny(v.Get("expires_in").Text(), ".eE") {
		return text
	}
	out := value.Map()
	for i := range v.Len() {
		if v.Name(i) != "expires_in" {
			out.Add(v.Name(i), v.At(i))
		}
	}
	out.Add("expires_in", value.Int(int64(min(max(seconds, 0), math.MaxInt32))))
	return out.AppendJSON(nil)
}

// get returns a token other than not; cached says that it was not fetched for
// this call.
func (s *tokenSource) get(ctx context.Context, o *Outbound, not *oauth2.Token) (token *oauth2.Token, cached bool,
	err error) {
	s.mu.Lock()
	now := time.Now()
	if t := s.token; t != nil && t != not && (s.end.IsZero() || now.Before(s.end)) {
		if !s.renew.IsZero() && now.After(s.renew) && s.flight == nil {
			s.start(ctx, o.Events)
		}
		s.mu.Unlock()
		return t, true, nil
	}
	if s.flight == nil {
		s.start(ctx, o.Events)
	}
	f := s.flight
	s.mu.Unlock()
	select {
	case <-f.done:
		return f.token, false, f.err
	case <-ctx.Done():
		return nil, false, context.Cause(ctx)
	}
}

// reject says that the API answered 401 to the token, which serves no more. It
// reports whether another token may help.
func (s *tokenSource) reject(t *oauth2.Token) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if time.Now().Before(s.trusted) {
		return false
	}
	if s.token == t {
		s.token = nil
	}
	return true
}

// trust says that the API answered 401 to a token just fetched: the token is
// not the cause, so for a while none is fetched because of a 401.
func (s *tokenSource) trust() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.trusted = time.Now().Add(exchangePause)
}

// start asks for a token; mu is held. The request outlives ctx: others may wait for it.
func (s *tokenSource) start(ctx context.Context, events *event.Stream) {
	f := &flight{done: make(chan struct{})}
	s.flight = f
	renews := s.token != nil // which is used meanwhile, or was refused
	go func() {
		defer close(f.done)
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), exchangeTimeout)
		defer cancel()
		defer context.AfterFunc(s.closing, cancel)()
		began := time.Now()
		f.token, f.err = s.ask(ctx)
		if events.Hears(event.Credentials) {
			events.Publish(ctx, event.Credential{From: s.from, Renews: renews, Took: time.Since(began), Err: f.err})
		}

		s.mu.Lock()
		defer s.mu.Unlock()
		s.flight = nil
		if f.err != nil {
			s.renew = time.Now().Add(exchangePause)
			return
		}
		s.keep(f.token)
	}()
}

func (s *tokenSource) keep(t *oauth2.Token) {
	s.token, s.renew, s.end = t, time.Time{}, time.Time{}
	if !t.Expiry.IsZero() {
		life := time.Until(t.Expiry)
		s.renew = t.Expiry.Add(-min(life/10, time.Minute))
		s.end = t.Expiry.Add(-min(life/20, 10*time.Second))
		if s.margin > 0 {
			s.renew = t.Expiry.Add(-min(s.margin, life/2))
		}
	}
	if t.RefreshToken != "" && s.refresh != "" {
		s.refresh = t.RefreshToken
	}
}

// requestToken requests a token. One runs at a time, so refresh is its own.
func (s *tokenSource) requestToken(ctx context.Context) (*oauth2.Token, error) {
	endpoint, err := ParseBase(s.config.TokenURL)
	if err != nil {
		return nil, &CredentialError{Reason: "tokenEndpoint is " + err.Error()}
	}
	if guardedLiteral(endpoint) {
		return nil, &CredentialError{Reason: "tokenEndpoint is a link-local address"}
	}
	if s.refresh != "" {
		s.config.EndpointParams.Set("grant_type", "refresh_token")
		s.config.EndpointParams.Set("refresh_token", s.refresh)
	}
	if s.subject != "" {
		for name, text := range map[string]string{"grant_type": grantExchange, "subject_token": s.subject,
			"subject_token_type": accessTokenType, "requested_token_type": accessTokenType} {
			s.config.EndpointParams.Set(name, text)
		}
	}
	token, err := s.config.Token(context.WithValue(ctx, oauth2.HTTPClient, s.client))
	if err != nil {
		return nil, s.explain(err)
	}
	if s.subject != "" && (token.AccessToken == s.subject || token.Type() != "Bearer") {
		return nil, &CredentialError{Reason: "the token endpoint gives no bearer token of the API in exchange for the caller's"}
	}
	if template.CheckHeader(authorization(token)) != nil {
		return nil, &CredentialError{Reason: "the token endpoint answered a token that cannot be sent"}
	}
	return token, nil
}

// explain says why there is no token. What the endpoint says goes into the log
// only, without the secrets that were sent to it.
func (s *tokenSource) explain(err error) error {
	if refused, ok := errors.AsType[*oauth2.RetrieveError](err); ok {
		status := refused.Response.StatusCode
		e := &CredentialError{Reason: fmt.Sprintf("the token endpoint answered %d", status),
			Retry: status == http.StatusTooManyRequests || status >= 500}
		if status >= 300 && status < 400 {
			e.Reason += ": it redirects, which is not followed"
		}
		if code := s.scrub(refused.ErrorCode); code != "" {
			e.Reason += " (" + code + ")"
		}
		e.detail = s.scrub(refused.ErrorDescription)
		return e
	}
	failed, ok := errors.AsType[*url.Error](err)
	if !ok {
		return &CredentialError{Reason: "the token endpoint answered no token"}
	}
	// the url.Error quotes the URL
	e := &CredentialError{Reason: "the token endpoint cannot be reached", Retry: true, cause: failed.Err}
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() {
		e.Reason = "the token endpoint did not answer in time"
	}
	return e
}

// scrub takes the client's secrets and all but printable ASCII out of a text
// of the token endpoint, and cuts it.
func (s *tokenSource) scrub(text string) string {
	for _, hidden := range []string{s.config.ClientSecret, s.refresh, s.subject} {
		if hidden != "" {
			text = strings.NewReplacer(hidden, secret.Mask, url.QueryEscape(hidden), secret.Mask).Replace(text)
		}
	}
	text = strings.Map(func(c rune) rune {
		if c < ' ' || c > '~' {
			return ' '
		}
		return c
	}, text)
	return text[:min(len(text), 300)]
}
