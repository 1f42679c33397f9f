package host_test

import (
	"strings"
	"testing"
)

const importing = `ikanos: 1.0.0-beta5
info: {display: Importing}
capability:
  consumes:
  - {import: up, from: up.yaml, as: first}
  - {import: up, from: up.yaml, as: second}
  - {import: gone, from: gone.yaml}
  exposes:
  - type: mcp
    namespace: m
    tools: {one: {description: d., call: first.o}, two: {description: d., call: second.o}}
`

// What a document imports can be changed by an overlay, each import for itself.
func TestOverlay_reachesWhatIsImported(t *testing.T) {
	d := scripted(t, importing, map[string]string{
		"up.yaml": "consumes:\n- {type: http, namespace: up, baseUri: 'https://up.example', resources: {r: {path: /r, operations: {o: {method: GET}}}}}\n",
		"capability.overlay.yaml": "overlay: 1.0.0\nactions:\n- target: $.capability.consumes[?@.namespace == 'second']\n" +
			"  update: {baseUri: 'https://other.example'}\n- target: $.capability.consumes[?@.namespace == 'nobody']\n  remove: true\n",
	})
	if d.Served() != 2 {
		t.Fatalf("%d units are served: %v", d.Served(), d.Diags)
	}
	for i, want := range []string{"https://up.example", "https://other.example"} {
		if got := d.Plan.Upstreams[i].URL; got != want {
			t.Errorf("API %d is at %s, want %s", i, got, want)
		}
	}
	codes := map[string]int{}
	for _, g := range d.Diags {
		codes[g.Code]++
		if g.Code == "import-failed" && !strings.Contains(g.Message, "gone.yaml") {
			t.Errorf("got %v", g)
		}
	}
	if codes["import-failed"] != 1 || codes["overlay-no-match"] != 1 {
		t.Errorf("got %v", d.Diags)
	}
}

// An import says of binds that stay in its file the same with and without an overlay.
func TestOverlay_bindsOfImportsStayThere(t *testing.T) {
	files := map[string]string{
		"up.yaml": "binds:\n- {namespace: env, keys: {A_TOKEN: A_TOKEN}}\nconsumes:\n- {type: http, namespace: up, baseUri: 'https://up.example', " +
			"authentication: {type: bearer, token: '{{A_TOKEN}}'}, resources: {r: {path: /r, operations: {o: {method: GET}}}}}\n",
	}
	document := strings.Replace(importing, "  - {import: gone, from: gone.yaml}\n", "", 1)
	for _, binds := range []string{"", "binds:\n- {namespace: env, keys: {A_TOKEN: A_TOKEN}}\n"} {
		var said []int
		for _, over := range []string{"", "overlay: 1.0.0\nactions:\n- target: $.info\n  update: {version: '2'}\n"} {
			if over != "" {
				files["capability.overlay.yaml"] = over
			}
			n := 0
			for _, g := range scripted(t, strings.Replace(document, "capability:", binds+"capability:", 1),
				files).Diags {
				if g.Code == "import-binds" {
					n++
				}
			}
			delete(files, "capability.overlay.yaml")
			said = append(said, n)
		}
		if want := map[bool]int{true: 1, false: 0}[binds == ""]; said[0] != want || said[1] != want {
			t.Errorf("with “%s” it is said %v times, want %d", binds, said, want)
		}
	}
}
