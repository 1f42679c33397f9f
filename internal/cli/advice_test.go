package cli

import (
	"strings"
	"testing"

	"github.com/fairlead/fairlead/internal/compile"
	"github.com/fairlead/fairlead/internal/host"
)

// What another command is to be told is said with the flags that this one was given.
func TestKeeping_repeatsItsFlags(t *testing.T) {
	for want, k := range map[string]keeping{
		"":                     {usual: keptForUser},
		" --sessions ./s":      {where: "./s"},
		" --sessions './my s'": {where: "./my s"},
		" --sessions ./s --state-key a --state-key b": {where: "./s", stateKeys: []string{"a", "b"}},
	} {
		if got := k.flagged(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestPrintOpen_namesWhatOtherMachinesReach(t *testing.T) {
	var b strings.Builder
	printOpen(&b, []host.Adapter{{Type: "rest", Namespace: "own"}})
	if b.Len() > 0 {
		t.Errorf("it says %s", b.String())
	}
	printOpen(&b, []host.Adapter{{Type: "rest", Namespace: "own"}, {Type: "mcp", Namespace: "tools", Network: true}})
	if got := b.String(); !strings.Contains(got, "can connect to MCP tools.\n") {
		t.Errorf("it says %s", got)
	}
}

// A refused reload says what is wrong and where, but not everything.
func TestReload_namesTheFirstFindings(t *testing.T) {
	text := "capability:\n  exposes:\n    - {type: rest, port: 0, namespace: x, resources: [\n" +
		strings.Repeat("        {path: /r, operations: [{method: GET, call: nowhere.get}]},\n", 9) + "    ]}\n"
	d := host.Compile(host.Source{File: host.File{Name: "a.yaml", Text: []byte(text)}}, compile.Options{})
	got := (&reloader{}).findings([]*host.Document{d})
	if len(got) != mostFindings+1 || !strings.HasPrefix(got[0], "a.yaml:") ||
		!strings.Contains(got[mostFindings], "more finding") {
		t.Errorf("%q", got)
	}
}
