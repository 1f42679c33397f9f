// Package guard is the incoming authentication of what is served over HTTP,
// whatever the protocol behind it: bearer tokens, API keys, Basic (RFC 7617),
// Digest (RFC 7616), and OAuth 2.1 access tokens (RFC 6750, 9068, 7662) with the
// metadata that MCP asks for (RFC 9728). A secret that is missing or empty lets
// nobody in, and a failure of ours is a 503, never a 401.
package guard

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/fairlead/fairlead/internal/event"
	"github.com/fairlead/fairlead/internal/secret"
)

// realm is what callers see as the name of the protected space.
const realm = "fairlead"

// HTTPDoer is what a Guard needs of an HTTP client. It must not follow
// redirects, since they would take credentials along.
type HTTPDoer interface {
	Do(*http.Request) (*http.Response, error)
}

// Config says who is let in.
type Config struct {
	// Kind is bearer, apikey, basic, digest or oauth2. The empty Kind is an
	// authentication that could not be compiled: every request gets a 503.
	Kind string
	// Value gives the text of a field of the document's authentication block,
	// empty when the block has no such field. It is called while requests run,
	// so that a rotated secret counts from then on. The fields are token
	// (bearer); key, value, placement (apikey); username, password (basic,
	// digest); authorizationServerUri, resource, audience, scope or scopes (text,
	// or a JSON array), tokenValidation, introspectionEndpoint, clientId,
	// clientSecret, subject (oauth2). A *secret.MissingError counts as an empty field.
	Value func(ctx context.Context, field string) (secret.String, error)
	// MCP makes refusals JSON-RPC bodies, and oauth2 publish its metadata.
	MCP bool
	// Issuer is that of identities which no authorization server has issued: it tells
	// the users of this guard from those of others.
	Issuer string
	Client HTTPDoer         // reaches the authorization server; oauth2 needs it
	Clock  func() time.Time // default time.Now
	Logger *slog.Logger     // default none
	Events *event.Stream    // hears of refusals; default nobody
}

// Guard lets authenticated requests through. It is safe for concurrent use.
type Guard struct {
	cfg    Config
	scheme scheme
	oauth  *resourceServer // nil for the other kinds

	mu        sync.Mutex
	complaint string // the last one logged
	at        time.Time
}

// scheme is one kind of authentication.
type scheme interface {
	// check verifies the credential of r. On success the refusal is nil.
	check(r *http.Request) (pass, *refusal)
}

// New makes a guard. It does no I/O. It fails for a kind it does not know, and
// for oauth2 without a Client.
func New(cfg Config) (*Guard, error) {
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Value == nil {
		cfg.Value = func(context.Context, string) (secret.String, error) { return secret.String{}, nil }
	}
	g := &Guard{cfg: cfg}
	switch cfg.Kind {
	case "bearer":
		g.scheme = &bearer{g, &Identity{Kind: cfg.Kind, Issuer: cfg.Issuer}}
	case "apikey":
		g.scheme = &apiKey{g, &Identity{Kind: cfg.Kind, Issuer: cfg.Issuer}}
	case "basic":
		g.scheme = &basic{g}
	case "digest":
		g.scheme = &digest{g, newNonces(cfg.Clock)}
	case "oauth2":
		if cfg.Client == nil {
			return nil, errors.New("make guard: oauth2 needs an HTTP client")
		}
		g.oauth = newOAuth(cfg, g.complain)
		g.scheme = g.oauth
	case "":
		g.scheme = &closed{g}
	default:
		return nil, fmt.Errorf("make guard: unknown kind %q", cfg.Kind)
	}
	return g, nil
}

// Wrap returns a handler that answers requests without a valid credential
// itself, and hands the others to next: with the Identity in their context, and
// without the credential, so that nothing behind can pass it on. What next
// answers, and its panics, are left as they are.
func (g *Guard) Wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p, no := g.scheme.check(r)
		if no != nil {
			if g.cfg.Events.Hears(event.Refusals) {
				g.cfg.Events.Publish(r.Context(), event.Refusal{Door: "guard", Status: no.status, Reason: no.detail})
			}
			no.write(w, g.cfg.MCP)
			return
		}
		next.ServeHTTP(w, p.admit(r))
	})
}

// Identify is the identity of a request's credential. Without one that is valid it
// sets the headers of a refusal, and returns its status and what to tell the caller.
func (g *Guard) Identify(header http.Header, r *http.Request) (id *Identity, status int, detail string) {
	p, no := g.scheme.check(r)
	if no == nil {
		return p.identity, http.StatusOK, ""
	}
	no.setHeaders(header)
	return nil, no.status, no.detail
}

// People are whom the access tokens of an oauth2 guard are issued to: the issuer,
// and the claim by which it names persons. It is an error of the others.
func (g *Guard) People(ctx context.Context) (issuer, claim string, err error) {
	if g.oauth == nil {
		return "", "", errors.New("read the issuer: the authentication is not oauth2")
	}
	v, err := g.oauth.verifier.Get(ctx)
	if err != nil {
		return "", "", err
	}
	return v.issuerText, v.subject, nil
}

// field resolves a field that must have a value. When it has none the secret is
// empty, which must let nobody in; the log says what to set.
func (g *Guard) field(ctx context.Context, name string) (secret.String, *refusal) {
	v, err := g.cfg.Value(ctx, name)
	_, missing := errors.AsType[*secret.MissingError](err)
	switch {
	case missing:
		g.complain(ctx, "nobody is let in: "+err.Error())
		return secret.String{}, nil
	case err != nil:
		if ctx.Err() == nil {
			g.complain(ctx, "authentication cannot be checked: "+err.Error())
		}
		return secret.String{}, unavailable()
	case v.IsEmpty():
		g.complain(ctx, "nobody is let in: the field "+name+" of the "+g.cfg.Kind+" authentication is empty")
	}
	return v, nil
}

// complain logs an error for the operator. The same one is logged once a minute
// at most, since any caller can cause it.
func (g *Guard) complain(ctx context.Context, text string) {
	g.mu.Lock()
	now := g.cfg.Clock()
	again := text == g.complaint && now.Sub(g.at) < time.Minute
	if !again {
		g.complaint, g.at = text, now
	}
	g.mu.Unlock()
	if !again {
		g.cfg.Logger.ErrorContext(ctx, text)
	}
}

// same compares a caller's text with what is expected in a time that tells
// nothing of either. Nothing equals an empty expectation.
func same(given, want string) bool {
	a, b := sha256.Sum256([]byte(given)), sha256.Sum256([]byte(want))
	return subtle.ConstantTimeCompare(a[:], b[:]) == 1 && want != ""
}

// closed is the scheme of a guard that could not be compiled.
type closed struct{ g *Guard }

func (c *closed) check(r *http.Request) (pass, *refusal) {
	c.g.complain(r.Context(), "nobody is let in: the server's authentication is not usable, see the document's diagnostics")
	return pass{}, &refusal{status: http.StatusServiceUnavailable,
		detail: "The authentication of this server is not usable as it is written; its operator has to correct it."}
}
