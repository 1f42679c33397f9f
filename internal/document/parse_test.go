package document

import (
	"strings"
	"testing"

	"github.com/fairlead/fairlead/internal/diag"
	"github.com/fairlead/fairlead/internal/value"
)

func TestParse_keepsScalarsAsWritten(t *testing.T) {
	n, diags := Parse("a.yaml", []byte("naftiko: 0.5\ncreated: 2026-05-19\noctal: 012\nyes: yes\nquoted: '5'\nint: 5\nfloat: -1.50e3\nnone:\ntrue: TRUE\nnull: ~\n"))
	if len(diags) > 0 {
		t.Fatal(diags)
	}
	for key, want := range map[string]string{
		"naftiko": "0.5", "created": `"2026-05-19"`, "octal": `"012"`, "yes": `"yes"`, "quoted": `"5"`,
		"int": "5", "float": "-1.50e3", "none": "null", "true": "true", "null": "null",
	} {
		if got := string(n.Get(key).Value().AppendJSON(nil)); got != want {
			t.Errorf("%s: got %s, want %s", key, got, want)
		}
	}
}

func TestParse_knowsPlaces(t *testing.T) {
	n, _ := Parse("a.yaml", []byte("a:\n  - b: \"ü\"\n    c: word\n"))
	c := n.Get("a").Items[0].Pair("c")
	if got := c.Value.At; got.Start != (diag.Pos{Line: 3, Column: 8}) || got.End != (diag.Pos{Line: 3, Column: 12}) {
		t.Errorf("value at %v", got)
	}
	if c.KeyAt.Start != (diag.Pos{Line: 3, Column: 5}) {
		t.Errorf("key at %v", c.KeyAt)
	}
}

func TestParse_reportsWhatItCannotRead(t *testing.T) {
	deep := strings.Repeat("[", 100) + strings.Repeat("]", 100)
	bomb := "a: &a [x,x,x,x,x,x,x,x,x]\n"
	for _, c := range "bcdefghi" {
		prev := string(c - 1)
		bomb += string(c) + ": &" + string(c) + " [" + strings.TrimSuffix(strings.Repeat("*"+prev+",", 9), ",") + "]\n"
	}
	for name, test := range map[string]struct {
		src, code string
		line      int
		tree      bool
	}{
		"empty":              {"", "syntax-error", 0, false},
		"unclosed flow":      {"a: [1, 2\nb: 3\n", "syntax-error", 2, false},
		"not UTF-8":          {"a: 1\nb: \xff\n", "syntax-error", 2, false},
		"too deep":           {deep, "document-limit", 1, false},
		"alias bomb":         {bomb, "document-limit", 0, false},
		"too large":          {strings.Repeat("# comment\n", 200_000), "document-limit", 0, false},
		"key given twice":    {"a: 1\na: 2\n", "duplicate-key", 2, true},
		"several documents":  {"a: 1\n---\nb: 2\n", "multiple-documents", 0, true},
		"self-reference":     {"a: &a [*a]\n", "document-limit", 1, false},
		"complex key":        {"? [a]\n: 1\n", "syntax-error", 1, true},
		"tab as indentation": {"a:\n\tb: 1\n", "syntax-error", 2, false},
	} {
		t.Run(name, func(t *testing.T) {
			n, diags := Parse("a.yaml", []byte(test.src))
			if len(diags) == 0 || diags[0].Code != test.code {
				t.Fatalf("got %v, want %s", diags, test.code)
			}
			if test.line > 0 && diags[0].Range.Start.Line != test.line {
				t.Errorf("at %v, want line %d", diags[0].Range, test.line)
			}
			if (n != nil) != test.tree {
				t.Errorf("tree %v, want %v", n != nil, test.tree)
			}
			if diags[0].Hint == "" {
				t.Error("says not what to do")
			}
		})
	}
}

func TestParse_resolvesAliasesAndMergeKeys(t *testing.T) {
	n, diags := Parse("a.yaml", []byte("base: &b {x: 1, y: 2}\nuse:\n  <<: *b\n  y: 3\nalso: *b\n"))
	if len(diags) > 0 {
		t.Fatal(diags)
	}
	if got := n.Value().Text(); got != `{"base":{"x":1,"y":2},"use":{"y":3,"x":1},"also":{"x":1,"y":2}}` {
		t.Error(got)
	}
}

func TestNode_nilBehavesAsAbsent(t *testing.T) {
	var n *Node
	if n.Get("a").Get("b") != nil || n.Str() != "" || !n.IsNull() || !n.Value().IsAbsent() || n.Is(value.Object) ||
		n.Where("x") != (diag.Range{}) {
		t.Error("a nil node is not absent")
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"a: 1", "a: &x [*x]", "{", "- - -", "? a\n: b", "<<: {a: 1}", "a: |\n  x\n", "\xff",
		"%YAML 1.1\n---\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		n, diags := Parse("f.yaml", src)
		if n == nil && diags.Count(diag.Error) == 0 {
			t.Fatal("no tree and no error")
		}
		if n != nil {
			if _, err := value.Parse(n.Value().AppendJSON(nil)); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestParse_takesYAMLDirectives(t *testing.T) {
	for _, text := range []string{"%YAML 1.2\n---\na: 1\n", "# 100% fine\n\n%YAML 1.2\n---\na: 1\n",
		"%YAML 1.2\na: 1\n", "\uFEFF%YAML 1.1\n---\na: 1\n"} {
		root, diags := Parse("x.yaml", []byte(text))
		if root.Get("a").Str() != "1" || len(diags) > 0 {
			t.Errorf("%q: %v", text, diags)
		}
	}
}
