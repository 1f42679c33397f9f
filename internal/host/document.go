// Package host puts documents to work in one process: it reads and compiles
// them, opens their listeners, serves, swaps plans on reload and drains.
package host

import (
	"cmp"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/fairlead/fairlead/capabilities"
	"github.com/fairlead/fairlead/internal/compile"
	"github.com/fairlead/fairlead/internal/diag"
	"github.com/fairlead/fairlead/internal/document"
	"github.com/fairlead/fairlead/internal/model"
	"github.com/fairlead/fairlead/internal/normalize"
	"github.com/fairlead/fairlead/internal/overlay"
	"github.com/fairlead/fairlead/internal/plan"
	"github.com/fairlead/fairlead/internal/secret"
)

// File is a file's name, as people know it, and its text.
type File struct {
	Name string
	Text []byte
}

// Source is a document before it is compiled.
type Source struct {
	File
	ID       string // what sessions know it by: its file's name, and where that is without telling it
	Overlays []File
	Folder   *document.Folder // nil when there is none: standard input, embedded
}

// ReadOptions say how documents are read.
type ReadOptions struct {
	Overlays  []string // files to apply besides NAME.overlay.yaml
	NoOverlay bool     // do not apply NAME.overlay.yaml
	Allow     []string // folders that documents may read besides their own
	Within    string   // the folder in which the document was found; links must not lead out of it
	Stdin     io.Reader
}

// Read reads a document: a file, "-" for standard input, or "" for the embedded default.
func Read(path string, o ReadOptions) (Source, error) {
	var s Source
	var err error
	switch path {
	case "":
		s, err = embedded(o)
	case "-":
		s.Name, s.ID = "standard input", "standard input"
		s.Text, err = io.ReadAll(io.LimitReader(o.Stdin, document.MaxBytes+1))
		s.Folder = document.NewFolder("", o.Allow...)
	default:
		s, err = readFile(path, o)
	}
	if err != nil {
		return s, err
	}
	for _, name := range o.Overlays {
		text, err := document.ReadFile(name)
		if err != nil {
			return s, fmt.Errorf("read overlay: %w", err)
		}
		s.Overlays = append(s.Overlays, File{name, text})
	}
	return s, nil
}

func embedded(o ReadOptions) (s Source, err error) {
	s.Name, s.ID = capabilities.Default, capabilities.Default
	if s.Text, err = capabilities.Files.ReadFile(capabilities.Default); err != nil {
		return s, err
	}
	if !o.NoOverlay {
		name := OverlayName(capabilities.Default)
		text, err := capabilities.Files.ReadFile(name)
		if err != nil {
			return s, err
		}
		s.Overlays = append(s.Overlays, File{name, text})
	}
	s.Folder = document.NewFolder("", o.Allow...)
	return s, nil
}

func readFile(path string, o ReadOptions) (s Source, err error) {
	s.Name, s.ID = path, fileID(path)
	if o.Within != "" && !within(o.Within, path) {
		return s, errors.New("read document: it is a link to a file outside of the folder")
	}
	s.Text, err = document.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) && path == capabilities.Default {
		return embedded(o)
	}
	if err != nil {
		return s, fmt.Errorf("read document: %w", err)
	}
	s.Folder = document.NewFolder(filepath.Dir(path), o.Allow...)
	if o.NoOverlay {
		return s, nil
	}
	name := OverlayName(path)
	text, err := document.ReadFile(name)
	if err == nil {
		s.Overlays = append(s.Overlays, File{name, text})
	} else if !errors.Is(err, fs.ErrNotExist) {
		return s, fmt.Errorf("read overlay: %w", err)
	}
	return s, nil
}

// fileID is the same for a file however its path is written, and another for a file
// of that name elsewhere.
func fileID(path string) string {
	if full, err := filepath.Abs(path); err == nil {
		path = full
	}
	return fmt.Sprintf("%s#%.4x", filepath.Base(path), sha256.Sum256([]byte(path)))
}

// within reports whether a file is in a folder once all links are followed.
func within(folder, path string) bool {
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return true // reading it says why
	}
	root, err := filepath.EvalSymlinks(folder)
	if err != nil {
		return false
	}
	rel, err := filepath.Rel(root, real)
	return err == nil && filepath.IsLocal(rel)
}

// OverlayName is the overlay that applies to a document by itself: foo.overlay.yaml for foo.yaml.
func OverlayName(path string) string {
	ext := filepath.Ext(path)
	return strings.TrimSuffix(path, ext) + ".overlay" + cmp.Or(ext, ".yaml")
}

// Found is a file that may be a document.
type Found struct {
	Path   string
	Folder string // in which it was found; "" when it was named itself
}

// Expand lists the files that the arguments name: files as they are, of folders
// every .yaml, .yml and .json below them that is no overlay, sorted. Each is
// listed once.
func Expand(args []string) ([]Found, error) {
	var all []Found
	seen := map[string]bool{}
	add := func(f Found) {
		if !seen[f.Path] {
			seen[f.Path], all = true, append(all, f)
		}
	}
	for _, arg := range args {
		info, err := os.Stat(arg)
		if arg == "-" || arg == capabilities.Default && err != nil || err == nil && !info.IsDir() {
			add(Found{Path: arg})
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("read document: %w", err)
		}
		some := false
		err = filepath.WalkDir(arg, func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			if d.IsDir() {
				if path != arg && strings.HasPrefix(d.Name(), ".") && d.Name() != ".github" {
					return filepath.SkipDir
				}
				return nil
			}
			ext := filepath.Ext(path)
			if slices.Contains([]string{".yaml", ".yml", ".json"}, ext) &&
				!strings.HasSuffix(strings.TrimSuffix(path, ext), ".overlay") {
				some = true
				add(Found{path, arg})
			}
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("read folder: %w", err)
		}
		if !some {
			return nil, fmt.Errorf("read folder: %s holds no .yaml, .yml or .json file", arg)
		}
	}
	return all, nil
}

// ReadFound reads what Expand has found. A file in a folder that cannot be read
// is a document that says so, and no error: it does not keep others.
func ReadFound(f Found, o ReadOptions, compile func(Source) *Document) (*Document, error) {
	o.Within = f.Folder
	src, err := Read(f.Path, o)
	if err == nil {
		return compile(src), nil
	}
	if f.Folder == "" {
		return nil, err
	}
	d := &Document{Source: Source{File: File{Name: f.Path}}, foreign: true}
	d.Diags.Add(diag.SyntaxError, diag.Range{File: f.Path}, "Remove the file, or make it one that can be read.",
		"the file cannot be read: %s", strings.TrimPrefix(err.Error(), "read document: "))
	return d, nil
}

// Document is a compiled document. Model and Plan are nil when the text is no
// capability document; Diags says why.
type Document struct {
	Source
	foreign bool // the text is no capability document, and not to be shown
	Model   *model.Capability
	Plan    *plan.Plan
	Diags   diag.List
	grants  secret.Grants    // keeps secrets from it that are for other documents
	gets    map[string]sites // the others, by the names of their grants, see Share
}

// Compile makes a document of a source. It does no I/O but reading the files
// that the document names beside itself.
func Compile(s Source, o compile.Options) *Document {
	d := &Document{Source: s}
	d.compile(o)
	d.Diags.Sort()
	d.Diags.Cap()
	return d
}

func (d *Document) compile(o compile.Options) {
	s := d.Source
	root, diags := document.Parse(s.Name, s.Text)
	if d.foreign = isForeign(root, s.Text); d.foreign {
		d.Diags = nil // what was found in the text may quote it
		if root == nil {
			d.Diags.Add(diag.NotCapability, diag.Range{File: s.Name},
				"A capability document has a capability section with consumes and exposes.",
				"this is not a capability document: it cannot be read, and nothing in it looks like one")
			return
		}
		_, d.Diags = normalize.Capability(s.Name, root, nil)
		return
	}
	d.Diags = diags
	if root == nil {
		return
	}
	if len(s.Overlays) > 0 {
		d.Diags = append(d.Diags, normalize.Inline(s.Name, root, s.Folder)...)
	}
	lacking := false // something that an overlay was to bring: it may protect
	for _, f := range s.Overlays {
		over, diags := document.Parse(f.Name, f.Text)
		if over != nil {
			diags = append(diags, overlay.Apply(root, over)...)
		}
		lacking = lacking || diags.Count(diag.Error) > 0
		d.Diags = append(d.Diags, diags...)
	}
	if o.Files == nil && s.Folder != nil {
		o.Files = s.Folder
	}
	o.Document = s.ID
	d.Model, diags = normalize.Capability(s.Name, root, s.Folder)
	d.Diags = append(d.Diags, diags...)
	if d.Model != nil {
		d.Model.Unreadable = d.Model.Unreadable || lacking
		o.Grants = &d.grants
		d.Plan, diags = compile.Capability(d.Model, o)
		d.Diags = append(d.Diags, diags...)
		d.selfCalls()
	}
}

// marks are the members that only capability documents and parts of them have.
var marks = []string{"ikanos", "naftiko", "capability", "consumes", "exposes", "aggregates", "binds"}

// isForeign reports whether a text is something else than a capability document
// or a part of one: a file of secrets, say. Root is nil when it could not be read.
func isForeign(root *document.Node, text []byte) bool {
	if root != nil {
		return !slices.ContainsFunc(marks, func(m string) bool { return root.Get(m) != nil })
	}
	return !mark.Match(text)
}

var mark = regexp.MustCompile(`(?m)^\s*["']?(?:` + strings.Join(marks, "|") + `)["']?\s*:`)

// IsOther reports whether a file is plainly no document to serve: it is something
// else, or a part that other documents import. Such files stand beside documents
// in a folder.
func (d *Document) IsOther() bool {
	if d.Model != nil {
		return len(d.Model.Exposes) == 0 && d.Model.Node.Get("capability") == nil
	}
	return d.foreign && d.Diags[0].Code == diag.NotCapability.ID
}

// Text is the text of a file that diagnostics point into, nil when it is not at
// hand, or is nobody's to see.
func (d *Document) Text(file string) []byte {
	if d.foreign {
		return nil
	}
	for _, f := range append([]File{d.File}, d.Overlays...) {
		if f.Name == file {
			return f.Text
		}
	}
	return nil
}

// Served counts the units that the document serves.
func (d *Document) Served() (n int) {
	if d.Plan != nil {
		for _, s := range d.Plan.Servers {
			n += s.Count()
		}
	}
	return n
}

// Withheld counts the units that cannot work.
func (d *Document) Withheld() int {
	if d.Plan == nil {
		return 0
	}
	return len(d.Plan.Withheld)
}
