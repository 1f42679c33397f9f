package shape

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/fairlead/fairlead/internal/diag"
	"github.com/fairlead/fairlead/internal/document"
	"github.com/fairlead/fairlead/internal/model"
	"github.com/fairlead/fairlead/internal/value"
)

// viaTree is what Stream must do.
func viaTree(p *Program, dst, src []byte) ([]byte, bool, error) {
	root, err := value.Parse(src)
	if err != nil {
		return dst, false, err
	}
	v, ok := p.Apply(nil, root)
	if !ok {
		return dst, false, nil
	}
	return v.AppendJSON(dst), true, nil
}

func checkStream(t rapid.TB, p *Program, src []byte) {
	want, wantOK, wantErr := viaTree(p, []byte("dst"), src)
	got, ok, err := p.Stream(nil, []byte("dst"), src)
	if string(got) != string(want) || ok != wantOK || (err == nil) != (wantErr == nil) {
		t.Fatalf("of %s\n got %s %v %v\nwant %s %v %v", src, got, ok, err, want, wantOK, wantErr)
	}
	if p.Streamable() {
		if _, _, valid := p.project(nil, nil, src); valid != (wantErr == nil) {
			t.Fatalf("%s: valid is %v, %v", src, valid, wantErr)
		}
	}
}

var (
	names = rapid.SampledFrom([]string{"a", "b", "c", "ä", ""})
	paths = rapid.SampledFrom([]string{"", "$.", "$.a", "$.b", "$.c", "$.a.b", "$.b.a", "$[0]", "$.a[1].b", "$[*]",
		"$.a[*]", "$.b[*].a", "$[*].a[*]", "$.a[*][0].b", "$['ä']", "$['']", "$.c[*]"})
	types   = rapid.SampledFrom([]string{"string", "number", "integer", "boolean", "object", "array", ""})
	scalars = rapid.SampledFrom([]string{"null", "true", "false", "0", "-1.50", "12345678901234567890", "1e400", `""`, `"x"`, `"5"`, `"5.0"`, `"true"`, `"\u00e4\n"`, `"😀é"`, `"\ud83d\ude00\""`})
	spaces  = rapid.SampledFrom([]string{"", "", "", " ", "\n\t"})
	damages = rapid.SampledFrom([]string{",", "]", "}", "x", "\"", "\\", "\x00", "\xff", `\ud800`, ":", "1", "nul"})
)

func genOutput(depth int) *rapid.Generator[*model.Output] {
	return rapid.Custom(func(t *rapid.T) *model.Output {
		o := &model.Output{Name: names.Draw(t, "name"), Type: types.Draw(t, "type"), Mapping: paths.Draw(t, "path"),
			MaxLength: rapid.IntRange(0, 2).Draw(t, "length")}
		if rapid.IntRange(0, 9).Draw(t, "static") == 0 {
			o.Value = &document.Node{Kind: value.String, Text: "5"}
		}
		if depth == 0 {
			return o
		}
		switch rapid.IntRange(0, 3).Draw(t, "kind") {
		case 0:
			o.Items = genOutput(depth-1).Draw(t, "items")
		case 1:
			o.Properties = rapid.SliceOfN(genOutput(depth-1), 1, 3).Draw(t, "properties")
		}
		return o
	})
}

func genText(depth int) *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		kind := rapid.IntRange(0, 4).Draw(t, "kind")
		if depth == 0 || kind == 0 {
			return scalars.Draw(t, "scalar")
		}
		parts, brackets := rapid.SliceOfN(genText(depth-1), 0, 4).Draw(t, "parts"), "[]"
		if kind < 4 {
			brackets = "{}"
			for i := range parts {
				name := rapid.SampledFrom([]string{`"a"`, `"b"`, `"c"`, `"\u0061"`, `"ä"`, `"\u00e4"`, `""`}).Draw(t, "name")
				parts[i] = name + spaces.Draw(t, "space") + ":" + spaces.Draw(t, "space") + parts[i]
			}
		}
		return brackets[:1] + spaces.Draw(t, "space") +
			strings.Join(parts, spaces.Draw(t, "space")+","+spaces.Draw(t, "space")) + brackets[1:]
	})
}

func TestStream_isApplyOnText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var diags diag.List
		p := Compile(rapid.SliceOfN(genOutput(3), 1, 3).Draw(t, "outputs"), &diags)
		text := genText(4).Draw(t, "text")
		if rapid.IntRange(0, 9).Draw(t, "damage") == 0 {
			i := rapid.IntRange(0, len(text)).Draw(t, "at")
			text = text[:i] + damages.Draw(t, "with") + text[i+rapid.IntRange(0, min(1, len(text)-i)).Draw(t, "cut"):]
		}
		checkStream(t, p, []byte(text))
	})
}

func TestStream_refusesWhatParseRefuses(t *testing.T) {
	programs := []*Program{program(t, `[{type: array, mapping: $., items: {type: object, properties: {a: {type: string}}}}]`), program(t, `[{type: string, mapping: $.a}]`), program(t, `[{type: string, value: x}]`)}
	deep := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	for _, text := range []string{
		"", " ", "nope", "nul", "1 2", "[1,]", "[1,,2]", "[,1]", "[1 2]", `{"a" 1}`, `{"a":}`, `{"a":1,}`, `{a:1}`, `{"a":1 "b":2}`, "[", "{", `{"a"`, `{"a":1`, `"`, `"\`, `"\x"`, `"\u12"`, `"\ud800"`,
		`"\ud800\u0041"`, `"\udc00"`, `"\ud800\n"`, "\"\xff\"", "\"\n\"", "01", "-", "1.", ".5", "1e", "1e+", "+1", "--1", "[1]]", "\ufeff1", "[1]x", "\v1", `{"a":1}}`,
		deep(value.MaxDepth), deep(value.MaxDepth + 1), deep(value.MaxDepth + 2), `{"a":` + deep(value.MaxDepth) + "}", `{"a":` + deep(value.MaxDepth+1) + "}", `[{"b":` + deep(value.MaxDepth) + "}]", `[{"b":` + deep(value.MaxDepth-1) + "}]",
	} {
		for _, p := range programs {
			checkStream(t, p, []byte(text))
		}
	}
}

func TestStream_copiesWideObjectsWithEqualNames(t *testing.T) {
	var b strings.Builder
	for i := range 3 * manyNames {
		fmt.Fprintf(&b, `,"n%d":%d`, i%(2*manyNames), i)
	}
	checkStream(t, program(t, `[{type: object, mapping: $.o}]`), []byte(`{"o": {`+b.String()[1:]+`}}`))
}

func FuzzStream(f *testing.F) {
	var programs []*Program
	for _, v := range vectors {
		if p := program(f, v.outputs); p.Streamable() {
			f.Add(uint8(len(programs)), []byte(v.answer))
			programs = append(programs, p)
		}
	}
	f.Fuzz(func(t *testing.T, i uint8, text []byte) {
		checkStream(t, programs[int(i)%len(programs)], text)
	})
}
