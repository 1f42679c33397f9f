package secret

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"testing"
	"testing/fstest"

	jsonv2 "github.com/go-json-experiment/json"
)

// prints is everything that Go's usual doors let out about x.
func prints(x any) string {
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		fmt.Fprintf(&out, verb+"\n", x)
	}
	fmt.Fprintln(&out, x, []any{x}, map[string]any{"x": x}, struct{ X any }{x})
	for _, h := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
		slog.New(h).Info("m", "x", x, slog.Group("g", "x", x))
	}
	v1, _ := json.Marshal(x)
	v2, _ := jsonv2.Marshal(x)
	fmt.Fprintf(&out, "%s\n%s\n", v1, v2)
	return out.String()
}

func TestNothingPrintsAValue(t *testing.T) {
	vault, cluster := newStubVault(t), newStubKubernetes(t)
	vaultEnv := []string{"VAULT_ROLE_ID", "role", "VAULT_SECRET_ID", "secret-" + canary}
	files := fstest.MapFS{
		"good.json": {Data: []byte(`{"token":"` + canary + `","list":["` + canary + `"]}`)},
		"bad.json":  {Data: []byte(`{"token":"x` + canary + `" ` + canary + `}`)},
		"bad.yaml":  {Data: []byte("a: b: " + canary)},
		"good.env":  {Data: []byte("token='" + canary)},
	}
	file := NewFile(files, FileOptions{DecodeYAML: func(text []byte) (map[string]string, error) {
		return nil, errors.New("cannot read " + string(text))
	}})
	fileStore := NewStore(Config{Providers: map[string]Provider{"file": file}})
	otherStore := NewStore(Config{Providers: map[string]Provider{"file": file}})
	vaultStore, clusterStore := vaultStore(t, vault, vaultEnv...), kubernetesStore(t, cluster, "account-"+canary)
	envStore := NewStore(Config{Getenv: func(string) (string, bool) { return canary, true }})

	var things []any
	for _, c := range []struct {
		store *Store
		ref   Ref
	}{
		{envStore, Ref{Name: "T", Key: "token", Location: ""}},
		{fileStore, Ref{Name: "T", Key: "token", Location: "./good.json"}},
		{fileStore, Ref{Name: "T", Key: "list", Location: "./good.json"}},
		{fileStore, Ref{Name: "T", Key: "none", Location: "./good.json"}},
		{fileStore, Ref{Name: "T", Key: "token", Location: "./bad.json"}},
		{fileStore, Ref{Name: "T", Key: "token", Location: "./bad.yaml"}},
		{fileStore, Ref{Name: "T", Key: "token", Location: "./good.env"}},
		{otherStore, Ref{Name: "T", Key: "token", Location: "file://u:" + canary + "@good.env?" + canary}},
		{otherStore, Ref{Name: "T", Key: "token", Location: "none://u:" + canary + "@h:p/" + "?" + canary}},
		{vaultStore, Ref{Name: "T", Key: "token", Location: "vault://secret/app"}},
		{vaultStore, Ref{Name: "T", Key: "none", Location: "vault://secret/app"}},
		{vaultStore, Ref{Name: "T", Key: "token", Location: "vault://forbidden/app"}},
		{clusterStore, Ref{Name: "T", Key: "token", Location: "k8s://prod/app"}},
		{clusterStore, Ref{Name: "T", Key: "bad", Location: "k8s://prod/app"}},
		{clusterStore, Ref{Name: "T", Key: "token", Location: "k8s://closed/app"}},
	} {
		got, err := c.store.Get(t.Context(), c.ref)
		things = append(things, got, &got, err, c.store.RefreshError(c.ref), errors.Unwrap(err))
	}
	vault.broken, vault.text = 500, canary
	mustGet(t, vaultStore, Ref{Name: "T", Key: "token", Location: "vault://secret/app"}) // a refresh that fails
	stale := vaultStore.RefreshError(Ref{Name: "T", Key: "token", Location: "vault://secret/app"})
	if stale == nil {
		t.Error("no refresh error")
	}
	things = append(things, stale)

	// fmt calls no method of what an unexported field holds.
	text := New(canary)
	for _, x := range []any{
		&Store{entries: map[entryID]*entry{{}: {value: text, previous: text, err: stale}}},
		&Vault{token: &text},
	} {
		things = append(things, x, struct{ hidden any }{x})
	}
	for _, s := range []*Store{envStore, fileStore, vaultStore, clusterStore} {
		if len(s.Known()) == 0 {
			t.Error("a store that handed out nothing shows nothing")
		}
		things = append(things, s, s.Known(), s.providers)
		for _, p := range s.providers {
			things = append(things, p)
		}
	}
	for _, x := range things {
		if text := prints(x); strings.Contains(text, canary) || strings.Contains(text, fmt.Sprintf("%x", canary)) {
			t.Errorf("%T prints its value:\n%s", x, text)
		}
	}
}

func FuzzParseLocation(f *testing.F) {
	for _, text := range []string{"", "./a", "file://./a", "file:///./a", "vault://u:p@m/p?q#f", `C:\a`, "k8s://", "file:a", "x://[::1"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		location, scheme, err := parseLocation(text)
		if err != nil {
			return
		}
		if location == nil && text != "" || scheme == "" {
			t.Errorf("%q: %v, %q", text, location, scheme)
		}
		if location == nil {
			location = &url.URL{}
		}
		filePath(location)
		_, _ = vaultPaths(location)
		if strings.ContainsFunc(Ref{Location: text}.source(), func(r rune) bool { return r < ' ' }) {
			t.Errorf("%q: a control character in %q", text, Ref{Location: text}.source())
		}
	})
}
