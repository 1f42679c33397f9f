// Package host puts documents to work in one process: it reads and compiles
// them, opens their listeners, serves, swaps plans on reload and drains.
package host

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
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
)

// File is a file's name, as people know it, and its text.
type File struct {
	Name string
	Text []byte
}

// Source is a document before it is compiled.
type Source struct {
	File
	Overlays []File
	Folder   *document.Folder // nil when there is none: standard input, embedded
}

// ReadOptions say how documents are read.
type ReadOptions struct {
	Overlays  []string // files to apply besides NAME.overlay.yaml
	NoOverlay bool     // do not apply NAME.overlay.yaml
	Allow     []string // folders that documents may read besides their own
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
		s.Name = "standard input"
		s.Text, err = io.ReadAll(io.LimitReader(o.Stdin, document.MaxBytes+1))
		s.Folder = document.NewFolder("", o.Allow...)
	default:
		s, err = readFile(path, o)
	}
	if err != nil {
		return s, err
	}
	for _, name := range o.Overlays {
		text, err := os.ReadFile(name)
		if err != nil {
			return s, fmt.Errorf("read overlay: %w", err)
		}
		s.Overlays = append(s.Overlays, File{name, text})
	}
	return s, nil
}

func embedded(o ReadOptions) (s Source, err error) {
	s.Name = capabilities.Default
	if s.Text, err = capabilities.Files.ReadFile(capabilities.Default); err != nil {
		return s, err
	}
	if !o.NoOverlay {
		name := overlayName(capabilities.Default)
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
	s.Name = path
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) && path == capabilities.Default {
		return embedded(o)
	}
	if err != nil {
		return s, fmt.Errorf("read document: %w", err)
	}
	if info.Size() > 16*document.MaxBytes {
		return s, fmt.Errorf("read document: %s has %d bytes", path, info.Size())
	}
	if s.Text, err = os.ReadFile(path); err != nil {
		return s, fmt.Errorf("read document: %w", err)
	}
	s.Folder = document.NewFolder(filepath.Dir(path), o.Allow...)
	if o.NoOverlay {
		return s, nil
	}
	name := overlayName(path)
	text, err := os.ReadFile(name)
	if err == nil {
		s.Overlays = append(s.Overlays, File{name, text})
	} else if !errors.Is(err, fs.ErrNotExist) {
		return s, fmt.Errorf("read overlay: %w", err)
	}
	return s, nil
}

// overlayName is the overlay that applies to a document by itself: foo.overlay.yaml for foo.yaml.
func overlayName(path string) string {
	ext := filepath.Ext(path)
	return strings.TrimSuffix(path, ext) + ".overlay" + cmp.Or(ext, ".yaml")
}

// Expand lists the documents that the arguments name: files as they are, of
// folders every .yaml, .yml and .json below them that is no overlay, sorted.
func Expand(args []string) ([]string, error) {
	var paths []string
	for _, arg := range args {
		info, err := os.Stat(arg)
		if arg == "-" || arg == capabilities.Default && err != nil || err == nil && !info.IsDir() {
			paths = append(paths, arg)
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("read document: %w", err)
		}
		before := len(paths)
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
			if slices.Contains([]string{".yaml", ".yml", ".json"}, ext) && !strings.HasSuffix(strings.TrimSuffix(path, ext), ".overlay") {
				paths = append(paths, path)
			}
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("read folder: %w", err)
		}
		if len(paths) == before {
			return nil, fmt.Errorf("read folder: %s holds no .yaml, .yml or .json file", arg)
		}
	}
	return paths, nil
}

// Document is a compiled document. Model and Plan are nil when the text is no
// capability document; Diags says why.
type Document struct {
	Source
	Model *model.Capability
	Plan  *plan.Plan
	Diags diag.List
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
	d.Diags = diags
	if root == nil {
		return
	}
	if len(s.Overlays) > 0 {
		d.Diags = append(d.Diags, normalize.Inline(s.Name, root, s.Folder)...)
	}
	for _, f := range s.Overlays {
		over, diags := document.Parse(f.Name, f.Text)
		d.Diags = append(d.Diags, diags...)
		if over != nil {
			d.Diags = append(d.Diags, overlay.Apply(root, over)...)
		}
	}
	if o.Files == nil && s.Folder != nil {
		o.Files = s.Folder
	}
	d.Model, diags = normalize.Capability(s.Name, root, s.Folder)
	d.Diags = append(d.Diags, diags...)
	if d.Model != nil {
		d.Plan, diags = compile.Capability(d.Model, o)
		d.Diags = append(d.Diags, diags...)
	}
}

// Text is the text of a file that diagnostics point into, nil when it is not at hand.
func (d *Document) Text(file string) []byte {
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
