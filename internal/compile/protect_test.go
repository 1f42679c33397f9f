package compile_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/fairlead/fairlead/internal/compile"
	"github.com/fairlead/fairlead/internal/document"
	"github.com/fairlead/fairlead/internal/normalize"
)

// What protects and cannot be read withholds what it would protect, and nothing else.
func TestCompile_servesNothingThatIsUnprotected(t *testing.T) { // semantics 1.7
	for name, want := range map[string][]string{
		"unprotected":          {"get-order"},
		"unprotected_servers":  nil,
		"unprotected_document": nil, "unprotected_capability": nil,
		"unprotected_tools":  {"word", "number", "annotations", "plain"},
		"unprotected_parts":  {"GET /shop"},
		"unprotected_import": {"guarded bearer hello"},
	} {
		t.Run(name, func(t *testing.T) {
			archive, err := txtar.ParseFile(filepath.Join("testdata/rejected", name+".txtar"))
			if err != nil {
				t.Fatal(err)
			}
			root, diags := document.Parse("capability.yaml", archive.Files[0].Data)
			if root == nil {
				t.Fatal(diags)
			}
			dir := t.TempDir()
			for _, f := range archive.Files[1:] {
				path := filepath.Join(dir, f.Name)
				if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, f.Data, 0o644)); err != nil {
					t.Fatal(err)
				}
			}
			model, _ := normalize.Capability("capability.yaml", root, document.NewFolder(dir))
			plan, _ := compile.Capability(model, compile.Options{})
			var served []string
			for _, s := range plan.Servers {
				for _, r := range s.Routes {
					served = append(served, r.Method+" "+r.Path)
				}
				for _, u := range s.Tools {
					if s.Auth != nil {
						served = append(served, s.Namespace+" "+s.Auth.Kind+" "+u.Name)
						continue
					}
					served = append(served, u.Name)
					if confirms := !slices.Contains([]string{"annotations", "get-order"}, u.Name); u.Confirm != confirms {
						t.Errorf("%s: confirm is %t", u.Name, u.Confirm)
					}
					if u.Name == "annotations" && (u.Hints.Destructive == nil || !*u.Hints.Destructive) {
						t.Error("destructiveHint: yes is not destructive")
					}
				}
			}
			if !slices.Equal(served, want) {
				t.Errorf("served %q, want %q", served, want)
			}
		})
	}
}
