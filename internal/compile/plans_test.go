package compile_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	godiff "github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/fairlead/fairlead/internal/compile"
	"github.com/fairlead/fairlead/internal/document"
	"github.com/fairlead/fairlead/internal/normalize"
	"github.com/fairlead/fairlead/internal/plan"
)

// TestPlans compares what documents of testdata/plans compile to with what the file
// “plan” of their archive says: units, their inputs and what they call.
func TestPlans(t *testing.T) {
	paths, err := filepath.Glob("testdata/plans/*.txtar")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no plans: %v", err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(path)
			if err != nil {
				t.Fatal(err)
			}
			root, diags := document.Parse("capability.yaml", archive.Files[0].Data)
			if root == nil {
				t.Fatal(diags)
			}
			model, _ := normalize.Capability("capability.yaml", root, nil)
			p, _ := compile.Capability(model, compile.Options{})
			got := txtar.Format(&txtar.Archive{Comment: archive.Comment,
				Files: []txtar.File{archive.Files[0], {Name: "plan", Data: []byte(printPlan(p))}}})
			if *update {
				if err := os.WriteFile(path, got, 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			want := txtar.Format(archive)
			if diff := godiff.Diff(strings.Split(string(want), "\n"), strings.Split(string(got), "\n")); diff != "" {
				t.Errorf("want (-), got (+), see “go test ./internal/compile -run TestPlans -update”:\n%s", diff)
			}
		})
	}
}

func printPlan(p *plan.Plan) string {
	var b bytes.Buffer
	for _, u := range p.Units() {
		fmt.Fprintf(&b, "%s %s\n", u.Kind, u.ID)
		for _, in := range u.Inputs {
			fmt.Fprintf(&b, "  %s: %s", in.Name, in.Schema.Type)
			if u.Kind == "operation" || in.Place == plan.InPlan {
				fmt.Fprintf(&b, " in %s", in.Place)
			}
			if in.Schema.JSON {
				b.WriteString(" any JSON")
			}
			if in.Required {
				b.WriteString(" required")
			}
			if d := in.Schema.Default; !d.IsAbsent() {
				fmt.Fprintf(&b, " default %s", d.AppendJSON(nil))
			}
			fmt.Fprintf(&b, " (%s)", in.Origin)
			if in.Feeds != "" {
				fmt.Fprintf(&b, " → %s", in.Feeds)
			}
			b.WriteByte('\n')
		}
		for _, s := range u.Steps {
			if s.Call != nil {
				fmt.Fprintf(&b, "  calls %s %s\n", s.Call.Request.Method, s.Call.Request.Target)
			}
		}
	}
	for _, w := range p.Withheld {
		fmt.Fprintf(&b, "withheld %s %s\n", w.Kind, w.Name)
	}
	return b.String()
}
