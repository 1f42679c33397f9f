package normalize_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/fairlead/fairlead/internal/diag"
	"github.com/fairlead/fairlead/internal/document"
	"github.com/fairlead/fairlead/internal/model"
	"github.com/fairlead/fairlead/internal/normalize"
	"github.com/fairlead/fairlead/internal/value"
)

var update = flag.Bool("update", false, "write the models into the files of testdata")

// archiveFiles are the files beside a document, in the archive that holds it.
type archiveFiles map[string][]byte

func (f archiveFiles) Load(path string) (*document.Node, diag.List) {
	text, ok := f[strings.TrimPrefix(path, "./")]
	if !ok {
		return nil, diag.List{{Message: "no such file"}}
	}
	return document.Parse(path, text)
}

func parse(t *testing.T, name string, files archiveFiles) (*model.Capability, diag.List) {
	t.Helper()
	root, diags := document.Parse(name, files[name])
	if root == nil {
		t.Fatal(diags)
	}
	c, found := normalize.Capability(name, root, files)
	return c, append(diags, found...)
}

// Each archive holds documents that mean the same, in the words of several
// versions, and the model that each of them becomes.
func TestCapability_makesOneModelOfAllVersions(t *testing.T) {
	paths, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no documents: %v", err)
	}
	for _, path := range paths {
		archive, err := txtar.ParseFile(path)
		if err != nil {
			t.Fatal(err)
		}
		files := archiveFiles{}
		for _, f := range archive.Files {
			files[f.Name] = f.Data
		}
		for _, f := range archive.Files {
			if !strings.HasPrefix(f.Name, "document") {
				continue
			}
			t.Run(filepath.Base(path)+"/"+f.Name, func(t *testing.T) {
				c, diags := parse(t, f.Name, files)
				got := text(c) + said(diags)
				last := &archive.Files[len(archive.Files)-1]
				if *update {
					last.Data = []byte(got)
					if err := os.WriteFile(path, txtar.Format(archive), 0o644); err != nil {
						t.Fatal(err)
					}
				} else if diff := cmp.Diff(string(last.Data), got); diff != "" {
					t.Errorf("model (-want +got):\n%s", diff)
				}
			})
		}
	}
}

// said is what is found besides notes, one a line.
func said(diags diag.List) string {
	var b strings.Builder
	for _, d := range diags {
		if d.Severity > diag.Info {
			fmt.Fprintf(&b, "%s: %s\n", d.Code, d.Message)
		}
	}
	return b.String()
}

// text writes a model as an outline: what is not zero, without places.
func text(c *model.Capability) string {
	var b strings.Builder
	outline(&b, "", "Capability", reflect.ValueOf(c).Elem())
	return b.String()
}

func outline(b *strings.Builder, indent, name string, v reflect.Value) {
	switch n := v.Interface().(type) {
	case *document.Node:
		if name != "Node" && name != "Fields.type" && n != nil {
			fmt.Fprintf(b, "%s%s: %s\n", indent, name, n.Value().Text())
		}
		return
	case value.Value:
		if n.Len() > 0 {
			fmt.Fprintf(b, "%s%s: %s\n", indent, name, n.AppendJSON(nil))
		}
		return
	case *bool:
		if n != nil {
			fmt.Fprintf(b, "%s%s: %t\n", indent, name, *n)
		}
		return
	case document.Pair:
		fmt.Fprintf(b, "%s%s: %s: %s\n", indent, name, n.Key, n.Value.Value().Text())
		return
	case *document.Pair, *model.ConsumedResource: // of an argument, and of the operation within it
		return
	case model.Version:
		return // the one thing that differs
	}
	switch {
	case v.IsZero() || name == "File":
	case v.Kind() == reflect.Pointer:
		outline(b, indent, name, v.Elem())
	case v.Kind() == reflect.Struct:
		fmt.Fprintf(b, "%s%s\n", indent, name)
		for i := range v.NumField() {
			outline(b, indent+"  ", v.Type().Field(i).Name, v.Field(i))
		}
	case v.Kind() == reflect.Slice:
		for i := range v.Len() {
			item := v.Index(i)
			if r, ok := item.Interface().(*model.ConsumedResource); ok {
				item = reflect.ValueOf(*r)
			}
			outline(b, indent, fmt.Sprintf("%s[%d]", name, i), item)
		}
	case v.Kind() == reflect.Map:
		keys := v.MapKeys()
		for _, key := range sorted(keys) {
			outline(b, indent, name+"."+key.String(), v.MapIndex(key))
		}
	default:
		fmt.Fprintf(b, "%s%s: %v\n", indent, name, v.Interface())
	}
}

func sorted(keys []reflect.Value) []reflect.Value {
	slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) })
	return keys
}
