package host_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/fairlead/fairlead/internal/compile"
	"github.com/fairlead/fairlead/internal/diag"
	"github.com/fairlead/fairlead/internal/host"
	"github.com/fairlead/fairlead/internal/script"
)

// checker answers checks by what a script says, and counts them.
type checker struct {
	mu    sync.Mutex
	asked []string
}

func (c *checker) Check(ctx context.Context, p *script.Program) error {
	c.mu.Lock()
	c.asked = append(c.asked, p.Source)
	c.mu.Unlock()
	switch strings.TrimSpace(p.Source) {
	case "bad":
		return &script.SyntaxError{Line: 1, Column: 1, Message: "got bad"}
	case "slow":
		<-ctx.Done()
		return context.Cause(ctx)
	}
	return nil
}

func scripted(t *testing.T, document string, files map[string]string) *host.Document {
	t.Helper()
	dir := t.TempDir()
	files["capability.yaml"] = document
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	src, err := host.Read(filepath.Join(dir, "capability.yaml"), host.ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return host.Compile(src, compile.Options{})
}

func TestCheckScripts_checksEachScriptOnceApartFromThisProcess(t *testing.T) {
	d := scripted(t, anAPI+tools+fill(20<<10, "", "", each("      t%d: {steps: {s: {type: script, file: s.star}}}\n"))+
		"      refused: {steps: {s: {type: script, file: bad.py}}}\n",
		map[string]string{"s.star": "result = ((((", "bad.py": "bad"})
	if n := d.Diags.Count(diag.Error); n > 0 {
		t.Fatalf("the text of scripts was read by this process: %v", d.Diags)
	}
	var c checker
	served := d.Served()
	host.CheckScripts(t.Context(), d, &c)
	if len(c.asked) != 2 {
		t.Errorf("%d checks of 2 scripts", len(c.asked))
	}
	if d.Served() != served-1 || len(d.Diags) != 1 || d.Diags[0].Code != "script-refused" ||
		!strings.Contains(d.Diags[0].Hint, "Starlark") {
		t.Errorf("%d of %d units are served, and %v", d.Served(), served, d.Diags)
	}
}

func TestCheckScripts_endsWithItsContext(t *testing.T) {
	d := scripted(t, anAPI+tools+"      a: {steps: {s: {type: script, file: slow.js}}}\n      b: {call: up.o}\n",
		map[string]string{"slow.js": "slow"})
	left := errors.New("the operator left")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(left)
	host.CheckScripts(ctx, d, &checker{})
	if d.Served() != 1 || len(d.Diags) != 1 || !strings.Contains(d.Diags[0].Message, left.Error()) {
		t.Errorf("%d units are served, and %v", d.Served(), d.Diags)
	}
}
