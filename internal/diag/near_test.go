package diag

import (
	"slices"
	"strings"
	"testing"
)

func TestNear(t *testing.T) {
	for name, c := range map[string]struct {
		word       string
		candidates []string
		want       string
	}{
		"a letter left out":               {"list-aps", []string{"get-app", "list-apps"}, "list-apps"},
		"two letters swapped":             {"exposse", []string{"exposes", "consumes"}, "exposes"},
		"swap is one edit":                {"nmae", []string{"name", "nope"}, "name"},
		"case only":                       {"ID", []string{"id"}, "id"},
		"dashes for underscores":          {"list_apps", []string{"list-app", "list-apps"}, "list-apps"},
		"camel case for dashes":           {"baseuri", []string{"base-uri", "baseur"}, "base-uri"},
		"case and a letter":               {"InputParamters", []string{"inputParameters"}, "inputParameters"},
		"too far":                         {"apps", []string{"services"}, ""},
		"short words need all":            {"to", []string{"in", "no"}, ""},
		"tie goes to the first by bytes":  {"cat", []string{"rat", "bat", "hat"}, "bat"},
		"the word itself is no help":      {"name", []string{"name"}, ""},
		"nothing to choose from":          {"name", nil, ""},
		"no word":                         {"", []string{"a"}, ""},
		"candidate without characters":    {"abc", []string{""}, ""},
		"characters beyond ASCII":         {"größe", []string{"grösse", "größen"}, "größen"},
		"words too long for a suggestion": {strings.Repeat("a", 101), []string{strings.Repeat("a", 100)}, ""},
	} {
		for _, reverse := range []bool{false, true} {
			candidates := slices.Clone(c.candidates)
			if reverse {
				slices.Reverse(candidates)
			}
			if got, ok := Near(c.word, candidates); got != c.want || ok != (c.want != "") {
				t.Errorf("%s: got %q, %v, want %q", name, got, ok, c.want)
			}
		}
	}
}

func BenchmarkNear(b *testing.B) {
	candidates := strings.Fields(strings.Repeat("list-apps get-app create-app delete-app list-services get-service ", 30))
	b.ReportAllocs()
	for b.Loop() {
		Near("lst-apps", candidates)
	}
}
