package engine

import (
	"context"
	"encoding/hex"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/fairlead/fairlead/internal/event"
	"github.com/fairlead/fairlead/internal/expr"
	"github.com/fairlead/fairlead/internal/oauth"
	"github.com/fairlead/fairlead/internal/plan"
	"github.com/fairlead/fairlead/internal/secret"
	"github.com/fairlead/fairlead/internal/session"
)

// servers are the authorization servers of which the engine is a client, by what the
// documents say of them.
type servers struct {
	mu sync.Mutex
	by map[oauthServer]*oauth.Server
}

// oauthServer is what a document says of an authorization server and of Fairlead's
// part there, but for the secret.
type oauthServer struct{ issuer, authorization, token, revocation, client string }

// maxServers bounds what is kept of authorization servers. Their number is that of
// the documents' APIs; more come only of variables that change.
const maxServers = 1000

func (s *servers) get(errands func() *http.Client, at oauthServer) *oauth.Server {
	at.client = ""
	s.mu.Lock()
	defer s.mu.Unlock()
	if known := s.by[at]; known != nil {
		return known
	}
	if s.by == nil || len(s.by) >= maxServers {
		s.by = map[oauthServer]*oauth.Server{}
	}
	client := errands()
	made := oauth.NewServer(client, at.issuer)
	if at.token != "" {
		made = oauth.NewStaticServer(client, oauth.Metadata{Issuer: at.issuer, Authorization: at.authorization,
			Token: at.token, Revocation: at.revocation})
	}
	s.by[at] = made
	return made
}

// texts evaluates texts of one of the units of a plan.OAuth, which may be "".
func (e *Engine) texts(ctx context.Context, u *plan.Unit, from ...expr.Expr) ([]string, *Error) {
	frame := make(expr.Frame, u.Slots)
	failure := fill(frame, u, &Args{}, func(s *plan.SecretSlot) (secret.String, *Error) {
		v, err := secret.First(ctx, s.Refs, e.secrets.Get)
		if err != nil {
			return v, noSecret(s.Refs, err)
		}
		return v, nil
	})
	if failure != nil {
		return nil, failure
	}
	all := make([]string, len(from))
	for i := range from {
		if from[i].IsZero() {
			continue
		}
		v, err := from[i].Eval(frame)
		if err != nil {
			return nil, fail(ctx, u.ID, err)
		}
		all[i] = v.Text()
	}
	return all, nil
}

func (e *Engine) server(ctx context.Context, o *plan.OAuth) (oauthServer, *Error) {
	t, failure := e.texts(ctx, o.Server, o.Issuer, o.Authorization, o.Token, o.Revocation)
	if failure != nil {
		return oauthServer{}, failure
	}
	id, failure := e.texts(ctx, o.Client, o.ClientID)
	if failure != nil {
		return oauthServer{}, failure
	}
	return oauthServer{t[0], t[1], t[2], t[3], id[0]}, nil
}

// atServer adds to a key at which authorization server, and by which client, its
// session is made: what renews it is sent nowhere else.
func (e *Engine) atServer(ctx context.Context, key session.Key, o *plan.OAuth) (session.Key, *Error) {
	at, failure := e.server(ctx, o)
	key.Definition = session.Digest(hex.EncodeToString(key.Definition[:]), at.issuer, at.authorization, at.token,
		at.revocation, at.client)
	return key, failure
}

// oauthClient is Fairlead as the client of a session's authorization server.
func (e *Engine) oauthClient(ctx context.Context, o *plan.OAuth) (*oauth.Client, *Error) {
	at, failure := e.server(ctx, o)
	if failure != nil {
		return nil, failure
	}
	values := []expr.Expr{o.Resource}
	for _, p := range o.Parameters {
		values = append(values, p.Value)
	}
	texts, failure := e.texts(ctx, o.Client, values...)
	if failure != nil {
		return nil, failure
	}
	proof, failure := e.texts(ctx, o.Proof, o.ClientSecret)
	if failure != nil {
		return nil, failure
	}
	c := &oauth.Client{Server: e.servers.get(e.client.Errands, at), ID: at.client, Secret: secret.New(proof[0]),
		Auth: o.Auth, Scopes: o.Scopes, Resource: texts[0], Extra: url.Values{}}
	for i, p := range o.Parameters {
		c.Extra.Set(p.Name, texts[i+1])
	}
	return c, nil
}

// ConsentAt is where a person is sent to agree: the host of the authorization server,
// and a label that no other server has.
func (e *Engine) ConsentAt(ctx context.Context, s *plan.Session) (host, label string, failure *Error) {
	o := s.OAuth
	t, failure := e.texts(ctx, o.Server, o.Issuer, o.Authorization, o.Token)
	if failure != nil {
		return "", "", failure
	}
	host = t[0]
	if t[1] != "" {
		host = t[1]
	}
	return hostOf(host), oauth.Label(t[0], t[1], t[2]), nil
}

// AskConsent is where a person is sent to agree that callers act for them, and what
// FinishConsent needs when they come back to redirect.
func (e *Engine) AskConsent(ctx context.Context, s *plan.Session, redirect string) (string, oauth.Transaction, error) {
	c, failure := e.oauthClient(ctx, s.OAuth)
	if failure != nil {
		return "", oauth.Transaction{}, failure
	}
	return c.Begin(ctx, redirect)
}

// FinishConsent makes a session of what a person's browser brings back. Errors are
// those of oauth.Client.Finish.
func (e *Engine) FinishConsent(ctx context.Context, s *plan.Session, t oauth.Transaction,
	answer url.Values) (*session.Session, error) {
	c, failure := e.oauthClient(ctx, s.OAuth)
	if failure != nil {
		return nil, failure
	}
	tokens, err := c.Finish(ctx, t, answer)
	if err != nil {
		return nil, err
	}
	return sessionOfTokens(s, tokens.Session(time.Now())), nil
}

// sessionOfTokens renews a session as the document says, where something renews it.
func sessionOfTokens(s *plan.Session, made *session.Session) *session.Session {
	if !made.Refresh.IsEmpty() {
		made.Margin = s.Margin
	}
	return made
}

// renewedTokens renews sessions that consist of tokens.
func (e *Engine) renewedTokens(s *plan.Session) session.Renew {
	return func(ctx context.Context, old *session.Session) (*session.Session, error) {
		if old.Refresh.IsEmpty() {
			return nil, session.ErrRefused
		}
		c, failure := e.oauthClient(ctx, s.OAuth)
		if failure != nil {
			return nil, failure
		}
		began := time.Now()
		next, err := c.Renew(ctx, old)
		if e.events.Hears(event.Credentials) {
			e.events.Publish(ctx, event.Credential{From: s.Namespace, Renews: true, Took: time.Since(began), Err: err})
		}
		if err != nil {
			return nil, err
		}
		return sessionOfTokens(s, next), nil
	}
}

func (e *Engine) revoke(ctx context.Context, s *plan.Session, now *session.Session) *Error {
	c, failure := e.oauthClient(ctx, s.OAuth)
	if failure != nil {
		return failure
	}
	if err := c.Revoke(ctx, now); err != nil {
		return &Error{Kind: Unavailable, Title: "the authorization server of “" + s.Namespace + "” was not told",
			cause: err}
	}
	return nil
}
