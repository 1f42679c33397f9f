package host

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/fairlead/fairlead/internal/diag"
	"github.com/fairlead/fairlead/internal/plan"
	"github.com/fairlead/fairlead/internal/script"
)

// ScriptChecker compiles a script without running it, apart from this process.
type ScriptChecker interface {
	Check(ctx context.Context, p *script.Program) error
}

// checking is how long the scripts of one document may take to compile, all
// together, and checkers how many are compiled at once.
const (
	checking = 4 * time.Second
	checkers = 2
)

var errChecking = errors.New("checking the scripts of the document took longer than 4 s")

// CheckScripts withholds the units of a document whose scripts do not compile.
// Scripts are compiled by workers, because a hostile text could take the process
// that parses it down, so this is not part of Compile. A script that several
// steps run is compiled once.
func CheckScripts(ctx context.Context, d *Document, checker ScriptChecker) {
	if d.Plan == nil {
		return
	}
	ctx, cancel := context.WithTimeoutCause(ctx, checking, errChecking)
	defer cancel()
	problems := d.compileScripts(ctx, checker)
	var refused []*plan.Unit
	for _, u := range d.Plan.Units() {
		for _, s := range u.Steps {
			if s.Script == nil {
				continue
			}
			if err := problems[s.Script.Program]; err != nil {
				d.reportScript(s, err)
				refused = append(refused, u)
				break
			}
		}
	}
	if len(refused) > 0 {
		d.Plan.Withhold(refused...)
		if d.Served() == 0 {
			d.Diags.Add(diag.NothingServed, d.Model.Node.Range(),
				"Expose at least one REST operation or MCP tool that works.", "nothing of “%s” can be served",
				d.Model.Name())
		}
		d.Diags.Sort()
		d.Diags.Cap()
	}
}

// compileScripts says for each program of the document what keeps it from compiling.
func (d *Document) compileScripts(ctx context.Context, checker ScriptChecker) map[*script.Program]error {
	problems := map[*script.Program]error{}
	var programs []*script.Program
	for _, u := range d.Plan.Units() {
		for _, s := range u.Steps {
			if s.Script == nil {
				continue
			}
			if _, have := problems[s.Script.Program]; !have {
				problems[s.Script.Program] = nil
				programs = append(programs, s.Script.Program)
			}
		}
	}
	var mu sync.Mutex
	var working sync.WaitGroup
	slots := make(chan struct{}, checkers)
	for _, p := range programs {
		slots <- struct{}{}
		working.Go(func() {
			defer func() { <-slots }()
			err := checker.Check(ctx, p)
			mu.Lock()
			problems[p] = err
			mu.Unlock()
		})
	}
	working.Wait()
	return problems
}

func (d *Document) reportScript(s *plan.Step, err error) {
	hint := "Correct the script."
	if _, ok := errors.AsType[*script.SyntaxError](err); !ok {
		hint = "Try again; the script could not be checked."
	} else if s.Script.Program.Language == script.Starlark {
		hint = "Python runs as far as it is Starlark: no import, class, try or with."
	}
	d.Diags.Add(diag.ScriptRefused, s.Model.Node.Where("file"), hint, "the script “%s” cannot run: %s", s.Script.File,
		err)
}
