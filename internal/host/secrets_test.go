package host

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fairlead/fairlead/internal/compile"
	"github.com/fairlead/fairlead/internal/secret"
)

// binding is a document that sends a secret of a file.
const binding = `
ikanos: 1.0.0-beta5
binds: [{namespace: s, location: "LOCATION", keys: {TOKEN: TOKEN}}]
capability:
  consumes: [{type: http, namespace: api, baseUri: "https://x.invalid", authentication: {type: bearer, token: "{{TOKEN}}"}, resources: {r: {path: /r, operations: {get: {method: GET}}}}}]
  exposes: [{type: rest, namespace: r, port: 0, resources: [{path: /a, operations: [{method: GET, call: api.get}]}]}]
`

func TestSecrets_areReadForTheirOwnDocument(t *testing.T) {
	dir := t.TempDir()
	own, other := filepath.Join(dir, "own"), filepath.Join(dir, "other")
	file := filepath.Join(own, "secrets.env")
	for _, err := range []error{os.Mkdir(own, 0o755), os.Mkdir(other, 0o755),
		os.WriteFile(file, []byte("TOKEN=s3cret\n"), 0o600), os.Symlink(file, filepath.Join(other, "link.env"))} {
		if err != nil {
			t.Fatal(err)
		}
	}
	store := NewSecrets(func(string) (string, bool) { return "", false })
	get := func(folder, location string, allow ...string) (secret.String, error) {
		path := filepath.Join(folder, "capability.yaml")
		if err := os.WriteFile(path, []byte(strings.Replace(binding, "LOCATION", location, 1)), 0o644); err != nil {
			t.Fatal(err)
		}
		src, err := Read(path, ReadOptions{Allow: allow})
		if err != nil {
			t.Fatal(err)
		}
		d := Compile(src, compile.Options{})
		if d.Served() != 1 {
			t.Fatal(d.Diags)
		}
		return store.Get(t.Context(), d.Plan.Units()[0].Secrets[0].Refs[0])
	}
	for range 2 {
		for _, location := range []string{"file:///./secrets.env", "file://" + filepath.ToSlash(file)} {
			if v, err := get(own, location); err != nil || v.Reveal() != "s3cret" {
				t.Errorf("%s for its own document: %v", location, err)
			}
		}
		for _, location := range []string{"file://" + filepath.ToSlash(file), "file:///./../own/secrets.env",
			"file:///./link.env"} {
			if v, err := get(other, location); err == nil || v.Reveal() != "" ||
				!strings.Contains(err.Error(), "outside the document's folder") {
				t.Errorf("%s for another document: %v", location, err)
			}
		}
	}
	if v, err := get(other, "file://"+filepath.ToSlash(file), own); err != nil || v.Reveal() != "s3cret" {
		t.Errorf("with --allow-path: %v", err)
	}
}
