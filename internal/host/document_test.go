package host

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/fairlead/fairlead/internal/compile"
	"github.com/fairlead/fairlead/internal/diag"
)

func compiled(s Source) *Document { return Compile(s, compile.Options{}) }

// shown is everything that may be said of a document.
func shown(t *testing.T, d *Document) string {
	var b strings.Builder
	if err := d.Diags.WriteText(&b, d.Text, diag.Style{}); err != nil {
		t.Fatal(err)
	}
	for _, g := range d.Diags {
		b.Write(g.AppendJSON(nil))
	}
	return b.String()
}

func TestDocument_isNamedAndNotQuotedWhenItIsNone(t *testing.T) {
	for name, text := range map[string]string{
		"a map":                "token: s3cret\n",
		"keys given twice":     "s3cret: 1\ns3cret: 2\n",
		"a text":               "s3cret\n",
		"a list":               "[s3cret]\n",
		"a secret of a kind":   "kind: s3cret\napiVersion: s3cret\n",
		"several documents":    "a: s3cret\n---\nb: s3cret\n",
		"not YAML":             "token: 's3cret\n",
		"not YAML, by a tab":   "a:\n\ts3cret: [\n",
		"an anchor":            "a: *s3cret\n",
		"not UTF-8":            "s3cret: \xff\n",
		"too large":            "s3cret: " + strings.Repeat("s3cret ", 200_000),
		"a JSON file":          `{"token": "s3cret"`,
		"a capability further": "token: s3cret # capability:\n",
	} {
		d := compiled(Source{File: File{Name: "secrets.yaml", Text: []byte(text)}})
		got := shown(t, d)
		if d.Plan != nil || !d.IsOther() || !strings.Contains(got, "secrets.yaml") || strings.Contains(got, "s3cret") {
			t.Errorf("%s: %s", name, got)
		}
	}
	for name, text := range map[string]string{
		"a broken capability": "ikanos: 1.0.0-beta5\ncapability: {exposes: [\n",
		"no mapping":          "ikanos: 1.0.0-beta5\ncapability: none\n",
	} {
		if d := compiled(Source{File: File{Name: "a.yaml", Text: []byte(text)}}); d.IsOther() || len(d.Diags) == 0 ||
			d.Text("a.yaml") == nil {
			t.Errorf("%s: %s", name, shown(t, d))
		}
	}
	part := compiled(Source{File: File{Name: "part.yaml",
		Text: []byte("ikanos: 1.0.0-beta5\nconsumes: [{type: http, namespace: a, baseUri: \"https://a.example\"}]\n")}})
	if !part.IsOther() {
		t.Errorf("a part is a document: %s", shown(t, part))
	}
}

func TestRead_endsAtWhatIsNoFile(t *testing.T) {
	dir, outside := t.TempDir(), t.TempDir()
	text := []byte("ikanos: 1.0.0-beta5\ncapability: {}\n")
	for _, err := range []error{
		os.WriteFile(filepath.Join(dir, "good.yaml"), text, 0o644),
		os.WriteFile(filepath.Join(outside, "other.yaml"), text, 0o644),
		os.WriteFile(filepath.Join(dir, "large.yaml"), append(text, strings.Repeat("# more\n", 400_000)...), 0o644),
		syscall.Mkfifo(filepath.Join(dir, "pipe.yaml"), 0o644),
		os.Symlink("good.yaml", filepath.Join(dir, "link.yaml")),
		os.Symlink(filepath.Join(outside, "other.yaml"), filepath.Join(dir, "out.yaml")),
		os.Symlink("/dev/zero", filepath.Join(dir, "zero.yaml")),
		os.Symlink("nowhere.yaml", filepath.Join(dir, "dangling.yaml")),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	found, err := Expand([]string{dir, filepath.Join(dir, "good.yaml")})
	if err != nil || len(found) != 7 {
		t.Fatal(found, err)
	}
	want := map[string]string{"good.yaml": "", "link.yaml": "", "large.yaml": "more than",
		"pipe.yaml": "no regular file", "out.yaml": "outside of the folder", "zero.yaml": "outside of the folder",
		"dangling.yaml": "no such file"}
	for _, f := range found {
		d, err := ReadFound(f, ReadOptions{}, compiled)
		if err != nil {
			t.Fatal(err)
		}
		says := want[filepath.Base(f.Path)]
		if got := shown(t, d); (len(d.File.Text) > 0) != (says == "" || says == "more than") ||
			!strings.Contains(got, says) || says != "" && d.IsOther() {
			t.Errorf("%s: %s", f.Path, got)
		}
	}
	for _, name := range []string{"pipe.yaml", "zero.yaml"} {
		if _, err := ReadFound(Found{Path: filepath.Join(dir, name)}, ReadOptions{}, compiled); err == nil ||
			!strings.Contains(err.Error(), "no regular file") {
			t.Errorf("%s, by name: %v", name, err)
		}
	}
	// What a document names beside itself is read the same way.
	src, err := Read(filepath.Join(dir, "good.yaml"), ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := src.Folder.ReadFile("pipe.yaml"); err == nil || !strings.Contains(err.Error(), "no regular file") {
		t.Errorf("beside a document: %v", err)
	}
}

func TestCompile_tellsOfADocumentThatCallsItself(t *testing.T) {
	for _, tt := range []struct {
		base, listen string
		itself       bool
	}{
		{"http://localhost:8080", "127.0.0.1:8080", true},
		{"http://127.0.0.1:8080/v1", "0.0.0.0:8080", true},
		{"http://[::1]:8080", "[::]:8080", true},
		{"http://192.0.2.1:8080", "192.0.2.1:8080", true},
		{"http://localhost", "127.0.0.1:80", true},
		{"http://localhost:8081", "127.0.0.1:8080", false},
		{"http://localhost:8080", "192.0.2.1:8080", false},
		{"https://api.example:8080", "127.0.0.1:8080", false},
		{"http://localhost:8080", "127.0.0.1:0", false},
	} {
		host, port, err := net.SplitHostPort(tt.listen)
		if err != nil {
			t.Fatal(err)
		}
		text := strings.NewReplacer("BASE", tt.base, "HOST", host, "PORT", port).Replace(`
ikanos: 1.0.0-beta5
capability:
  consumes: [{type: http, namespace: a, baseUri: "BASE", resources: [{path: /x, operations: [{name: g, method: GET}]}]}]
  exposes: [{type: rest, namespace: r, address: "HOST", port: PORT, resources: [{path: /x, operations: [{method: GET, call: a.g}]}]}]
`)
		d := compiled(Source{File: File{Name: "a.yaml", Text: []byte(text)}})
		if got := strings.Contains(shown(t, d), "self-call"); got != tt.itself || d.Served() != 1 {
			t.Errorf("%s on %s: %s", tt.base, tt.listen, shown(t, d))
		}
	}
}

// An overlay that cannot be applied may be what protects the document, which is
// therefore not served without it.
func TestDocument_isNotServedWithoutAnOverlayThatFails(t *testing.T) {
	const text = `{ikanos: 1.0.0-beta5, capability: {exposes: [{type: mcp, namespace: m, tools: {t: {description: Says x., outputParameters: [{type: string, value: x}]}}}]}}`
	const change = `target: "$.capability.exposes[0]", update: {authentication: {type: bearer, token: "{{T}}"}}`
	for name, tt := range map[string]struct {
		overlay string
		served  bool
	}{
		"sound":             {`{overlay: 1.0.0, actions: [{` + change + `}]}`, true},
		"no YAML":           {`{overlay: 1.0.0, actions: [{` + change, false},
		"empty":             {``, false},
		"no overlay":        {`{actions: [{` + change + `}]}`, false},
		"a misspelt list":   {`{overlay: 1.0.0, action: [{` + change + `}]}`, false},
		"a misspelt update": {`{overlay: 1.0.0, actions: [{` + strings.Replace(change, "update", "updat", 1) + `}]}`, false},
		"a bad target":      {`{overlay: 1.0.0, actions: [{` + strings.Replace(change, "[0]", "[", 1) + `}]}`, false},
		"a removal, quoted": {`{overlay: 1.0.0, actions: [{target: "$.capability.exposes[0].tools.t", remove: "true"}]}`, false},
	} {
		t.Run(name, func(t *testing.T) {
			d := compiled(Source{File: File{Name: "a.yaml", Text: []byte(text)},
				Overlays: []File{{Name: "o.yaml", Text: []byte(tt.overlay)}}})
			served := false
			for _, s := range d.Plan.Servers {
				served = served || len(s.Tools) > 0
				if len(s.Tools) > 0 && s.Auth == nil {
					t.Error("everybody is served")
				}
			}
			if served != tt.served {
				t.Errorf("served: %t\n%v", served, d.Diags)
			}
		})
	}
}
