package host

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/fairlead/fairlead/internal/compile"
	"github.com/fairlead/fairlead/internal/diag"
	"github.com/fairlead/fairlead/internal/secret"
)

// sending makes a document that binds KEY and TOKEN, and sends what stands in its
// lines: each "API BASE FIELDS", where FIELDS is an authentication or x-fairlead.
func sending(t testing.TB, name string, apis ...string) *Document {
	t.Helper()
	var b strings.Builder
	b.WriteString("ikanos: 1.0.0-beta5\ninfo: {display: About " + name +
		"}\nbinds:\n- {namespace: env, keys: {KEY: KEY, TOKEN: TOKEN, HOST: HOST}}\n" +
		"- {namespace: file, location: \"vault://secret/app\", keys: {VAULTED: v}}\ncapability:\n  consumes:\n")
	var paths []string
	for _, api := range apis {
		part := strings.SplitN(api, " ", 3)
		if len(part) == 2 {
			part = append(part, "{description: Plain}")
		}
		b.WriteString("  - {type: http, namespace: " + part[0] + ", baseUri: \"" + part[1] + "\", " +
			strings.TrimSuffix(part[2][1:], "}") +
			", resources: {r: {path: /r, operations: {get: {method: GET}, make: {method: POST, inputParameters: [{name: k, in: body}]}}}}}\n")
		paths = append(paths, "{path: /"+name+"/"+part[0]+", operations: [{method: GET, call: "+part[0]+".get}]}")
	}
	b.WriteString("  exposes:\n  - {type: rest, namespace: front, port: 8080, resources: [" +
		strings.Join(paths, ", ") + "]}\n")
	d := Compile(Source{File: File{Name: name, Text: []byte(b.String())}}, compile.Options{})
	if d.Served() != len(apis) {
		t.Fatal(b.String(), d.Diags)
	}
	return d
}

// refusedTo are the documents that do not get a secret.
func refusedTo(name string, documents []*Document) (names []string) {
	for _, d := range documents {
		ref := secret.Ref{Key: name, Grants: &d.grants}
		if location, key, ok := strings.Cut(name, "#"); ok {
			ref.Location, ref.Key = location, key
		}
		_, err := secret.NewStore(secret.Config{Getenv: func(string) (string, bool) {
			return "value",
				true
		}}).Get(context.Background(), ref)
		if err != nil && strings.Contains(err.Error(), "not granted") {
			names = append(names, d.Name)
		}
	}
	return names
}

const (
	withKey   = `{authentication: {type: bearer, token: "{{KEY}}"}}`
	withToken = `{authentication: {type: bearer, token: "{{TOKEN}}"}}`
)

func TestShare(t *testing.T) {
	one, two := "one https://api.one.example "+withKey, "two https://two.example "+withKey
	for name, tt := range map[string]struct {
		apis    [][]string // of documents a.yaml, b.yaml, …
		grants  []string
		only    bool
		secret  string
		refused string // letters of the documents
		said    string // of grants that mean nothing
	}{
		"one document": {[][]string{{one, two}}, nil, false, "KEY", "", ""},
		"one site": {[][]string{{one}, {"x https://uploads.one.example/v2 " + withKey}}, nil,
			false, "KEY", "", ""},
		"two sites": {[][]string{{one}, {two}}, nil, false, "KEY", "ab", ""},
		"two sites of one suffix": {[][]string{{"x https://a.github.io " + withKey},
			{"x https://b.github.io " + withKey}}, nil, false, "KEY", "ab", ""},
		"a site more": {[][]string{{one}, {one, two}}, nil, false, "KEY", "ab", ""},
		"other names": {[][]string{{one}, {"two https://two.example " + withToken}}, nil, false,
			"KEY", "", ""},
		"bound and not sent": {[][]string{{one}, {"two https://two.example"}}, nil, false, "KEY", "", ""},
		"other ports of this machine": {[][]string{{"x http://127.0.0.1:1 " + withKey},
			{"x http://127.0.0.1:2 " + withKey}}, nil, false, "KEY", "ab", ""},
		"a host of one variable":    {[][]string{{`x https://{{HOST}} ` + withKey}, {`x https://{{env.HOST}} ` + withKey}}, nil, false, "KEY", "", ""},
		"hosts of two variables":    {[][]string{{`x https://{{HOST}} ` + withKey}, {`x https://{{TOKEN}} ` + withKey}}, nil, false, "KEY", "ab", ""},
		"a host and a variable":     {[][]string{{`x https://{{HOST}} ` + withKey}, {one}}, nil, false, "KEY", "ab", ""},
		"a tenant that one decides": {[][]string{{`x https://{{HOST}}.one.example ` + withKey}, {one}}, nil, false, "KEY", "", ""},
		"a token endpoint elsewhere": {[][]string{{one}, {`x https://api.one.example {authentication: {type: oauth2, grantType: client_credentials, tokenEndpoint: "https://evil.example/token", clientId: x, clientSecret: "{{KEY}}"}}`}},
			nil, false, "KEY", "ab", ""},
		"a login elsewhere": {[][]string{{one}, {`x https://api.one.example {authentication: {type: custom-token, acquire: {call: evil.make, with: {k: "{{KEY}}"}, tokenField: $.t}}}`, "evil https://evil.example"}},
			nil, false, "KEY", "ab", ""},
		"granted": {[][]string{{one}, {two}}, []string{"KEY=b"}, false, "KEY", "a", ""},
		"granted by file": {[][]string{{one}, {two}}, []string{"KEY=b.yaml", "KEY=a.yaml"}, false, "KEY", "",
			""},
		"granted by name":      {[][]string{{one}, {two}}, []string{"KEY=About a.yaml"}, false, "KEY", "b", ""},
		"granted to all":       {[][]string{{one}, {two}}, []string{"KEY=*"}, false, "KEY", "", ""},
		"granted, of one site": {[][]string{{one}, {one}}, []string{"KEY=b"}, false, "KEY", "a", ""},
		"another name granted": {[][]string{{one}, {two, "x https://x.example " + withToken}}, []string{"TOKEN=b"},
			false, "KEY", "ab", ""},
		"a list that has it not": {[][]string{{one}, {"x https://x.example " + withToken}}, []string{"TOKEN=b"},
			true, "KEY", "a", ""},
		"a list for one document": {[][]string{{one}}, nil, true, "KEY", "a", ""},
		"of a vault":              {[][]string{{`x https://x.example {authentication: {type: bearer, token: "{{VAULTED}}"}}`}, {`y https://y.example {authentication: {type: bearer, token: "{{VAULTED}}"}}`}}, nil, false, "vault://secret/app#v", "ab", ""},
		"of a vault, granted":     {[][]string{{`x https://x.example {authentication: {type: bearer, token: "{{VAULTED}}"}}`}, {`y https://y.example {authentication: {type: bearer, token: "{{VAULTED}}"}}`}}, []string{"vault://secret/app#v=a"}, false, "vault://secret/app#v", "b", ""},
		"a document that is not": {[][]string{{one}, {two}}, []string{"KEY=c"}, false, "KEY", "ab",
			"no document is named “c”"},
		"a name that nobody uses": {[][]string{{one}, {two}}, []string{"KAY=a"}, false, "KEY", "ab",
			"no document uses “KAY”"},
		"a session's service account": {[][]string{{one}, {`x https://api.one.example {x-fairlead: {session: {login: evil.make, service: {k: "{{KEY}}"}, token: $.t}}}`, "evil https://evil.example"}},
			nil, false, "KEY", "ab", ""},
	} {
		t.Run(name, func(t *testing.T) {
			var documents []*Document
			for i, apis := range tt.apis {
				documents = append(documents, sending(t, string(rune('a'+i))+".yaml", apis...))
			}
			g, err := ParseGrants(tt.grants)
			if err != nil {
				t.Fatal(err)
			}
			g.only = tt.only
			said := strings.Join(Share(documents, nil, g), "; ")
			if said != tt.said && (tt.said == "" || !strings.Contains(said, tt.said)) {
				t.Errorf("said %q, want %q", said, tt.said)
			}
			refused := strings.ReplaceAll(strings.Join(refusedTo(tt.secret, documents), ""), ".yaml", "")
			if refused != tt.refused {
				t.Errorf("refused to %q, want %q", refused, tt.refused)
			}
			for _, d := range documents {
				told := slices.ContainsFunc(d.Diags,
					func(g diag.Diagnostic) bool { return g.Code == "secret-not-granted" })
				if told != strings.Contains(tt.refused, d.Name[:1]) {
					t.Errorf("%s is told: %v\n%v", d.Name, told, d.Diags)
				}
			}
		})
	}
}

// TestShare_whatIsServedKeepsIt: a document that comes with a reload takes no
// secret and takes none away.
func TestShare_whatIsServedKeepsIt(t *testing.T) {
	one, two := "one https://api.one.example "+withKey, "two https://two.example "+withKey
	old := sending(t, "a.yaml", one)
	Share([]*Document{old}, nil, Grants{})
	serving := []*Document{old, sending(t, "c.yaml", "x https://x.example "+withToken)}
	Share(serving, nil, Grants{})
	next := []*Document{sending(t, "b.yaml", two), sending(t, "a.yaml", one), sending(t, "d.yaml", one)}
	if Share(next, serving, Grants{}); !slices.Equal(refusedTo("KEY", next), []string{"b.yaml"}) {
		t.Errorf("refused to %q", refusedTo("KEY", next))
	}
	unreadable := []*Document{sending(t, "b.yaml", two), {Source: Source{File: File{Name: "a.yaml"}}}}
	if Share(unreadable, serving, Grants{}); !slices.Equal(refusedTo("KEY", unreadable), []string{"b.yaml"}) {
		t.Errorf("beside one that serves on: refused to %q", refusedTo("KEY", unreadable))
	}
	moved := []*Document{sending(t, "b.yaml", two), sending(t, "a.yaml", "one https://evil.example "+withKey)}
	if Share(moved, serving, Grants{}); len(refusedTo("KEY", moved)) != 2 {
		t.Errorf("after a move: refused to %q", refusedTo("KEY", moved))
	}
}

func TestGrants_areRead(t *testing.T) {
	file := filepath.Join(t.TempDir(), "grants")
	if err := os.WriteFile(file, []byte("# who gets what\n\nKEY=a.yaml  # the shop\n vault://s/app#v = b \n"),
		0o600); err != nil {
		t.Fatal(err)
	}
	var g Grants
	if err := g.ReadGrants(file); err != nil || !g.only ||
		!slices.Equal(g.list, []grant{{"KEY", "a.yaml"}, {"vault://s/app#v", "b"}}) {
		t.Errorf("%v, %v", g, err)
	}
	for _, text := range []string{"KEY", "=a", "KEY=", ""} {
		if _, err := ParseGrants([]string{text}); err == nil {
			t.Errorf("%q is a grant", text)
		}
	}
	wd, _ := os.Getwd()
	if one, err := ParseGrants([]string{"secrets.env#KEY=a"}); err != nil ||
		one.list[0].name != "file://"+filepath.ToSlash(filepath.Join(wd, "secrets.env"))+"#KEY" {
		t.Errorf("a file: %v, %v", one, err)
	}
}
