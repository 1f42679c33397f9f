package suggest_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	godiff "github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/fairlead/fairlead/internal/compile"
	"github.com/fairlead/fairlead/internal/diag"
	"github.com/fairlead/fairlead/internal/document"
	"github.com/fairlead/fairlead/internal/host"
	"github.com/fairlead/fairlead/internal/suggest"
	"github.com/fairlead/fairlead/internal/testkit"
	"github.com/fairlead/fairlead/internal/testkit/leak"
)

func TestMain(m *testing.M) { os.Exit(leak.Main(m)) }

var update = flag.Bool("update", false, "write what is suggested into the files of testdata")

// TestOf_whatIsSuggestedWorks plays the archives of testdata: document.yaml, what is
// suggested for it (overlay.yaml, notes), which is checked, and signed in with at a
// stand-in. Other files stand beside the document.
func TestOf_whatIsSuggestedWorks(t *testing.T) { // issue 11.7
	paths, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(paths) < 8 {
		t.Fatalf("%d archives: %v", len(paths), err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(path)
			if err != nil {
				t.Fatal(err)
			}
			dir := t.TempDir()
			src := host.Source{Folder: document.NewFolder(dir)}
			got := &txtar.Archive{Comment: archive.Comment}
			for _, f := range archive.Files {
				switch f.Name {
				case "document.yaml":
					src.File = host.File{Name: f.Name, Text: f.Data}
				case "overlay.yaml", "notes":
					continue
				}
				if err := os.WriteFile(filepath.Join(dir, f.Name), f.Data, 0o644); err != nil {
					t.Fatal(err)
				}
				got.Files = append(got.Files, f)
			}
			without := host.Compile(src, compile.Options{})
			said := map[string]bool{}
			for _, g := range without.Diags {
				said[g.Error()] = true
			}
			made := suggest.Of(without.Model)
			if made.Overlay != nil {
				got.Files = append(got.Files, txtar.File{Name: "overlay.yaml", Data: made.Overlay})
			}
			if len(made.Notes) > 0 {
				got.Files = append(got.Files, txtar.File{Name: "notes", Data: []byte(strings.Join(made.Notes, "\n") + "\n")})
			}
			if *update {
				if err := os.WriteFile(path, txtar.Format(got), 0o644); err != nil {
					t.Fatal(err)
				}
			} else if d := godiff.Diff(string(txtar.Format(archive)), string(txtar.Format(got))); d != "" {
				t.Errorf("want (-), got (+):\n%s", d)
			}
			if made.Overlay == nil {
				return
			}
			src.Overlays = []host.File{{Name: "overlay.yaml", Text: made.Overlay}}
			with := host.Compile(src, compile.Options{})
			for _, g := range with.Diags {
				if g.Severity > diag.Info && !said[g.Error()] || g.Code == diag.SecretToModel.ID {
					t.Errorf("with the overlay check prints %s", g.Error())
				}
			}
			if again := suggest.Of(with.Model); again.Overlay != nil {
				t.Errorf("there is more to suggest:\n%s", again.Overlay)
			}
			if proved := testkit.SignsIn(t, src); len(proved) != len(with.Plan.Sessions) || len(proved) == 0 {
				t.Errorf("people can sign in at %v only", proved)
			}
		})
	}
}
