package host

import (
	"context"
	"errors"

	"github.com/fairlead/fairlead/internal/diag"
	"github.com/fairlead/fairlead/internal/plan"
	"github.com/fairlead/fairlead/internal/script"
)

// ScriptChecker compiles a script without running it, apart from this process.
type ScriptChecker interface {
	Check(ctx context.Context, p *script.Program) error
}

// CheckScripts withholds the units of a document whose scripts do not compile.
// JavaScript is compiled by a worker, because a hostile text could take the
// process that parses it down, so this is not part of Compile.
func CheckScripts(ctx context.Context, d *Document, checker ScriptChecker) {
	if d.Plan == nil {
		return
	}
	for _, u := range d.Plan.Units() {
		for _, s := range u.Steps {
			if s.Script == nil {
				continue
			}
			if err := checker.Check(ctx, s.Script.Program); err != nil {
				d.refuse(u, s, err)
				break
			}
		}
	}
	d.Diags.Sort()
}

func (d *Document) refuse(u *plan.Unit, s *plan.Step, err error) {
	hint := "Correct the script."
	if _, ok := errors.AsType[*script.SyntaxError](err); !ok {
		hint = "Try again; the script could not be checked."
	}
	d.Diags.Add(diag.ScriptRefused, s.Model.Node.Where("file"), hint, "the script “%s” cannot run: %s", s.Script.File, err)
	d.Plan.Withhold(u)
	if d.Served() == 0 {
		d.Diags.Add(diag.NothingServed, d.Model.Node.Range(), "Expose at least one REST operation or MCP tool that works.", "nothing of “%s” can be served", d.Model.Name())
	}
}
