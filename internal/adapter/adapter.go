// Package adapter holds what the adapters of the single protocols have in common.
package adapter

import (
	"context"

	"github.com/fairlead/fairlead/internal/engine"
	"github.com/fairlead/fairlead/internal/plan"
)

// Invoker runs a unit. Exactly one of result and error is not nil; the caller
// closes the result.
type Invoker interface {
	Invoke(ctx context.Context, u *plan.Unit, args engine.Args) (*engine.Result, *engine.Error)
}
