package host

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/fairlead/fairlead/internal/adapter/connect"
	"github.com/fairlead/fairlead/internal/engine"
	"github.com/fairlead/fairlead/internal/guard"
	"github.com/fairlead/fairlead/internal/oauth"
	"github.com/fairlead/fairlead/internal/plan"
	"github.com/fairlead/fairlead/internal/secret"
	"github.com/fairlead/fairlead/internal/session"
)

// Sessions are what people are signed in with at the APIs of the documents.
type Sessions struct {
	Vault   *session.Vault
	SignIns *session.SignIns
	Engine  Signer
	Cookies *connect.Cookies
}

// Signer signs people in and out (engine.Engine does).
type Signer interface {
	SessionKey(ctx context.Context, s *plan.Session, who session.Principal) (session.Key, *engine.Error)
	SignIn(ctx context.Context, s *plan.Session, typed map[string]string, given string) (*session.Session,
		*engine.Error)
	SignOut(ctx context.Context, s *plan.Session, now *session.Session) *engine.Error
	ConsentAt(ctx context.Context, s *plan.Session) (host, label string, failure *engine.Error)
	AskConsent(ctx context.Context, s *plan.Session, redirect string) (string, oauth.Transaction, error)
	FinishConsent(ctx context.Context, s *plan.Session, t oauth.Transaction, answer url.Values) (*session.Session,
		error)
}

// Page is the address of the page on which the caller behind ctx signs in, and its
// handle (mcp.SignIns).
func (c *Config) Page(ctx context.Context, want *engine.SignIn, asked session.Asked) (address, handle string,
	err error) {
	base, err := c.Front.address(ctx)
	if err != nil {
		return "", "", err
	}
	in, err := c.Sessions.SignIns.Ask(ctx, want.Key, asked)
	return base + connect.Path + "/" + in.Handle, in.Handle, err
}

// Drop ends a page that its person did not want (mcp.SignIns).
func (c *Config) Drop(ctx context.Context, handle string) error {
	who, _ := c.person(ctx)
	return c.Sessions.drop(ctx, handle, who)
}

func (s *Sessions) drop(ctx context.Context, handle string, who session.Principal) error {
	in, err := s.SignIns.Find(ctx, handle, who)
	if errors.Is(err, session.ErrNoHandle) {
		return nil
	}
	if err == nil {
		err = s.SignIns.Done(ctx, handle, in.Key)
	}
	return err
}

// signsIn reports whether people sign in at an API of the document.
func (d *Document) signsIn() bool {
	return d.Plan != nil && slices.ContainsFunc(d.Plan.Sessions, (*plan.Session).ForPeople)
}

// proof is a way in which people prove on the pages who they are: that in which
// some servers let them in.
type proof struct {
	kind      string // of the guard; "" is none
	realm     string // issuer of its people; "" where requests tell it
	name      string // of the first of the servers, for people
	guard     *guard.Guard
	auth      *plan.Guard // of which it was made
	documents []*Document // of the servers
}

// id tells a proof from the others of its page, and says nothing to anybody.
func (p *proof) id() string {
	sum := session.Digest("proof", p.kind, p.realm, p.name)
	return fmt.Sprintf("%x", sum[:4])
}

// pages are the sign-in pages of the servers that callers reach on one address.
type pages struct {
	config *Config
	proofs []*proof

	mu      sync.Mutex
	servers map[string]*oauth.Server // at which people prove who they are, by issuer
}

// pagesOf are those of some generations; nil where nobody signs in.
func (c *Config) pagesOf(all []*generation) http.Handler {
	if c.Sessions == nil {
		return nil
	}
	p := &pages{config: c}
	for _, g := range all {
		if g.document.signsIn() {
			p.add(g)
		}
	}
	if len(p.proofs) == 0 {
		return nil
	}
	return connect.New(connect.Config{SignIns: c.Sessions.SignIns, Vault: c.Sessions.Vault, APIs: p.apis, Who: p.who,
		Leave: p.leave, Public: c.Front.Public, Address: c.Front.address, Cookies: c.Sessions.Cookies,
		SignedIn: p.signedIn,
		Logger:   c.Logger})
}

func (p *pages) add(g *generation) {
	one := &proof{name: cmp.Or(g.server.Namespace, g.server.Type) + " of " + g.document.Model.Name()}
	if auth := g.server.Auth; auth != nil {
		one.kind, one.realm, one.auth = auth.Kind, realmOf(&g.declared), auth
		if one.guard = p.config.pageGuard(g); one.guard == nil {
			one.kind = auth.Kind + ", alone" // nobody in person
		}
	}
	for _, other := range p.proofs {
		if other.kind == one.kind && other.realm == one.realm {
			if !slices.Contains(other.documents, g.document) {
				other.documents = append(other.documents, g.document)
			}
			return
		}
	}
	one.documents = []*Document{g.document}
	p.proofs = append(p.proofs, one)
}

// sharedUser is the user name by which people who know the token or key of a
// server show it to the pages: browsers ask for a name and a password.
const sharedUser = "fairlead"

// pageGuard asks people on the pages for what lets them in at a server; nil where
// there is nobody in person.
func (c *Config) pageGuard(g *generation) *guard.Guard {
	auth := g.server.Auth
	value := func(ctx context.Context, field string) (secret.String, error) {
		return auth.Value(ctx, field, c.Secrets.Get)
	}
	made := guard.Config{Kind: auth.Kind, Issuer: realmOf(&g.declared), Logger: c.Logger, Events: c.Events,
		Value: value}
	switch auth.Kind {
	case "oauth2":
		return g.guard
	case "basic", "digest":
	case "bearer", "apikey":
		if !c.SharedSessions {
			return nil
		}
		made.Kind = "basic"
		made.Value = func(ctx context.Context, field string) (secret.String, error) {
			if field == "username" {
				return secret.New(sharedUser), nil
			}
			v, err := value(ctx, map[string]string{"bearer": "token", "apikey": "value"}[auth.Kind])
			return secret.New(strings.TrimPrefix(v.Reveal(), "Bearer ")), err
		}
	default:
		return nil
	}
	one, err := guard.New(made)
	if err != nil {
		return nil
	}
	return one
}

// visitor is how long a browser keeps who is before it.
const visitor = time.Hour

// known is what a browser keeps of who is before it.
type known struct {
	Issuer, Subject, Name string
	Pairwise              bool // the name may be one for us alone, see connect.Visitor
}

const knownCookie = "person"

// leftCookie is kept where somebody has said that it is not them, so that nobody is
// that person again without a word.
const leftCookie = "left"

// who is the person behind a request of a page (connect.Config).
func (p *pages) who(w http.ResponseWriter, r *http.Request) (connect.Visitor, bool, error) {
	secure, err := p.config.Front.secure(r)
	if err != nil {
		return connect.Visitor{}, false, err
	}
	var k known
	if p.config.Sessions.Cookies.Get(r, knownCookie, secure, &k) {
		who := session.Principal{Issuer: k.Issuer, Subject: k.Subject}
		if len(p.of(r.Context(), who)) > 0 {
			return connect.Visitor{Principal: who, Name: k.Name, Kept: true, Pairwise: k.Pairwise}, false, nil
		}
	}
	one, err := p.choose(r)
	if err != nil {
		return connect.Visitor{}, false, err
	}
	switch {
	case one.kind == "":
		who, why := byConnection(p.config, r.Context(), nil)
		if who.IsNobody() {
			return connect.Visitor{}, false, &connect.Refused{Status: http.StatusForbidden, Message: why}
		}
		return connect.Visitor{Principal: who}, false, nil
	case one.guard == nil:
		return connect.Visitor{}, false, &connect.Refused{Status: http.StatusForbidden, Message: nobodyShared}
	case one.kind == "oauth2":
		return p.login(w, r, one)
	}
	return p.ask(w, r, one, secure)
}

// choose is the only proof there is, or the one that the person has chosen.
func (p *pages) choose(r *http.Request) (*proof, error) {
	if len(p.proofs) == 1 {
		return p.proofs[0], nil
	}
	var choice connect.Choice
	for _, one := range p.proofs {
		if id := one.id(); id == r.URL.Query().Get("as") {
			return one, nil
		} else if one.kind != "" || isOwn(r.Context()) {
			choice = append(choice, connect.Option{Name: one.name,
				URL: (&url.URL{Path: r.URL.Path, RawQuery: "as=" + id}).String()})
		}
	}
	return nil, choice
}

// ask lets the browser ask for what lets callers in, and makes it keep who that is.
func (p *pages) ask(w http.ResponseWriter, r *http.Request, one *proof, secure bool) (connect.Visitor, bool, error) {
	id, status, detail := one.guard.Identify(w.Header(), r)
	if id == nil {
		if one.kind == "bearer" || one.kind == "apikey" {
			detail = "Sign in as the user " + sharedUser + " with the server's secret as the password."
		}
		return connect.Visitor{}, false, &connect.Refused{Status: status, Message: detail}
	}
	k := known{Issuer: id.Issuer, Subject: id.Subject, Name: id.Subject}
	if one.kind == "bearer" || one.kind == "apikey" {
		k.Subject, k.Name = everybody, "everybody who knows the secret of "+one.name
	}
	if err := p.config.Sessions.Cookies.Put(w, knownCookie, secure, k, visitor); err != nil {
		return connect.Visitor{}, false, err
	}
	return connect.Visitor{Principal: session.Principal{Issuer: k.Issuer, Subject: k.Subject}, Name: k.Name,
		Kept: true}, false, nil
}

func (p *pages) leave(w http.ResponseWriter, r *http.Request) {
	if secure, err := p.config.Front.secure(r); err == nil {
		p.config.Sessions.Cookies.Drop(w, knownCookie, secure)
		_ = p.config.Sessions.Cookies.Put(w, leftCookie, secure, true, visitor)
	}
}

// of are the proofs by which somebody may have proved to be who.
func (p *pages) of(ctx context.Context, who session.Principal) (some []*proof) {
	for _, one := range p.proofs {
		issuer := one.realm
		switch one.kind {
		case "":
			issuer = session.Local().Issuer
		case "oauth2":
			name, claim, err := one.guard.People(ctx)
			if err != nil {
				continue
			}
			issuer = issuerOf(name, claim)
		}
		if issuer == who.Issuer {
			some = append(some, one)
		}
	}
	return some
}

// apis are those at which who may sign in (connect.Config).
func (p *pages) apis(ctx context.Context, who session.Principal) (all []*connect.API, err error) {
	seen := map[*Document]bool{}
	for _, one := range p.of(ctx, who) {
		for _, d := range one.documents {
			if seen[d] {
				continue
			}
			seen[d] = true
			if all, err = p.config.Sessions.apis(ctx, all, d, who); err != nil {
				return nil, err
			}
		}
	}
	return all, nil
}

// apis adds those of a document to all.
func (s *Sessions) apis(ctx context.Context, all []*connect.API, d *Document, who session.Principal) ([]*connect.API,
	error) {
	if d.Plan == nil {
		return all, nil
	}
	for _, of := range d.Plan.Sessions {
		api, err := s.api(ctx, of, who)
		if err != nil {
			return nil, err
		}
		if api != nil {
			all = append(all, api)
		}
	}
	return all, nil
}

// api is the API of a session, for the pages; nil where people cannot sign in.
func (s *Sessions) api(ctx context.Context, of *plan.Session, who session.Principal) (*connect.API, error) {
	if !of.ForPeople() {
		return nil, nil
	}
	key, failure := s.Engine.SessionKey(ctx, of, who)
	if failure != nil {
		return nil, failure
	}
	at, err := url.Parse(key.Origin)
	if err != nil {
		return nil, err
	}
	api := &connect.API{Key: key, Capability: of.Capability, Name: of.Namespace, Host: at.Host,
		SignIn: func(ctx context.Context, values map[string]string, given string) (*session.Session, error) {
			made, failure := s.Engine.SignIn(ctx, of, values, given)
			if failure == nil {
				return made, nil
			}
			switch {
			case failure.Kind == engine.Answered && failure.Status < http.StatusInternalServerError:
				return nil, &connect.Refusal{Message: cmp.Or(failure.Message(), failure.Title),
					Unjudged: failure.Status == http.StatusTooManyRequests}
			case failure.Kind == engine.BadAnswer, failure.Kind == engine.TooLarge:
				return nil, &connect.NoSession{Err: failure}
			}
			return nil, failure
		},
		SignOut: func(ctx context.Context, now *session.Session) error {
			if failure := s.Engine.SignOut(ctx, of, now); failure != nil {
				return failure
			}
			return nil
		},
	}
	if of.OAuth != nil {
		server, label, failure := s.Engine.ConsentAt(ctx, of)
		if failure != nil {
			return nil, failure
		}
		api.Consent = &connect.Consent{Server: server, Scopes: of.OAuth.Scopes, Callback: label,
			Begin: func(ctx context.Context, redirect string) (string, oauth.Transaction, error) {
				return s.Engine.AskConsent(ctx, of, redirect)
			},
			Finish: func(ctx context.Context, t oauth.Transaction, answer url.Values) (*session.Session, error) {
				return s.Engine.FinishConsent(ctx, of, t, answer)
			},
		}
	}
	for _, f := range of.Fields {
		api.Fields = append(api.Fields,
			connect.Field{Name: f.Name, Label: f.Label, Hint: f.Hint, Secret: f.Secret, Required: f.Required})
	}
	return api, nil
}

// reserved reports whether a path belongs to the pages.
func reserved(path string) bool {
	rest, ok := strings.CutPrefix(path, connect.Path)
	return ok && (rest == "" || rest[0] == '/')
}

// tellSignIns notes what of a server needs a sign-in, and where that is.
func (c *Config) tellSignIns(a *Adapter, g *generation) {
	if c.Sessions == nil || !g.document.signsIn() {
		return
	}
	selection := c.MCP.selection(c.ReadOnly)
	for _, u := range g.server.Units() {
		if u.Signs && selection.Serves(u, u.Name) {
			a.SignsIn = append(a.SignsIn, u.Name)
		}
	}
	if len(a.SignsIn) == 0 {
		return
	}
	kind := ""
	if g.server.Auth != nil {
		kind = g.server.Auth.Kind
	}
	base := g.origin()
	if c.Front.Public != nil {
		base = c.Front.Public.String()
	}
	switch a.Nobody = c.nobodyAt(kind); {
	case a.Nobody != "":
	case c.Front.Public == nil && !g.listener.isLoopback() && !g.listener.secure:
		a.Nobody = "People sign in over HTTPS only: add --public-url, or --tls-cert and --tls-key."
	default:
		a.SignInPage = base + connect.Path
	}
}
