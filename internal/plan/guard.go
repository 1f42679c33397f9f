package plan

import (
	"context"

	"github.com/fairlead/fairlead/internal/expr"
	"github.com/fairlead/fairlead/internal/secret"
	"github.com/fairlead/fairlead/internal/value"
)

// Value gives a field's text, reading the secrets that it is made of with get.
func (g *Guard) Value(ctx context.Context, field string,
	get func(context.Context, secret.Ref) (secret.String, error)) (secret.String, error) {
	e, ok := g.Fields[field]
	if !ok {
		return secret.String{}, nil
	}
	frame := make(expr.Frame, g.Slots)
	for _, s := range g.Secrets {
		v, err := secret.First(ctx, s.Refs, get)
		if err != nil {
			return secret.String{}, err
		}
		frame[s.Slot] = value.Of(v.Reveal())
	}
	v, err := e.Eval(frame)
	if err != nil {
		return secret.String{}, err
	}
	return secret.New(v.Text()), nil
}
