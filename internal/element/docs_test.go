package element_test

import (
	"flag"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/fairlead/fairlead/internal/element"
)

var update = flag.Bool("update", false, "write the tables into the documentation")

// table is a generated table of the documentation, with the marks around it.
var table = regexp.MustCompile(`(?s)<!-- keys of (\w+) -->\n(.*?)<!-- end -->\n`)

// The reference tables of the documentation are those of this package, and
// every element has one.
func TestDocs_haveTheTableOfEachElement(t *testing.T) {
	byDef := map[string]string{"extensions": element.Extensions()}
	for _, id := range element.All() {
		byDef[element.Get(id).Def] = element.Get(id).Table()
	}
	shown := map[string]bool{}
	for _, path := range []string{"../../docs/format.md", "../../docs/overlays.md", "../../docs/sessions.md",
		"../../docs/resilience.md"} {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		want := table.ReplaceAllStringFunc(string(text), func(found string) string {
			def := table.FindStringSubmatch(found)[1]
			if byDef[def] == "" {
				t.Errorf("%s: there is no element %q", path, def)
			}
			shown[def] = true
			return "<!-- keys of " + def + " -->\n" + byDef[def] + "<!-- end -->\n"
		})
		if *update {
			if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
				t.Fatal(err)
			}
		} else if want != string(text) {
			t.Errorf("%s is not what the tables of the elements say: run “go test ./internal/element -update”", path)
		}
	}
	for _, id := range element.All() {
		e := element.Get(id)
		if !shown[e.Def] && !shown[unionOf(id)] && len(e.Fields) > 0 && !strings.HasPrefix(e.Name, "x-fairlead of ") {
			t.Errorf("no documentation shows the table of %s: add the mark <!-- keys of %s -->", e.Name, e.Def)
		}
	}
	if !shown["extensions"] {
		t.Error("no documentation shows the table “extensions”")
	}
}

// unionOf is the element whose variant id is, if its table shows the keys of that.
func unionOf(id element.ID) string {
	for _, union := range element.All() {
		e := element.Get(union)
		if slices.ContainsFunc(e.Variants, func(v element.Variant) bool { return v.Of == id }) {
			return e.Def
		}
	}
	return ""
}

func TestFields_areWellFormed(t *testing.T) {
	for _, id := range element.All() {
		e := element.Get(id)
		seen := map[string]bool{}
		for i := range e.Fields {
			f := &e.Fields[i]
			for _, name := range f.Names() {
				if seen[name] {
					t.Errorf("%s: the key %q stands for two fields", e.Name, name)
				}
				seen[name] = true
			}
			if (f.Kind == element.Block || f.Kind == element.List || f.Kind == element.Named) && f.Of == element.Document {
				t.Errorf("%s: %s does not say what it holds", e.Name, f.Key)
			}
			if f.Protects && f.Doc == "" {
				t.Errorf("%s: %s protects and is not documented", e.Name, f.Key)
			}
			if f.Kind == element.Choice && len(f.Values) == 0 {
				t.Errorf("%s: %s is a choice out of nothing", e.Name, f.Key)
			}
			if strings.HasSuffix(f.Doc, ".") || strings.Contains(f.Doc, "\n") {
				t.Errorf("%s: the documentation of %s is one line without its full stop: %q", e.Name, f.Key, f.Doc)
			}
		}
	}
}
