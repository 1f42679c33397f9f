package secret

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"path"
	"regexp"
	"strings"

	"github.com/fairlead/fairlead/internal/budget"
	"github.com/fairlead/fairlead/internal/value"
)

// maxFile is the size of the largest file that is read.
const maxFile = 1 << 20

// Files reads the files that a document may read; it decides which these are. A
// path is absolute, or begins with ".." and counts from the folder.
type Files interface {
	ReadFile(path string) ([]byte, error)
}

// readerKey is where the context of a fetch keeps the Files of the document that
// asks.
type readerKey struct{}

// FileOptions says what a File may do beyond reading JSON and dotenv.
type FileOptions struct {
	// DecodeYAML returns the scalars of a YAML file by their dotted paths. Nil reads no YAML.
	DecodeYAML func([]byte) (map[string]string, error)
}

// File takes values from files in its folder, and from those that the document
// that asks may read: JSON, YAML, dotenv
// and Java properties, told apart by suffix (.json, .yaml, .yml, .env,
// .properties), else by what they look like. Locations are file:///./x,
// file://./x, file://x/y, file:x and plain paths, which count from the folder,
// and file:///x, which is absolute. A key is a top-level name or else the dotted
// path of a nested one; an object or array is its compact JSON.
type File struct {
	root fs.FS
	opts FileOptions
}

// NewFile returns a provider that reads from the folder root; a nil root has no files.
func NewFile(root fs.FS, opts FileOptions) *File { return &File{root, opts} }

// Fetch implements Provider. It reads the file anew each time.
func (f *File) Fetch(ctx context.Context, location *url.URL, key string) (String, error) {
	name := filePath(location)
	data, err := f.read(ctx, name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return String{}, &MissingError{Detail: "there is no such file", NoFile: true}
	case err != nil:
		return String{}, fmt.Errorf("read file: %w", err)
	}
	text, found, err := f.find(name, data, key)
	if err != nil {
		return String{}, fmt.Errorf("read file: %w", err)
	}
	if !found {
		return String{}, &MissingError{}
	}
	return New(text), nil
}

// filePath returns the path that a location means, relative to the document's
// folder or absolute. A host other than localhost (RFC 8089) is taken for what
// authors mean by it: the first folder of a relative path.
func filePath(u *url.URL) string {
	switch {
	case u.Opaque != "":
		return path.Clean(u.Opaque)
	case u.Host != "" && u.Host != "localhost":
		return path.Clean(u.Host + u.Path)
	case strings.HasPrefix(u.Path, "/./"), strings.HasPrefix(u.Path, "/../"):
		return path.Clean(u.Path[1:])
	}
	return path.Clean(u.Path)
}

func (f *File) read(ctx context.Context, name string) ([]byte, error) {
	if !fs.ValidPath(name) {
		files, _ := ctx.Value(readerKey{}).(Files)
		if files == nil {
			return nil, errors.New("it lies outside the document's folder")
		}
		data, err := files.ReadFile(name)
		return data, withoutPath(err)
	}
	if f.root == nil {
		return nil, errors.New("the document has no folder")
	}
	file, err := f.root.Open(name)
	if err != nil {
		return nil, withoutPath(err)
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	if len(data) > maxFile {
		return nil, errors.New("it is larger than " + budget.SizeText(maxFile))
	}
	return data, withoutPath(err)
}

// withoutPath drops the machine's path from an error: the location is named by
// whoever reports it.
func withoutPath(err error) error {
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		return p.Err
	}
	return err
}

var ( // in the place of the decoders' errors, which quote the text
	errJSON = errors.New("it is not a JSON object")
	errYAML = errors.New("it is not a YAML map")
)

// find looks the key up in the text of the named file.
func (f *File) find(name string, data []byte, key string) (text string, found bool, err error) {
	data = []byte(strings.TrimPrefix(string(data), "\ufeff"))
	switch formOf(name, data) {
	case ".json":
		object, err := value.Parse(data)
		if err != nil || object.Kind() != value.Object {
			return "", false, errJSON
		}
		text, found = lookUp(object, key)
		return text, found, nil
	case ".env":
		text, found = parseDotenv(string(data))[key]
		return text, found, nil
	case ".properties":
		text, found = parseProperties(string(data))[key]
		return text, found, nil
	default:
		if f.opts.DecodeYAML == nil {
			return "", false, errors.New("no YAML is read here")
		}
		entries, err := f.opts.DecodeYAML(data)
		if err != nil {
			return "", false, errYAML
		}
		text, found = entries[key]
		return text, found, nil
	}
}

var assignment = regexp.MustCompile(`^(export\s+)?[A-Za-z_][\w.-]*\s*=`)

// formOf returns the suffix that stands for the form of the file.
func formOf(name string, data []byte) string {
	switch suffix := strings.ToLower(path.Ext(name)); suffix {
	case ".json", ".env", ".properties", ".yaml":
		return suffix
	case ".yml":
		return ".yaml"
	}
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSpace(line)
		switch {
		case line == "" || line[0] == '#':
			continue
		case line[0] == '{':
			return ".json"
		case assignment.MatchString(line):
			return ".env"
		}
		break
	}
	return ".yaml"
}

// lookUp returns the member of the name or, if there is none, what its dotted
// path leads to. A null is nothing.
func lookUp(object value.Value, name string) (text string, found bool) {
	v := object.Get(name)
	if v.IsAbsent() {
		v = object.Path(strings.Split(name, ".")...)
	}
	if v.IsAbsent() || v.Kind() == value.Null {
		return "", false
	}
	return v.Text(), true
}
