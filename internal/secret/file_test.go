package secret

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
)

var testFiles = fstest.MapFS{
	"secrets.json":          {Data: []byte(`{"token":"json","number":1.10,"yes":true,"nothing":null,"a.b":"literal","a":{"b":"nested","c":{"d":"deep"}},"list":[1,{"x":2}]}`)},
	"secrets.yaml":          {Data: []byte("token: yaml")},
	"secrets.yml":           {Data: []byte("token: yml")},
	"secrets.env":           {Data: []byte("token=dotenv\n")},
	"app.properties":        {Data: []byte("token: properties\n")},
	"sub/secrets.json":      {Data: []byte(`{"token":"sub"}`)},
	"sniff/json":            {Data: []byte("\ufeff\n {\"token\":\"json\"}")},
	"sniff/.env.production": {Data: []byte("# it is dotenv\nexport token=dotenv")},
	"sniff/yaml":            {Data: []byte("# it is YAML\n---\ntoken: yaml")},
	"bad.json":              {Data: []byte(`{"token":`)},
	"list.json":             {Data: []byte(`["token"]`)},
	"bad.yaml":              {Data: []byte("bad")},
	"large.json":            {Data: make([]byte, maxFile+1)},
}

// decodeYAML stands in for the YAML decoder of the house.
func decodeYAML(text []byte) (map[string]string, error) {
	if string(text) == "bad" {
		return nil, errors.New("bad: " + string(text))
	}
	_, val, _ := strings.Cut(string(text), "token: ")
	return map[string]string{"token": val, "nested.token": "nested"}, nil
}

func fileStore(opts FileOptions) *Store {
	opts.DecodeYAML = decodeYAML
	return NewStore(Config{Providers: map[string]Provider{"file": NewFile(testFiles, opts)}})
}

func TestFile_findsLocationsInTheFolderOfTheDocument(t *testing.T) {
	s := fileStore(FileOptions{})
	for location, want := range map[string]string{
		"./secrets.json":             "json",
		"secrets.json":               "json",
		"file:///./secrets.json":     "json",
		"file://./secrets.json":      "json",
		"file:secrets.json":          "json",
		"file:./secrets.json":        "json",
		"file://secrets.json":        "json",
		"file://sub/secrets.json":    "sub",
		"file:///./sub/secrets.json": "sub",
		"./sub/../secrets.env":       "dotenv",
		"FILE://./secrets.yaml":      "yaml",
		"./secrets.yml":              "yml",
		"./app.properties":           "properties",
		"./sniff/json":               "json",
		"./sniff/.env.production":    "dotenv",
		"./sniff/yaml":               "yaml",
	} {
		if got := mustGet(t, s, Ref{Key: "token", Location: location}); got != want {
			t.Errorf("%s: got %q, want %q", location, got, want)
		}
	}
}

func TestFile_findsNestedKeys(t *testing.T) {
	s := fileStore(FileOptions{})
	for key, want := range map[string]string{
		"number": "1.10",
		"yes":    "true",
		"a.b":    "literal",
		"a.c.d":  "deep",
		"a.c":    `{"d":"deep"}`,
		"list":   `[1,{"x":2}]`,
	} {
		if got := mustGet(t, s, Ref{Key: key, Location: "./secrets.json"}); got != want {
			t.Errorf("%s: got %q, want %q", key, got, want)
		}
	}
	if got := mustGet(t, s, Ref{Key: "nested.token", Location: "./secrets.yaml"}); got != "nested" {
		t.Errorf("YAML: got %q", got)
	}
}

func TestFile_saysWhatIsWrong(t *testing.T) {
	const missing, failed = "secret T has no value: set the key ", "fetch secret T from the key "
	s := fileStore(FileOptions{})
	for name, c := range map[string]struct{ location, key, want string }{
		"no such key":            {"./secrets.json", "k", missing + `"k" of ./secrets.json`},
		"null":                   {"./secrets.json", "nothing", missing + `"nothing" of ./secrets.json`},
		"no such key in dotenv":  {"file://./secrets.env", "k", missing + `"k" of file://./secrets.env`},
		"no such file":           {"./no.json", "k", missing + `"k" of ./no.json (there is no such file)`},
		"not JSON":               {"./bad.json", "k", failed + `"k" of ./bad.json: read file: it is not a JSON object`},
		"not an object":          {"./list.json", "k", failed + `"k" of ./list.json: read file: it is not a JSON object`},
		"not YAML":               {"./bad.yaml", "k", failed + `"k" of ./bad.yaml: read file: it is not a YAML map`},
		"too large":              {"./large.json", "k", failed + `"k" of ./large.json: read file: it is larger than 1 MiB`},
		"absolute":               {"/etc/passwd", "k", failed + `"k" of /etc/passwd: read file: it lies outside the document's folder`},
		"absolute URL":           {"file:///etc/passwd", "k", failed + `"k" of file:///etc/passwd: read file: it lies outside the document's folder`},
		"absolute, on localhost": {"file://localhost/etc/passwd", "k", failed + `"k" of file://localhost/etc/passwd: read file: it lies outside the document's folder`},
		"above the folder":       {"./sub/../../x.json", "k", failed + `"k" of ./sub/../../x.json: read file: it lies outside the document's folder`},
		"above, with a host":     {"file://../x.json", "k", failed + `"k" of file://../x.json: read file: it lies outside the document's folder`},
		"above, with escapes":    {"file:///./%2e%2e/x.json", "k", failed + `"k" of file:///./../x.json: read file: it lies outside the document's folder`},
		"a folder":               {"./sub", "k", failed + `"k" of ./sub: read file: invalid argument`},
		"control characters":     {"./\x1b[2J.json", "k", missing + `"k" of "./\x1b[2J.json" (there is no such file)`},
	} {
		if err := getError(t, s, Ref{Name: "T", Key: c.key, Location: c.location}); err.Error() != c.want &&
			name != "a folder" {
			t.Errorf("%s: got\n%s, want\n%s", name, err, c.want)
		}
	}
	if err := getError(t, NewStore(Config{Providers: map[string]Provider{"file": NewFile(nil, FileOptions{})}}),
		Ref{Name: "T", Key: "k", Location: "./x"}); !strings.Contains(err.Error(), "the document has no folder") {
		t.Errorf("without a folder: %v", err)
	}
	if err := getError(t, NewStore(Config{Providers: map[string]Provider{"file": NewFile(testFiles, FileOptions{})}}),
		Ref{Name: "T", Key: "k", Location: "./secrets.yaml"}); !strings.Contains(err.Error(), "no YAML is read here") {
		t.Errorf("without a decoder: %v", err)
	}
}

type readerFunc func(string) ([]byte, error)

func (f *readerFunc) ReadFile(path string) ([]byte, error) { return (*f)(path) }

func TestFile_readsForEachDocumentWhatItMayRead(t *testing.T) {
	s := fileStore(FileOptions{})
	reads := readerFunc(func(string) ([]byte, error) { return []byte("token=own"), nil })
	refuses := readerFunc(func(string) ([]byte, error) {
		return nil,
			errors.New("it lies outside the document's folder")
	})
	for range 2 { // what one has read is not there for the other
		if got := mustGet(t, s, Ref{Key: "token", Location: "file:///a/x.env", Files: &reads}); got != "own" {
			t.Error(got)
		}
		for _, files := range []Files{&refuses, nil} {
			if err := getError(t, s, Ref{Key: "token", Location: "file:///a/x.env",
				Files: files}); !strings.Contains(err.Error(), "outside the document's folder") {
				t.Error(err)
			}
		}
	}
}

func TestFile_asksBeforeItLeavesTheFolder(t *testing.T) {
	var asked []string
	s := fileStore(FileOptions{})
	files := readerFunc(func(path string) ([]byte, error) {
		asked = append(asked, path)
		if path == "/etc/none.env" {
			return nil, &fs.PathError{Op: "open", Path: "/machine" + path, Err: fs.ErrNotExist}
		}
		return []byte(`token=outside`), nil
	})
	for _, location := range []string{"file:///etc/app.env", "../up.env"} {
		if got := mustGet(t, s, Ref{Key: "token", Location: location, Files: &files}); got != "outside" {
			t.Errorf("%s: got %q", location, got)
		}
	}
	if err := getError(t, s, Ref{Name: "T", Key: "k", Location: "/etc/none.env",
		Files: &files}); !strings.Contains(err.Error(), "no such file") || strings.Contains(err.Error(), "/machine") {
		t.Errorf("got %v", err)
	}
	if got := strings.Join(asked, " "); got != "/etc/app.env ../up.env /etc/none.env" {
		t.Errorf("asked for %s", got)
	}
}

func TestFile_staysInAConfinedFolder(t *testing.T) {
	folder := t.TempDir()
	outside := filepath.Join(t.TempDir(), "x.env")
	if err := errors.Join(os.WriteFile(outside, []byte("token=leaked"), 0o600),
		os.Symlink(outside, filepath.Join(folder, "link.env"))); err != nil {
		t.Fatal(err)
	}
	root, err := os.OpenRoot(folder)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	s := NewStore(Config{Providers: map[string]Provider{"file": NewFile(root.FS(), FileOptions{})}})
	if err := getError(t, s, Ref{Name: "T", Key: "token", Location: "./link.env"}); strings.Contains(err.Error(),
		"leaked") || strings.Contains(err.Error(), folder) {
		t.Error(err)
	}
}
