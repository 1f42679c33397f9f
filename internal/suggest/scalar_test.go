package suggest

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/fairlead/fairlead/internal/document"
	"github.com/fairlead/fairlead/internal/value"
)

// FuzzScalar: what is written of a name of the document is that text when it is read
// again, and nothing beside it.
func FuzzScalar(f *testing.F) {
	for _, s := range []string{"", "a", "true", "1.5", "0x1", "a: b", "a #b", "- a", "a\n- target: $", "\"", "'",
		"\\", "[a]",
		"{a}", "a, b", "é", "\u2028x", "\u0085x", "\x00", "~", "null", "=", "<<", "2026-01-01", "1:30", ".inf", "a:",
		" a ", "%a",
		"@", "`", "!a", "&a", "*a", "|", ">", "?", "---", "...", "\ufeff", "1_000", "0o7", "+1", "NaN", ".nan", "\r", "\t", "12e03"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if !utf8.ValidString(s) || strings.ContainsRune(s, utf8.RuneError) {
			return
		}
		for _, line := range []string{"a: " + text(s), "a: {b: " + flow(s) + ", c: 1}", "a: [" + flow(s) + "]",
			text(s) + ": 1"} {
			n, diags := document.Parse("x.yaml", []byte("# "+oneLine(s)+"\n"+line+"\nz: 2\n"))
			if n == nil || len(diags) > 0 || len(n.Pairs) != 2 {
				t.Fatalf("%q is %s: %v", s, line, diags)
			}
			got, key := n.Pairs[0].Value, n.Pairs[0].Key
			switch {
			case strings.HasPrefix(line, "a: {"):
				got = got.Get("b")
			case strings.HasPrefix(line, "a: ["):
				got = got.Items[0]
			}
			if strings.HasSuffix(line, ": 1") {
				if key != s {
					t.Fatalf("the key %q is read as %q", s, key)
				}
			} else if !got.Is(value.String) || got.Text != s {
				t.Fatalf("%q is written %s and read as %q", s, line, got.Text)
			}
		}
	})
}
