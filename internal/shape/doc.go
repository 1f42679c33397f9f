// Package shape turns a decoded answer into what a document's output
// parameters promise. (Stub: the helper who writes this package replaces the file.)
package shape

import (
	"github.com/fairlead/fairlead/internal/diag"
	"github.com/fairlead/fairlead/internal/document"
	"github.com/fairlead/fairlead/internal/expr"
	"github.com/fairlead/fairlead/internal/model"
	"github.com/fairlead/fairlead/internal/schema"
	"github.com/fairlead/fairlead/internal/value"
)

// Program is a compiled output mapping.
type Program struct{}

func Compile(outputs []*model.Output, diags *diag.List) *Program             { return nil }
func CompileStep(outputs []*model.Output, diags *diag.List) *Program         { return nil }
func CompileOrchestrated(outputs []*model.Output, diags *diag.List) *Program { return nil }

func (p *Program) Identity() bool                               { return true }
func (p *Program) Streamable() bool                             { return false }
func (p *Program) Apply(v value.Value) (value.Value, bool)      { return v, true }
func (p *Program) Stream(dst, src []byte) ([]byte, bool, error) { return dst, false, nil }
func (p *Program) Schema() *schema.Schema                       { return nil }

type Mock struct{}

func CompileMock(outputs []*model.Output, compile func(*document.Node) (expr.Expr, bool), diags *diag.List) *Mock {
	return &Mock{}
}
func (m *Mock) Build(f expr.Frame) (value.Value, error) { return value.Map(), nil }
