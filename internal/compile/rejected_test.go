package compile_test

import (
	"cmp"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	godiff "github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/fairlead/fairlead/internal/compile"
	"github.com/fairlead/fairlead/internal/diag"
	"github.com/fairlead/fairlead/internal/document"
	"github.com/fairlead/fairlead/internal/normalize"
	"github.com/fairlead/fairlead/internal/overlay"
)

var update = flag.Bool("update", false, "write what the code gives into the files of testdata/rejected")

// rejected is one archive: capability.yaml, its overlay capability.overlay.yaml
// if it has one, the files beside it, and as “diagnostics” what is said of it.
type rejected struct {
	path    string
	archive *txtar.Archive
	diags   diag.List
	want    string
}

func rejectedDocuments(t *testing.T) (all []rejected) {
	paths, err := filepath.Glob("testdata/rejected/*.txtar")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no rejected documents: %v", err)
	}
	for _, path := range paths {
		archive, err := txtar.ParseFile(path)
		if err != nil {
			t.Fatal(err)
		}
		r := rejected{path: path, archive: archive}
		files, dir := map[string][]byte{}, t.TempDir()
		for _, f := range archive.Files {
			if f.Name == "diagnostics" {
				r.want = string(f.Data)
				continue
			}
			files[f.Name] = f.Data
			name := filepath.Join(dir, f.Name)
			if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(name, f.Data, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		r.diags = compileFiles(files, document.NewFolder(dir))
		for i := range r.diags {
			r.diags[i].Range.File = beside(dir, r.diags[i].Range.File)
			for j := range r.diags[i].Related {
				r.diags[i].Related[j].Range.File = beside(dir, r.diags[i].Related[j].Range.File)
			}
		}
		all = append(all, r)
	}
	return all
}

// beside is the name of a file as the document in dir gives it.
func beside(dir, name string) string {
	return strings.TrimPrefix(filepath.ToSlash(name), filepath.ToSlash(dir)+"/")
}

// compileFiles does with the files what a host does with a document.
func compileFiles(files map[string][]byte, folder *document.Folder) (diags diag.List) {
	root, found := document.Parse("capability.yaml", files["capability.yaml"])
	diags = found
	if root == nil {
		return diags
	}
	if text, ok := files["capability.overlay.yaml"]; ok {
		over, found := document.Parse("capability.overlay.yaml", text)
		diags = append(diags, found...)
		if over != nil {
			diags = append(diags, overlay.Apply(root, over)...)
		}
	}
	model, found := normalize.Capability("capability.yaml", root, folder)
	diags = append(diags, found...)
	if model != nil {
		_, found = compile.Capability(model, compile.Options{Files: folder})
		diags = append(diags, found...)
	}
	diags.Sort()
	return diags
}

// lines writes diagnostics as the archives have them: place, severity, code and
// message, below it the hint and the related places.
func lines(l diag.List) string {
	var b strings.Builder
	for _, d := range l {
		fmt.Fprintf(&b, "%s %s %s %s\n  %s\n", place(d.Range), d.Severity, d.Code, d.Message, d.Hint)
		for _, r := range d.Related {
			fmt.Fprintf(&b, "  %s %s\n", place(r.Range), r.Message)
		}
	}
	return b.String()
}

// place is LINE:COLUMN in capability.yaml, with the name of any other file before it.
func place(r diag.Range) string {
	if r.File == "capability.yaml" && r.Start.Line > 0 {
		return fmt.Sprintf("%d:%d", r.Start.Line, r.Start.Column)
	}
	return cmp.Or(r.String(), "nowhere")
}

func TestCompile_saysWhatIsWrongWhere(t *testing.T) {
	for _, r := range rejectedDocuments(t) {
		t.Run(strings.TrimSuffix(filepath.Base(r.path), ".txtar"), func(t *testing.T) {
			got := lines(r.diags)
			if *update {
				r.archive.Files = append(r.archive.Files[:len(r.archive.Files)-1:len(r.archive.Files)-1],
					txtar.File{Name: "diagnostics", Data: []byte(got)})
				if err := os.WriteFile(r.path, txtar.Format(r.archive), 0o644); err != nil {
					t.Fatal(err)
				}
			} else if diff := godiff.Diff(r.want, got); diff != "" {
				t.Errorf("diagnostics (-want +got):\n%s", diff)
			}
		})
	}
}

func TestRejected_areReportedUnderTheCodeTheyAreNamedAfter(t *testing.T) {
	named := map[string]bool{}
	for _, r := range rejectedDocuments(t) {
		name := strings.TrimSuffix(filepath.Base(r.path), ".txtar")
		found := false
		for _, d := range r.diags {
			if name == d.Code || strings.HasPrefix(name, d.Code+"_") {
				found = true
			}
		}
		if !found {
			t.Errorf("%s: no diagnostic of that code", name)
		}
		named[name] = true
	}
	for _, code := range diag.Codes() {
		if _, err := os.Stat("../host/testdata/rejected/" + code.ID + ".txtar"); err == nil {
			continue // it takes a host to find it
		}
		if !named[code.ID] {
			t.Errorf("testdata/rejected/%s.txtar is missing: a document that is reported under %s", code.ID, code.ID)
		}
	}
}

func TestDiagnostics_sayWhatIsWrongAndWhatToDo(t *testing.T) { // semantics 1.5
	for _, r := range rejectedDocuments(t) {
		for _, d := range r.diags {
			switch {
			case d.Range.File == "":
				t.Errorf("%s: %s has no place", r.path, d.Code)
			case d.Message == "" || strings.HasSuffix(d.Message, "."):
				t.Errorf("%s: the message of %s is no sentence without its full stop: %q", r.path, d.Code, d.Message)
			case !strings.HasSuffix(d.Hint, ".") && !strings.HasSuffix(d.Hint, "?"):
				t.Errorf("%s: the hint of %s is no sentence: %q", r.path, d.Code, d.Hint)
			}
		}
	}
}
