package host

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/fairlead/fairlead/internal/adapter/connect"
	"github.com/fairlead/fairlead/internal/oauth"
	"github.com/fairlead/fairlead/internal/secret"
	"github.com/fairlead/fairlead/internal/session"
	"github.com/fairlead/fairlead/internal/value"
)

// Where an oauth2 guard lets callers in, people prove on the pages who they are by an
// OpenID Connect login at the same authorization server: whoever it names there is
// compared with whom it names in the access token of the caller.

// loggingIn is what a browser keeps of somebody who is away to log in.
type loggingIn struct {
	Proof       string            `json:"proof"`
	Page        string            `json:"page"` // to come back to
	Transaction oauth.Transaction `json:"transaction"`
}

// issuing is who names people for a proof: the issuer, by a claim, to a client of ours.
type issuing struct {
	issuer, claim string
	client        *oauth.Client
}

// issuing reads at which server, and as which client, people log in for a proof.
func (p *pages) issuing(ctx context.Context, one *proof) (*issuing, error) {
	issuer, claim, err := one.guard.People(ctx)
	if err != nil {
		return nil, err
	}
	var texts [3]string
	for i, field := range []string{"signIn.clientId", "signIn.clientSecret", "signIn.scope"} {
		v, err := one.auth.Value(ctx, field, p.config.Secrets.Get)
		if _, missing := errors.AsType[*secret.MissingError](err); err != nil && !missing {
			return nil, err
		}
		texts[i] = v.Reveal()
	}
	if texts[0] == "" {
		return nil, &connect.Refused{Status: http.StatusServiceUnavailable, Message: "People cannot prove here who " +
			"they are: the operator has to register this server as a client of " + issuer + " and to name that client in " +
			"the document (x-fairlead: {signIn: {clientId, clientSecret}} of the authentication)."}
	}
	scopes := strings.Fields(texts[2])
	if !slices.Contains(scopes, "openid") {
		scopes = append([]string{"openid"}, scopes...)
	}
	return &issuing{issuer, claim, &oauth.Client{Server: p.server(issuer), ID: texts[0], Secret: secret.New(texts[1]),
		Scopes: scopes}}, nil
}

func (p *pages) server(issuer string) *oauth.Server {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.servers[issuer] == nil {
		if p.servers == nil {
			p.servers = map[string]*oauth.Server{}
		}
		p.servers[issuer] = oauth.NewServer(p.config.Client, issuer)
	}
	return p.servers[issuer]
}

// login sends a browser to the authorization server of a proof. Only who opens a page
// is sent there: not who comes back from somewhere, nor who posts a form.
func (p *pages) login(w http.ResponseWriter, r *http.Request, one *proof) (connect.Visitor, bool, error) {
	if r.Method != http.MethodGet || strings.Count(r.URL.Path, "/") > 2 {
		return connect.Visitor{}, false, &connect.Refused{Status: http.StatusForbidden,
			Message: "This browser does not know any more who you are. Open the sign-in page again."}
	}
	base, err := p.config.Front.address(r.Context())
	if err != nil {
		return connect.Visitor{}, false, &connect.Refused{Status: http.StatusForbidden, Message: err.Error()}
	}
	if home, err := url.Parse(base); err == nil && home.Host != r.Host { // where the browser will come back to
		http.Redirect(w, r, base+r.URL.RequestURI(), http.StatusSeeOther)
		return connect.Visitor{}, true, nil
	}
	at, err := p.issuing(r.Context(), one)
	if err != nil {
		return connect.Visitor{}, false, p.unasked(r.Context(), err)
	}
	secure, left := strings.HasPrefix(base, "https:"), false
	if p.config.Sessions.Cookies.Get(r, leftCookie, secure, &left) && left {
		at.client.Extra = url.Values{"prompt": {"login"}} // OpenID Connect Core 1.0, section 3.1.2.1
	}
	to, t, err := at.client.Begin(r.Context(), base+connect.SignedInPath+oauth.Label(at.issuer, "", ""))
	if err != nil {
		return connect.Visitor{}, false, p.unasked(r.Context(), err)
	}
	name, _ := connect.StateCookie(t.State)
	err = p.config.Sessions.Cookies.Put(w, name, secure, loggingIn{one.id(), r.URL.EscapedPath(), t},
		session.SignInLife)
	if err != nil {
		return connect.Visitor{}, false, err
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
	return connect.Visitor{}, true, nil
}

// unasked is what people are told when their authorization server cannot be asked.
func (p *pages) unasked(ctx context.Context, err error) error {
	if refused, ok := errors.AsType[*connect.Refused](err); ok {
		return refused
	}
	if p.config.Logger != nil {
		p.config.Logger.WarnContext(ctx, "nobody can prove who they are", "error", err)
	}
	return &connect.Refused{Status: http.StatusServiceUnavailable,
		Message: "The authorization server cannot be asked who you are. Try again later; the operator finds the reason " +
			"in the log."}
}

// signedIn takes somebody back who was away to log in (connect.Config). Nothing of the
// request is believed before it is known that this browser has left, for this server.
func (p *pages) signedIn(w http.ResponseWriter, r *http.Request) error {
	base, err := p.config.Front.address(r.Context())
	if err != nil {
		return &connect.Refused{Status: http.StatusForbidden, Message: err.Error()}
	}
	var away loggingIn
	cookies, secure := p.config.Sessions.Cookies, strings.HasPrefix(base, "https:")
	name, ok := connect.StateCookie(r.URL.Query().Get("state"))
	if !ok || !cookies.Get(r, name, secure, &away) || away.Transaction.Redirect != base+r.URL.Path {
		return oauth.ErrState
	}
	cookies.Drop(w, name, secure)
	i := slices.IndexFunc(p.proofs, func(one *proof) bool { return one.kind == "oauth2" && one.id() == away.Proof })
	if i < 0 {
		return oauth.ErrState
	}
	at, err := p.issuing(r.Context(), p.proofs[i])
	if err != nil {
		return err
	}
	tokens, err := at.client.Finish(r.Context(), away.Transaction, r.URL.Query())
	if denied, ok := errors.AsType[*oauth.Denied](err); ok {
		return &connect.Refused{Status: http.StatusForbidden,
			Message: "The authorization server refuses: " + denied.Error()}
	}
	if err != nil {
		return err
	}
	claims, err := at.client.VerifyID(r.Context(), away.Transaction, tokens.ID)
	if err != nil {
		return err
	}
	who, why := Person(at.issuer, at.claim, claims)
	if who.IsNobody() {
		return &connect.Refused{Status: http.StatusForbidden,
			Message: strings.Replace(why, "access token", "ID token", 1)}
	}
	m, err := at.client.Server.Metadata(r.Context())
	if err != nil {
		return err
	}
	k := known{Issuer: who.Issuer, Subject: who.Subject, Name: nameOf(claims),
		Pairwise: m.Pairwise && at.claim == "sub"}
	if err := cookies.Put(w, knownCookie, secure, k, visitor); err != nil {
		return err
	}
	cookies.Drop(w, leftCookie, secure)
	http.Redirect(w, r, away.Page, http.StatusSeeOther)
	return nil
}

// nameOf is by what a person knows themselves (OpenID Connect Core 1.0, section 5.1).
func nameOf(claims value.Value) string {
	return cmp.Or(oauth.Text(claims.Get("preferred_username")), oauth.Text(claims.Get("email")),
		oauth.Text(claims.Get("name")), oauth.Text(claims.Get("sub")))
}
