package host

import (
	"context"
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
