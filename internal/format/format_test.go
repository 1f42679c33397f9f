package format

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/fairlead/fairlead/internal/value"
)

// decode runs a body through a new decoder of the kind.
func decode(t *testing.T, kind Kind, schema, body string) (value.Value, error) {
	t.Helper()
	d, err := New(kind, Schema{Text: schema})
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	v, err := d.Decode(nil, []byte(body), "")
	if problem := sameAsText(d, []byte(body), v, err); problem != "" {
		t.Error(problem)
	}
	return v, err
}

// want fails unless the body decodes to exactly the JSON text.
func want(t *testing.T, kind Kind, schema, body, json string) {
	t.Helper()
	v, err := decode(t, kind, schema, body)
	if err != nil {
		t.Fatalf("Decode: %v", err)
	}
	if got := asJSON(v); got != json {
		t.Errorf("Decode\n%s\n got %s\nwant %s", clip(body, 300), got, json)
	}
}

func asJSON(v value.Value) string { return string(v.AppendJSON(nil)) }

// wantError fails unless decoding is refused with an *Error that says part.
func wantError(t *testing.T, err error, kind Kind, part string) {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("error is %v (%T), want an *Error that says %q", err, err, part)
	}
	if e.Kind != kind || !strings.Contains(e.Message, part) {
		t.Errorf("error is %q of kind %s, want %q of kind %s", e.Message, e.Kind, part, kind)
	}
}

func TestParseKind_readsNamesInAnyCaseAndAliases(t *testing.T) {
	for name, kind := range map[string]Kind{
		"": JSON, "json": JSON, "JSON": JSON, "Avro": Avro, "Protobuf": Protobuf, " xml ": XML, "md": Markdown,
		"yml":          YAML,
		"octet-stream": Binary, "raw": Binary, "plain": Text, "TSV": TSV, "psv": PSV, "HTML": HTML, "binary": Binary,
	} {
		if got, ok := ParseKind(name); !ok || got != kind {
			t.Errorf("ParseKind(%q) = %v, %v", name, got, ok)
		}
	}
	if k, ok := ParseKind("binary%s%s"); ok {
		t.Errorf("ParseKind accepted nonsense as %v", k)
	}
}

func TestNames_areParsedToTheirKinds(t *testing.T) {
	for i, name := range Names() {
		if k, ok := ParseKind(name); !ok || k != Kind(i) || k.String() != name {
			t.Errorf("name %d is %q, which parses to %v", i, name, k)
		}
		if !strings.Contains(Accept(Kind(i)), "*/*") {
			t.Errorf("Accept(%s) = %q", name, Accept(Kind(i)))
		}
	}
	if Kind(99).String() != "format 99" || Accept(99) != "*/*" {
		t.Error("an unknown kind is not handled")
	}
}

func TestNew_refusesUnknownKind(t *testing.T) {
	_, err := New(Kind(99), Schema{})
	wantError(t, err, Kind(99), "no such format")
}

func TestDecode_ofEmptyBodyIsAbsent(t *testing.T) {
	files := fstest.MapFS{"m.proto": {Data: []byte(`syntax = "proto3"; message M { int32 a = 1; }`)}, "s.avsc": {Data: []byte(`"long"`)}}
	schemas := map[Kind]string{Avro: "s.avsc", Protobuf: "m.proto"}
	for i, name := range Names() {
		kind := Kind(i)
		d, err := New(kind, Schema{Text: schemas[kind], Files: files})
		if err != nil {
			t.Fatalf("New(%s): %v", name, err)
		}
		for _, body := range []string{"", " \r\n", "\xEF\xBB\xBF"} {
			if body != "" && (kind >= Avro) {
				continue
			}
			if v, err := d.Decode(nil, []byte(body), ""); err != nil || !v.IsAbsent() {
				t.Errorf("%s of %q: %v, %v", name, body, v.Text(), err)
			}
		}
	}
}

func TestDecodeJSON(t *testing.T) {
	for name, c := range map[string]struct{ body, json string }{
		"order and number text are kept": {`{"b":1.10,"a":9007199254740993}`, `{"b":1.10,"a":9007199254740993}`},
		"half a character":               {`["\ud83d"]`, `["�"]`},
		"byte order mark":                {"\xEF\xBB\xBF[1]", `[1]`},
		"white space around":             {"\n [1]\r\n\t ", `[1]`},
		"scalar":                         {`"x"`, `"x"`},
		"UTF-16":                         {"\xFF\xFE[\x00\"\x00\xE9\x00\"\x00]\x00", `["é"]`},
	} {
		t.Run(name, func(t *testing.T) { want(t, JSON, "", c.body, c.json) })
	}
}

func TestDecodeJSON_refuses(t *testing.T) {
	for name, c := range map[string]struct {
		body, part string
		offset     int64
	}{
		"text after the value": {`{} x`, "text after", -1},
		"syntax":               {`{"a":}`, "missing value", 5},
		"invalid UTF-8":        {"\"\xE9\"", "UTF-8", 1},
		"deep nesting":         {strings.Repeat("[", 100_000), "deeper than 512", -1},
		"too many values":      {"[" + strings.Repeat("0,", MaxValues) + "0]", "more than 1000000", -1},
		"a long text":          {"x" + strings.Repeat("y", 9999), "invalid", 0},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := decode(t, JSON, "", c.body)
			wantError(t, err, JSON, c.part)
			if e := err.(*Error); e.Offset != c.offset || len(e.Message) > 200 {
				t.Errorf("offset is %d, want %d; message %q", e.Offset, c.offset, e.Message)
			}
		})
	}
}

func TestDecodeJSON_countsNoCommasInStrings(t *testing.T) {
	body := `["` + strings.Repeat(`,[{\",`, MaxValues/2) + `"]`
	v, err := decode(t, JSON, "", body)
	if err != nil || v.Len() != 1 {
		t.Fatalf("Decode: %d values, %v", v.Len(), err)
	}
}

func TestDecodeJSON_believesUTF8BeforeCharset(t *testing.T) {
	d, _ := New(JSON, Schema{})
	for body, json := range map[string]string{`["é"]`: `["é"]`, "[\"\xE9\"]": `["é"]`} {
		if v, err := d.Decode(nil, []byte(body), "application/json; charset=ISO-8859-1"); err != nil ||
			asJSON(v) != json {
			t.Errorf("Decode(%q) = %s, %v", body, v.Text(), err)
		}
	}
}

func TestDecodeYAML(t *testing.T) {
	for name, c := range map[string]struct{ body, json string }{
		"map":                     {"b: 1\na: [x, true, null]\n", `{"b":1,"a":["x",true,null]}`},
		"first of many documents": {"a: 1\n---\nb: 2\n", `{"a":1}`},
	} {
		t.Run(name, func(t *testing.T) { want(t, YAML, "", c.body, c.json) })
	}
}

func TestDecodeYAML_refuses(t *testing.T) {
	bomb := "a: &a [x,x,x,x,x,x,x,x,x,x]\n"
	for c := 'b'; c < 'k'; c++ {
		bomb += string(c) + ": &" + string(c) + " [" + strings.Repeat("*"+string(c-1)+",", 9) + "*" + string(c-1) +
			"]\n"
	}
	for name, c := range map[string]struct{ body, part string }{
		"syntax":     {"a: [1", "line "},
		"alias bomb": {bomb, "values"},
		"nesting":    {strings.Repeat("[", 9000), ""},
		"latin 1":    {"a: \xE9", "not UTF-8"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := decode(t, YAML, "", c.body)
			wantError(t, err, YAML, c.part)
		})
	}
}

func TestDecodeText_isTheWholeBodyAsString(t *testing.T) {
	want(t, Text, "", " a\nb ", `" a\nb "`)
}

func TestDecodeBinary_isRefused(t *testing.T) {
	_, err := decode(t, Binary, "", "\x00\x01")
	wantError(t, err, Binary, "passed on as bytes")
}

func TestDecode_keepsNothingOfTheBody(t *testing.T) {
	files := fstest.MapFS{
		"m.proto": {Data: []byte(`syntax = "proto3"; message M { string a = 1; }`)},
		"s.avsc":  {Data: []byte(`{"type":"record","name":"R","fields":[{"name":"a","type":"string"}]}`)},
	}
	for name, c := range map[string]struct {
		kind         Kind
		schema, body string
	}{
		"json": {JSON, "", `{"aaa":"xyz"}`}, "xml": {XML, "", `<r aaa="xyz">xyz</r>`}, "csv": {CSV, "", "aaa\nxyz\n"},
		"yaml": {YAML, "", "aaa: xyz\n"}, "html": {HTML, "", "<table><tr><th>aaa<tr><td>xyz</table>"},
		"markdown": {Markdown, "", "# aaa\nxyz\n"}, "text": {Text, "", "xyz"},
		"avro": {Avro, "s.avsc", "\x06xyz"}, "protobuf": {Protobuf, "m.proto", "\x0A\x03xyz"},
	} {
		t.Run(name, func(t *testing.T) {
			d, err := New(c.kind, Schema{Text: c.schema, Files: files})
			if err != nil {
				t.Fatal(err)
			}
			body := []byte(c.body)
			v, err := d.Decode(nil, body, "")
			if err != nil {
				t.Fatal(err)
			}
			before := strings.Clone(asJSON(v))
			for i := range body {
				body[i] = '#'
			}
			if asJSON(v) != before || !strings.Contains(before, "xyz") {
				t.Errorf("was %s, is now %s", before, v.Text())
			}
		})
	}
}

func TestDecoder_isSafeForConcurrentUse(t *testing.T) {
	bodies := map[Kind]string{
		JSON: `{"a":1}`, XML: `<r a="1"><i>x</i></r>`, YAML: "a: 1\n", CSV: "a,b\n1,2\n", HTML: "<table><tr><th>a<tr><td>1</table>",
		Markdown: "---\na: 1\n---\n# T\n*p*\n\n|a|\n|-|\n|1|\n",
	}
	var all sync.WaitGroup
	for kind, body := range bodies {
		d, err := New(kind, Schema{})
		if err != nil {
			t.Fatal(err)
		}
		first, err := d.Decode(nil, []byte(body), "")
		if err != nil {
			t.Fatal(err)
		}
		for range 4 {
			all.Go(func() {
				for range 50 {
					if v, err := d.Decode(nil, []byte(body), ""); err != nil || !value.Equal(v, first) {
						t.Errorf("%s: %s, %v", kind, asJSON(v), err)
					}
				}
			})
		}
	}
	all.Wait()
}

func TestError_saysFormatAndOffset(t *testing.T) {
	e := &Error{Kind: XML, Offset: 7, Message: "there is no element"}
	if got := e.Error(); got != "decode xml: there is no element (byte 7)" {
		t.Error(got)
	}
	e.Offset = -1
	if got := e.Error(); got != "decode xml: there is no element" {
		t.Error(got)
	}
}

func TestDecode_showsLittleOfTheBodyInErrors(t *testing.T) {
	secret := strings.Repeat("s3cret", 100)
	for kind, body := range map[Kind]string{
		JSON: `{"` + secret + `":` + secret + `}`, XML: "<r><" + secret + "></" + secret + "x></r>", YAML: "a: {" + secret, CSV: "a\n\"" + secret,
		Markdown: "---\n" + secret + ": [\n---\n",
	} {
		_, err := decode(t, kind, "", body)
		wantError(t, err, kind, "")
		if n := strings.Count(err.Error(), "s3cret"); n > 80/len("s3cret") {
			t.Errorf("%s: %v", kind, err)
		}
	}
}
