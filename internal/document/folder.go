package document

import (
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"

	"github.com/fairlead/fairlead/internal/budget"
	"github.com/fairlead/fairlead/internal/diag"
)

// Folder reads files beside a document and nothing else: paths that leave the
// folder tree, by .. or by symbolic links, are refused (os.Root). Allowed
// folders widen that for absolute paths.
type Folder struct {
	dir     string
	allowed []string

	mu   sync.Mutex
	read map[string]bool
}

// Files are the files that were read, or looked for, sorted.
func (f *Folder) Files() []string {
	if f == nil {
		return nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Sorted(maps.Keys(f.read))
}

func (f *Folder) note(path string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.read == nil {
		f.read = map[string]bool{}
	}
	f.read[path] = true
}

// NewFolder confines reading to dir and, for absolute paths, the allowed folders.
func NewFolder(dir string, allowed ...string) *Folder {
	f := &Folder{dir: dir}
	for _, a := range allowed {
		if abs, err := filepath.Abs(a); err == nil {
			f.allowed = append(f.allowed, abs)
		}
	}
	return f
}

// FilePath is the path that a location means: file:///./x and file://./x are
// relative to the document, file:///x is absolute, everything else is a path.
func FilePath(location string) string {
	rest, ok := strings.CutPrefix(location, "file://")
	if !ok {
		return location
	}
	if relative, ok := strings.CutPrefix(rest, "/./"); ok {
		return relative
	}
	return rest
}

// open opens the path in the root that may read it.
func (f *Folder) open(path string) (*os.Root, string, error) {
	if f == nil || f.dir == "" && !filepath.IsAbs(path) {
		return nil, "", errors.New("the document has no folder")
	}
	path = filepath.Clean(FilePath(path))
	if !filepath.IsAbs(path) {
		root, err := os.OpenRoot(f.dir)
		return root, path, err
	}
	base, err := filepath.Abs(f.dir)
	if err != nil {
		return nil, "", err
	}
	for _, dir := range append([]string{base}, f.allowed...) {
		if rel, err := filepath.Rel(dir, path); err == nil && filepath.IsLocal(rel) {
			root, err := os.OpenRoot(dir)
			return root, rel, err
		}
	}
	return nil, "", errors.New("it lies outside the document's folder")
}

// ReadFile reads a file of at most MaxBytes.
func (f *Folder) ReadFile(path string) ([]byte, error) {
	root, rel, err := f.open(path)
	if err != nil {
		return nil, plain(err)
	}
	defer root.Close()
	f.note(filepath.Join(root.Name(), rel))
	file, err := root.OpenFile(rel, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, plain(err)
	}
	defer file.Close()
	data, err := readRegular(file)
	if err == nil && len(data) > MaxBytes {
		err = errors.New("it is larger than " + budget.SizeText(MaxBytes))
	}
	return data, plain(err)
}

// Folder returns the folder at path as a file system that is confined like f.
func (f *Folder) Folder(path string) (fs.FS, error) {
	root, rel, err := f.open(path)
	if err != nil {
		return nil, plain(err)
	}
	if rel != "." {
		sub, err := root.OpenRoot(rel)
		root.Close()
		if err != nil {
			return nil, plain(err)
		}
		root = sub
	}
	return regular{root.FS()}, nil
}

// regular is a folder of which only files and folders are opened: opening a pipe
// waits for whoever writes to it, and a device may have no end.
type regular struct{ fs.FS }

func (r regular) Open(name string) (fs.File, error) {
	if info, err := fs.Stat(r.FS, name); err == nil && !info.Mode().IsRegular() && !info.IsDir() {
		return nil, &fs.PathError{Op: "open", Path: name, Err: errNotRegular}
	}
	return r.FS.Open(name)
}

// Load parses a document in the folder.
func (f *Folder) Load(path string) (*Node, diag.List) {
	src, err := f.ReadFile(path)
	if err != nil {
		var l diag.List
		l.Add(diag.ImportFailed, diag.Range{File: path}, "", "%s", err)
		return nil, l
	}
	return Parse(filepath.ToSlash(filepath.Join(f.dir, FilePath(path))), src)
}

// errNoFile is fs.ErrNotExist in other words.
var errNoFile error = noFile{}

type noFile struct{}

func (noFile) Error() string        { return "no such file" }
func (noFile) Is(target error) bool { return target == fs.ErrNotExist }

// plain says what went wrong without the path of the machine.
func plain(err error) error {
	var p *fs.PathError
	switch {
	case err == nil:
		return nil
	case errors.Is(err, fs.ErrNotExist):
		return errNoFile
	case errors.As(err, &p) && strings.Contains(p.Err.Error(), "escapes"):
		return errors.New("it lies outside the document's folder")
	case errors.As(err, &p):
		return p.Err
	default:
		return err
	}
}

// Locate makes a location of a file relative to the document (file:///./x,
// file://./x, file://x/y, a plain path) absolute; other locations stay as they are.
func (f *Folder) Locate(location string) string {
	path := FilePath(location)
	if path == location && strings.Contains(location, ":") || path == "" || f == nil || f.dir == "" ||
		filepath.IsAbs(path) {
		return location
	}
	abs, err := filepath.Abs(filepath.Join(f.dir, path))
	if err != nil {
		return location
	}
	return "file://" + filepath.ToSlash(abs)
}
