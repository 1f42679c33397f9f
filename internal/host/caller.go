package host

import (
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"
	"sync/atomic"

	"github.com/fairlead/fairlead/internal/adapter"
	"github.com/fairlead/fairlead/internal/adapter/connect"
	"github.com/fairlead/fairlead/internal/adapter/mcp"
	"github.com/fairlead/fairlead/internal/engine"
	"github.com/fairlead/fairlead/internal/event"
	"github.com/fairlead/fairlead/internal/guard"
	"github.com/fairlead/fairlead/internal/plan"
)

// principal names the caller that a guard let in, and the credential that the
// caller brought for the API; "" where there is neither. Callers with one shared
// secret share a name; a token that says nothing of its owner is its own name.
func principal(ctx context.Context) string {
	var parts []string
	if id, ok := guard.From(ctx); ok {
		parts = append(parts, id.Kind, id.Issuer, id.Subject, id.Client)
		if id.Subject == "" && id.Client == "" {
			parts = append(parts, digest(id.Token.Reveal()))
		}
	}
	if credential, _ := ctx.Value(credentialKey{}).(string); credential != "" {
		parts = append(parts, digest(credential))
	}
	return strings.Join(parts, "\n")
}

func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// onBehalf runs units for the person who calls, and with the token of the caller
// whom a guard let in, for APIs that take one in exchange. It goes nowhere else.
type onBehalf struct {
	adapter.Invoker
	config *Config
}

func (o onBehalf) Invoke(ctx context.Context, u *plan.Unit, args engine.Args) (*engine.Result, *engine.Error) {
	args.Principal, args.Nobody = o.config.person(ctx)
	if id, ok := guard.From(ctx); ok {
		args.Subject = id.Token
	}
	result, failure := o.Invoker.Invoke(ctx, u, args)
	if failure != nil && failure.SignIn != nil && u.Kind == "operation" {
		if address, err := o.config.Front.address(ctx); err == nil {
			failure.Detail = "Sign in at " + address + connect.Path + ", then ask again."
		} else {
			failure.Detail = err.Error() + "."
		}
	}
	return result, failure
}

// Forwarder passes requests on (engine.Engine does); caller says for whom.
type Forwarder interface {
	Forward(ctx context.Context, f *plan.Forward, req *http.Request, rest string,
		caller engine.Args) (*engine.Result, *engine.Error)
}

// forwardOnBehalf is onBehalf for requests that are passed on.
type forwardOnBehalf struct {
	Forwarder
	config *Config
}

func (o forwardOnBehalf) Forward(ctx context.Context, f *plan.Forward, req *http.Request,
	rest string) (*engine.Result, *engine.Error) {
	var caller engine.Args
	caller.Principal, caller.Nobody = o.config.person(ctx)
	if id, ok := guard.From(ctx); ok {
		caller.Subject = id.Token
	}
	return o.Forwarder.Forward(ctx, f, req, rest, caller)
}

// credentialKey is where the context of a request keeps the credential that the
// operator lets MCP callers bring in a header of its own (semantics 4.7: an
// MCP caller's Authorization is for Fairlead and never goes upstream).
type credentialKey struct{}

// bringsCredential reads that header.
func bringsCredential(header string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if v := r.Header.Get(header); v != "" {
			r = r.WithContext(context.WithValue(r.Context(), credentialKey{}, v))
		}
		next.ServeHTTP(w, r)
	})
}

// forMCP runs units with the credential that the caller brought, and tells a
// client that asked for progress of each step of a flow.
type forMCP struct{ adapter.Invoker }

func (o forMCP) Invoke(ctx context.Context, u *plan.Unit, args engine.Args) (*engine.Result, *engine.Error) {
	args.Authorization, _ = ctx.Value(credentialKey{}).(string)
	if report := mcp.Progress(ctx); report != nil && len(u.Steps) > 1 {
		var done atomic.Int64
		ctx = event.Listen(ctx, event.Listener{Kinds: event.Steps, Hear: func(_ context.Context, e event.Event) {
			if s, ok := e.(event.StepEnded); ok && s.Err == nil {
				report(float64(done.Add(1))/float64(s.Total+1), 1, "step "+s.Name+" has ended")
			}
		}})
	}
	return o.Invoker.Invoke(ctx, u, args)
}

// naming notes in exchanges who called: what the guard found out, else that the caller
// brought a credential of its own. The name never holds the credential.
func (h *Host) naming(next http.Handler) http.Handler {
	if !h.config.Events.Hears(event.Exchanges) {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if x := event.ExchangeOf(r.Context()); x != nil {
			name := h.nameOf(r)
			x.Note(func(f *event.Facts) { f.Principal = name })
		}
		next.ServeHTTP(w, r)
	})
}

// maxName is how many bytes of a name are kept.
const maxName = 128

// nameOf is a short stable name of who sent a request that was let in; "" for nobody
// that is known. Of credentials that say no name it holds a keyed hash.
func (h *Host) nameOf(r *http.Request) string {
	if id, ok := guard.From(r.Context()); ok {
		name := cmp.Or(id.Subject, id.Client)
		switch {
		case name != "" && len(name) <= maxName:
			return id.Kind + ":" + name
		case name != "":
			return id.Kind + ":#" + h.hash(name)
		case !id.Token.IsEmpty():
			return id.Kind + ":#" + h.hash(id.Token.Reveal())
		}
		return id.Kind // one secret that all callers share
	}
	credential := r.Header.Get("Authorization")
	if name := h.config.MCP.CredentialHeader; name != "" && credential == "" {
		credential = r.Header.Get(name)
	}
	if credential == "" {
		return ""
	}
	return "own:#" + h.hash(credential)
}

// hash is a short keyed hash, the same in all replicas that share a state key.
func (h *Host) hash(text string) string {
	mac := hmac.New(sha256.New, h.namesKey)
	_, _ = mac.Write([]byte(text)) // never fails (hash.Hash)
	return hex.EncodeToString(mac.Sum(nil)[:6])
}

// newNamesKey makes the key of hash.
func newNamesKey(stateKey []byte) []byte {
	if len(stateKey) == 0 {
		stateKey = make([]byte, sha256.Size)
		_, _ = rand.Read(stateKey) // never fails (crypto/rand)
	}
	mac := hmac.New(sha256.New, stateKey)
	_, _ = mac.Write([]byte("fairlead names of callers")) // as above
	return mac.Sum(nil)
}
