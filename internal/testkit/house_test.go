package testkit_test

import (
	"bytes"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/fairlead/fairlead/internal/compile"
	"github.com/fairlead/fairlead/internal/diag"
	"github.com/fairlead/fairlead/internal/document"
	"github.com/fairlead/fairlead/internal/host"
)

// The rules of the house (docs/architecture.md) that no compiler checks.

var update = flag.Bool("update", false, "write what check prints into the pages of docs/diagnostics")

const (
	root   = "../.."
	module = "github.com/fairlead/fairlead/"
)

// rooms are the packages in the order in which they may know each other: a
// package imports those of the lines before its own, and of its own line.
var rooms = []struct {
	packages string
	apart    bool // those of this line do not know each other
}{
	{packages: "capabilities internal/budget internal/diag internal/event internal/kept internal/value internal/secret"},
	{packages: "internal/element internal/schema internal/template internal/jsonpath internal/document internal/format internal/expr internal/route internal/overlay internal/sandbox internal/observe internal/session"},
	{packages: "internal/oauth"},
	{packages: "internal/model"},
	{packages: "internal/normalize internal/shape internal/suggest internal/upstream internal/script"},
	{packages: "internal/plan"},
	{packages: "internal/compile"},
	{packages: "internal/engine"},
	{packages: "internal/adapter"},
	{packages: "internal/adapter/mcp/wire"},
	{packages: "internal/adapter/mcp/ask"},
	{packages: "internal/adapter/mcp/catalogue"},
	{packages: "internal/adapter/mcp/answer"},
	{packages: "internal/adapter/control internal/adapter/mcp internal/adapter/rest internal/adapter/connect internal/guard", apart: true},
	{packages: "internal/host"},
	{packages: "internal/cli"},
	{packages: "cmd/fairlead"},
	// for tests, which import from here what they like
	{packages: "internal/testkit internal/testkit/authserver internal/testkit/chromium internal/testkit/corpus internal/testkit/leak internal/testkit/redis"},
}

// strangers are the packages that one package alone may know, by prefix.
var strangers = map[string]string{
	"go.yaml.in/": "internal/document", "gopkg.in/yaml": "internal/document", "sigs.k8s.io/yaml": "internal/document",
	"go.opentelemetry.io/otel/sdk": "internal/observe",
	"github.com/spf13/":            "internal/cli",
	"github.com/gomodule/redigo":   "internal/session",
	"github.com/zalando/":          "internal/session",
}

// inside begins the path of a package that stands below an adapter.
var inside = regexp.MustCompile(`^internal/adapter/[^/]+/`)

// tolerated are imports that break a rule, and why they may.
var tolerated = map[string]string{}

// makers are the folders that may make HTTP clients besides upstream, and why.
var makers = map[string]string{
	"internal/upstream": "it is the room for that",
	"internal/testkit":  "tests call what is served",
	"internal/sandbox":  "it stands for an upstream",
}

type goPackage struct {
	ImportPath string
	Standard   bool
	Imports    []string
}

// packages lists the packages of the repository's main module and, with them,
// all they depend on.
func packages(t *testing.T) (all []goPackage) {
	cmd := exec.Command("go", "list", "-e", "-deps", "-json=ImportPath,Standard,Imports", "./...")
	cmd.Dir, cmd.Stderr = root, os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("list packages: %v", err)
	}
	decoder := jsontext.NewDecoder(bytes.NewReader(out))
	for decoder.PeekKind() == '{' {
		var p goPackage
		if err := json.UnmarshalDecode(decoder, &p); err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	return all
}

func TestPackages_importOnlyWhatTheyMayKnow(t *testing.T) {
	place := map[string]int{}
	for i, line := range rooms {
		for _, p := range strings.Fields(line.packages) {
			place[p] = i
		}
	}
	seen, all := map[string]bool{}, packages(t)
	for _, p := range all {
		name, ours := strings.CutPrefix(p.ImportPath, module)
		if !ours || strings.HasPrefix(name, "test/") {
			continue
		}
		at, known := place[name]
		if !known {
			t.Errorf("%s has no place in the order of rooms: give it one, here and in docs/architecture.md", name)
			continue
		}
		for _, imported := range p.Imports {
			edge := name + " " + strings.TrimPrefix(imported, module)
			if problem := forbidden(name, at, imported, place); problem == "" {
				continue
			} else if tolerated[edge] == "" {
				t.Errorf("%s imports %s: %s", name, strings.TrimPrefix(imported, module), problem)
			}
			seen[edge] = true
		}
	}
	for name := range place {
		if !slices.ContainsFunc(all, func(p goPackage) bool { return p.ImportPath == module+name }) {
			t.Errorf("%s has a place in the order of rooms and does not exist", name)
		}
	}
	for edge := range tolerated {
		if !seen[edge] {
			t.Errorf("“%s” is tolerated and does not exist any more", edge)
		}
	}
}

// forbidden says why a package may not import another; "" when it may.
func forbidden(name string, at int, imported string, place map[string]int) string {
	for prefix, owner := range strangers {
		if strings.HasPrefix(imported, prefix) && name != owner {
			return "only " + owner + " does that"
		}
	}
	target, ours := strings.CutPrefix(imported, module)
	if !ours {
		return ""
	}
	to, known := place[target]
	switch {
	case known && to > at:
		return "it stands further up the house"
	case to == at && rooms[at].apart:
		return "the two do not know each other"
	case inside.MatchString(target) && !strings.HasPrefix(name+"/", inside.FindString(target)):
		return "what stands below an adapter is for it alone"
	case target == "internal/upstream" && strings.HasPrefix(name, "internal/adapter"):
		return "adapters do not know upstream"
	}
	return ""
}

func TestPackages_makeNoHTTPClientsButUpstream(t *testing.T) {
	makes := map[string]bool{"Client": true, "Transport": true, "DefaultClient": true, "DefaultTransport": true,
		"Get": true, "Head": true, "Post": true, "PostForm": true}
	for _, folder := range []string{"cmd", "capabilities", "internal"} {
		walk(t, filepath.Join(root, folder), ".go", func(path string, text []byte) {
			dir := filepath.ToSlash(filepath.Dir(strings.TrimPrefix(path, root+string(filepath.Separator))))
			if strings.HasSuffix(path, "_test.go") || makers[dir] != "" ||
				makers[filepath.ToSlash(filepath.Dir(dir))] != "" {
				return
			}
			files := token.NewFileSet()
			file, err := parser.ParseFile(files, path, text, parser.SkipObjectResolution)
			if err != nil {
				t.Error(err)
				return
			}
			types := map[ast.Expr]bool{} // *http.Client names a type and makes nothing
			ast.Inspect(file, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.StarExpr:
					types[n.X] = true
				case *ast.SelectorExpr:
					if x, ok := n.X.(*ast.Ident); ok && x.Name == "http" && makes[n.Sel.Name] && !types[n] {
						t.Errorf("%s: http.%s: only upstream makes HTTP clients", files.Position(n.Pos()), n.Sel.Name)
					}
				}
				return true
			})
		})
	}
}

func TestCodes_areListed(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, "internal/diag/codes.go"), nil,
		parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	var declared, listed []string
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.ValueSpec:
			for i, v := range n.Values {
				if u, ok := v.(*ast.UnaryExpr); ok && isIdent(u.X.(*ast.CompositeLit).Type, "Code") {
					declared = append(declared, n.Names[i].Name)
				}
			}
		case *ast.ReturnStmt:
			for _, e := range n.Results[0].(*ast.CompositeLit).Elts {
				listed = append(listed, e.(*ast.Ident).Name)
			}
		}
		return true
	})
	if !slices.Equal(declared, listed) {
		t.Errorf("Codes() does not list the codes in their order:\ndeclared %v\nlisted   %v", declared, listed)
	}
	ids := map[string]bool{}
	for _, code := range diag.Codes() {
		if ids[code.ID] || !regexp.MustCompile(`^[a-z]+(-[a-z]+)*$`).MatchString(code.ID) {
			t.Errorf("the ID %q is given twice or no words joined by dashes", code.ID)
		}
		ids[code.ID] = true
	}
}

func isIdent(e ast.Expr, name string) bool {
	id, ok := e.(*ast.Ident)
	return ok && id.Name == name
}

func TestCodes_haveAPageEach(t *testing.T) {
	index := read(t, filepath.Join(root, "docs/diagnostics.md"))
	pages := map[string]bool{}
	walk(t, filepath.Join(root, "docs/diagnostics"), ".md", func(path string, _ []byte) {
		pages[strings.TrimSuffix(filepath.Base(path), ".md")] = true
	})
	last := 0
	for _, code := range diag.Codes() {
		if !pages[code.ID] {
			t.Errorf("docs/diagnostics/%s.md is missing", code.ID)
			continue
		}
		delete(pages, code.ID)
		page := read(t, filepath.Join(root, "docs/diagnostics", code.ID+".md"))
		head := fmt.Sprintf("# %s\n\n`%s` · %s · ", code.Title, code.ID, code.Severity)
		if !strings.HasPrefix(page, head) {
			t.Errorf("docs/diagnostics/%s.md does not begin with\n%s", code.ID, head)
		}
		row := fmt.Sprintf("| [%s](diagnostics/%s.md) | %s | %s |\n", code.ID, code.ID, code.Severity, code.Title)
		at := strings.Index(index, row)
		if at < last {
			t.Errorf("docs/diagnostics.md has no row, or not in the order of the codes:\n%s", row)
		}
		last = max(at, last)
	}
	for page := range pages {
		t.Errorf("docs/diagnostics/%s.md is about no code", page)
	}
}

// The example of a page is a part of the rejected document of its code, the
// output what check prints of it, and the correction takes its place.
func TestPages_showWhatCheckPrints(t *testing.T) {
	for _, code := range diag.Codes() {
		t.Run(code.ID, func(t *testing.T) {
			path := filepath.Join(root, "docs/diagnostics", code.ID+".md")
			page := read(t, path)
			yaml, text := blocks(page, "yaml"), blocks(page, "text")
			if len(yaml) != 2 || len(text) != 1 {
				t.Fatalf("got %d yaml and %d text blocks, want the example, the output and the correction", len(yaml),
					len(text))
			}
			archive, err := txtar.ParseFile(filepath.Join(root, "internal/compile/testdata/rejected", code.ID+".txtar"))
			if os.IsNotExist(err) {
				archive, err = txtar.ParseFile(filepath.Join(root, "internal/host/testdata/rejected", code.ID+".txtar"))
			}
			if err != nil {
				t.Fatal(err)
			}
			shown := printed(t, compiled(t, archive), code)
			if *update {
				page = strings.Replace(page, "```text\n"+text[0]+"```", "```text\n"+shown+"```", 1)
				if err := os.WriteFile(path, []byte(page), 0o644); err != nil {
					t.Fatal(err)
				}
			} else if text[0] != shown {
				t.Errorf("the page shows\n%s\ncheck prints\n%s", text[0], shown)
			}
			corrected := 0
			for i, f := range archive.Files {
				if fixed, ok := replaceLines(string(f.Data), yaml[0], yaml[1]); ok && f.Name != "diagnostics" {
					archive.Files[i].Data = []byte(fixed)
					corrected++
				}
			}
			if corrected != 1 {
				t.Fatalf("the example is in %d files of the rejected document, want 1", corrected)
			}
			d := compiled(t, archive)
			if again := printed(t, d, code); again != "" {
				t.Errorf("after the correction check still prints\n%s", again)
			}
			for _, g := range d.Diags {
				if g.Severity == diag.Error {
					t.Errorf("after the correction: %s", g.Error())
				}
			}
		})
	}
}

// compiled compiles capability.yaml of an archive, with its overlay and the files
// beside it, to be served together with the other documents among these.
func compiled(t *testing.T, archive *txtar.Archive) *host.Document {
	dir := t.TempDir()
	for _, f := range archive.Files {
		name := filepath.Join(dir, f.Name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, f.Data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	src, err := host.Read(filepath.Join(dir, "capability.yaml"), host.ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	src.Name = "capability.yaml"
	for i := range src.Overlays {
		src.Overlays[i].Name = filepath.Base(src.Overlays[i].Name)
	}
	d := host.Compile(src, compile.Options{})
	all := []*host.Document{d}
	for _, f := range archive.Files {
		if f.Name != "capability.yaml" && bytes.Contains(f.Data, []byte("\n  exposes:\n")) {
			all = append(all, host.Compile(host.Source{File: host.File{Name: f.Name, Text: f.Data}}, compile.Options{}))
		}
	}
	host.Collide(host.Config{Documents: all})
	host.Share(all, nil, host.Grants{})
	return d
}

// printed is what check prints of one code.
func printed(t *testing.T, d *host.Document, code *diag.Code) string {
	var out bytes.Buffer
	only := slices.DeleteFunc(slices.Clone(d.Diags), func(g diag.Diagnostic) bool { return g.Code != code.ID })
	if err := only.WriteText(&out, d.Text, diag.Style{}); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// replaceLines puts the lines of replacement in the place of those of example,
// which text holds with some indentation.
func replaceLines(text, example, replacement string) (string, bool) {
	lines := strings.Split(text, "\n")
	want := strings.Split(strings.TrimSuffix(example, "\n"), "\n")
	for i := 0; i+len(want) <= len(lines); i++ {
		indent, ok := strings.CutSuffix(lines[i], want[0])
		if !ok || strings.Trim(indent, " ") != "" {
			continue
		}
		same := func(line, of string) bool { return line == indent+of }
		if slices.EqualFunc(lines[i:i+len(want)], want, same) {
			fixed := indent + strings.ReplaceAll(strings.TrimSuffix(replacement, "\n"), "\n", "\n"+indent)
			return strings.Join(slices.Concat(lines[:i], []string{fixed}, lines[i+len(want):]), "\n"), true
		}
	}
	return text, false
}

func TestExamples_checkWithoutErrors(t *testing.T) {
	check := func(where string, text []byte) {
		d := host.Compile(host.Source{File: host.File{Name: where, Text: text},
			Folder: document.NewFolder(filepath.Dir(where))}, compile.Options{})
		for _, g := range d.Diags {
			if g.Severity == diag.Error {
				t.Errorf("%s", g.Error())
			}
		}
	}
	for _, folder := range []string{"docs", "README.md"} {
		walk(t, filepath.Join(root, folder), ".md", func(path string, text []byte) {
			if strings.Contains(filepath.ToSlash(path), "docs/diagnostics/") {
				return // see TestPages_showWhatCheckPrints
			}
			if filepath.Base(path) == "format.md" {
				return // its examples import each other: see TestFormat_examplesCompile of host
			}
			for _, block := range blocks(string(text), "yaml") {
				if strings.HasPrefix(block, "ikanos:") || strings.HasPrefix(block, "naftiko:") {
					check(path, []byte(block))
				}
			}
		})
	}
	for _, folder := range []string{"capabilities", "examples"} {
		walk(t, filepath.Join(root, folder), ".yaml", func(path string, text []byte) {
			// which the README checks
			if !strings.HasSuffix(path, ".overlay.yaml") && filepath.Base(path) != "misspelt.yaml" {
				check(path, text)
			}
		})
	}
}

// blocks are the fenced blocks of a language in a Markdown text.
func blocks(markdown, language string) (found []string) {
	for _, part := range strings.Split("\n"+markdown, "\n```"+language+"\n")[1:] {
		if block, _, ok := strings.Cut("\n"+part, "\n```"); ok {
			found = append(found, strings.TrimPrefix(block+"\n", "\n"))
		}
	}
	return found
}

func read(t *testing.T, path string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// walk gives f the files of the kind below a folder; a folder that is not there has none.
func walk(t *testing.T, folder, kind string, f func(path string, text []byte)) {
	err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != kind {
			return err
		}
		text, err := os.ReadFile(path)
		if err == nil {
			f(path, text)
		}
		return err
	})
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
}
