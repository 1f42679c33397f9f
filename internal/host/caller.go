package host

import (
	"context"
	"net/http"
	"strings"

	"github.com/fairlead/fairlead/internal/adapter"
	"github.com/fairlead/fairlead/internal/engine"
	"github.com/fairlead/fairlead/internal/guard"
	"github.com/fairlead/fairlead/internal/plan"
)

// principal names the caller that a guard let in; "" where no guard stands.
// Callers with one shared secret share a name.
func principal(ctx context.Context) string {
	id, ok := guard.From(ctx)
	if !ok {
		return ""
	}
	return strings.Join([]string{id.Kind, id.Issuer, id.Subject, id.Client}, "\n")
}

// onBehalf runs units with the token of the caller whom a guard let in, for APIs
// that take one in exchange. It goes nowhere else.
type onBehalf struct{ adapter.Invoker }

func (o onBehalf) Invoke(ctx context.Context, u *plan.Unit, args engine.Args) (*engine.Result, *engine.Error) {
	if id, ok := guard.From(ctx); ok {
		args.Subject = id.Token
	}
	return o.Invoker.Invoke(ctx, u, args)
}

// credentialKey is where the context of a request keeps the credential that the
// operator lets MCP callers bring in a header of its own (rules: an MCP caller's
// Authorization is for Fairlead and never goes upstream).
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

// ownCredential runs units with the credential that the caller brought.
type ownCredential struct{ adapter.Invoker }

func (o ownCredential) Invoke(ctx context.Context, u *plan.Unit, args engine.Args) (*engine.Result, *engine.Error) {
	args.Authorization, _ = ctx.Value(credentialKey{}).(string)
	return o.Invoker.Invoke(ctx, u, args)
}
