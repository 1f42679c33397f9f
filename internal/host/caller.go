package host

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"
	"sync/atomic"

	"github.com/fairlead/fairlead/internal/adapter"
	"github.com/fairlead/fairlead/internal/adapter/mcp"
	"github.com/fairlead/fairlead/internal/engine"
	"github.com/fairlead/fairlead/internal/event"
	"github.com/fairlead/fairlead/internal/guard"
	"github.com/fairlead/fairlead/internal/plan"
	"github.com/fairlead/fairlead/internal/secret"
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
	return o.Invoker.Invoke(ctx, u, args)
}

// Forwarder passes requests on (engine.Engine does); subject is the token of a
// caller whom a guard let in.
type Forwarder interface {
	Forward(ctx context.Context, f *plan.Forward, req *http.Request, rest string,
		subject secret.String) (*engine.Result, *engine.Error)
}

// forwardOnBehalf is onBehalf for requests that are passed on.
type forwardOnBehalf struct{ Forwarder }

func (o forwardOnBehalf) Forward(ctx context.Context, f *plan.Forward, req *http.Request,
	rest string) (*engine.Result, *engine.Error) {
	var subject secret.String
	if id, ok := guard.From(ctx); ok {
		subject = id.Token
	}
	return o.Forwarder.Forward(ctx, f, req, rest, subject)
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
