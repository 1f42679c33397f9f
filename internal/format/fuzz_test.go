package format

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/twmb/avro"
	"github.com/twmb/avro/ocf"

	"github.com/fairlead/fairlead/internal/value"
)

// fuzz checks that a decoder neither panics nor makes what is no JSON, and that
// its errors stay short.
func fuzz(f *testing.F, d Decoder, seeds ...string) {
	for _, s := range seeds {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		v, err := d.Decode(nil, body, "")
		if problem := sameAsText(d, body, v, err); problem != "" {
			t.Error(problem)
		}
		if err != nil {
			if e, ok := err.(*Error); !ok || len([]rune(e.Message)) > 200 {
				t.Errorf("error is %v", err)
			}
			return
		}
		if _, err := value.Parse(v.AppendJSON(nil)); err != nil && depth(v) <= MaxDepth {
			t.Errorf("%q is no JSON: %v", v.AppendJSON(nil), err)
		}
	})
}

// sameAsText says how what a decoder writes as text differs from the value that it
// makes, or from its error.
func sameAsText(d Decoder, body []byte, v value.Value, failed error) string {
	text, ok, err := d.JSON(nil, body, "", 1<<40)
	switch {
	case !ok:
	case (err == nil) != (failed == nil), err != nil && err.Error() != failed.Error():
		return fmt.Sprintf("the text fails with %v, the value with %v", err, failed)
	case err == nil && v.IsAbsent() != (len(text) == 0), err == nil && !v.IsAbsent() &&
		string(v.AppendJSON(nil)) != string(text):
		return fmt.Sprintf("the text is %q, the value %q", text, v.AppendJSON(nil))
	}
	return ""
}

func depth(v value.Value) int {
	most := 0
	for i := range v.Len() {
		most = max(most, depth(v.At(i)))
	}
	return most + 1
}

func newDecoder(f *testing.F, kind Kind, schema string) Decoder {
	d, err := New(kind, Schema{Text: schema, Files: protoFiles})
	if err != nil {
		f.Fatal(err)
	}
	return d
}

func FuzzJSON(f *testing.F) {
	fuzz(f, newDecoder(f, JSON, ""), `{"a":[1,2.5e3,"x\u00e9",null,true]}`, "\xFF\xFE[\x00]\x00")
}

func FuzzXML(f *testing.F) {
	fuzz(f, newDecoder(f, XML, ""), `<?xml version="1.0" encoding="iso-8859-1"?><r a="1">x<i>y</i><i/>z</r>`, `<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>`)
}

func FuzzYAML(f *testing.F) {
	fuzz(f, newDecoder(f, YAML, ""), "a: &x [1, 2]\nb: *x\n", "- 0x1F\n- .inf\n- 1e3\n- 007\n")
}

func FuzzCSV(f *testing.F) {
	fuzz(f, newDecoder(f, CSV, ""), "a,b,a\n1,\"2\"\"\",3\n", "a\n5\" x\n\"")
}

func FuzzHTML(f *testing.F) {
	fuzz(f, newDecoder(f, HTML, "div table, table.x"),
		`<div><table><thead><tr><th>A<th colspan=2>B<tbody><tr><td rowspan=2>1<td>2<tr><td>3</table></div>`, `<svg><title><b><table class=x><tr><th>`)
}

func FuzzMarkdown(f *testing.F) {
	fuzz(f, newDecoder(f, Markdown, ""), "---\na: 1\n---\n# T\n*a* `b` [c](d)\n\n|x|y|\n|-|-|\n|1|2|\n", "> - a\n>   ```\n>   b\n\\& &amp;")
}

func FuzzAvro(f *testing.F) {
	schema := avro.MustParse(everything)
	raw, err := schema.Encode(everythingValue())
	if err != nil {
		f.Fatal(err)
	}
	var file bytes.Buffer
	w, err := ocf.NewWriter(&file, schema)
	if err == nil {
		err = w.Encode(everythingValue())
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		f.Fatal(err)
	}
	fuzz(f, avroDecoder(f, everything), string(raw), file.String())
}

func FuzzProtobuf(f *testing.F) {
	fuzz(f, newDecoder(f, Protobuf, "schemas/all.proto"),
		chunk(1, "x")+chunk(10, chunk(1, "a")+varint(2, 2))+chunk(17, chunk(1, chunk(1, "k"))),
		chunk(9, "\x01\x02")+chunk(15, varint(1, 5)))
}

func FuzzText(f *testing.F) { fuzz(f, newDecoder(f, Text, ""), "a\xE9") }

func FuzzCharset(f *testing.F) {
	f.Add([]byte("caf\xE9"), `text/csv; charset="iso-8859-1"`)
	f.Add([]byte("<html><meta charset=utf-16>"), "")
	f.Fuzz(func(t *testing.T, body []byte, mediaType string) {
		_, _ = Charset(body, mediaType)
		IsHTML(mediaType, body)
	})
}
