package format

import (
	"strings"
	"testing"
)

func TestCharset(t *testing.T) {
	for name, c := range map[string]struct{ body, mediaType, text string }{
		"nothing said":                    {"é", "", "é"},
		"UTF-8 said":                      {"é", "text/csv; charset=UTF-8", "é"},
		"UTF-8 byte order mark":           {"\xEF\xBB\xBFé", "", "é"},
		"byte order mark beats parameter": {"\xEF\xBB\xBFé", "text/csv; charset=iso-8859-1", "é"},
		"UTF-16 little endian mark":       {"\xFF\xFEa\x00\xE9\x00", "", "aé"},
		"UTF-16 big endian mark":          {"\xFE\xFF\x00a\x00\xE9", "", "aé"},
		"ISO-8859-1":                      {"caf\xE9", "text/csv; charset=ISO-8859-1", "café"},
		"quoted, after other parameters":  {"\x80", `text/csv; header=present; Charset="windows-1252"`, "€"},
		"Shift JIS":                       {"\x93\xFA\x96\x7B", "text/plain;charset=shift_jis", "日本"},
		"XML declaration": {"<?xml version='1.0' encoding='iso-8859-1'?><a>\xE9</a>", "",
			"<?xml version='1.0' encoding='iso-8859-1'?><a>é</a>"},
		"parameter beats XML declaration": {"<?xml version='1.0' encoding='iso-8859-1'?><a>é</a>",
			"text/xml; charset=utf-8", "<?xml version='1.0' encoding='iso-8859-1'?><a>é</a>"},
		"HTML meta": {"<html><meta charset=iso-8859-2>\xB1", "",
			"<html><meta charset=iso-8859-2>ą"},
		"HTML without meta in UTF-8": {"<html>" + strings.Repeat(" ", 2000) + "é", "text/html", "<html>" +
			strings.Repeat(" ", 2000) + "é"},
		"HTML without meta in Latin 1": {"<html>\xE9", "text/html", "<html>é"},
		"unknown charset, but UTF-8":   {"é", "text/plain; charset=klingon", "é"},
		"no name":                      {"é", "text/plain; charset=", "é"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Charset([]byte(c.body), c.mediaType)
			if err != nil || string(got) != c.text {
				t.Errorf("Charset = %q, %v; want %q", got, err, c.text)
			}
		})
	}
}

func TestCharset_refusesUnknownCharset(t *testing.T) {
	for _, name := range []string{"klingon", "iso-2022-kr"} {
		_, err := Charset([]byte("\xE9"), "text/plain; charset="+name)
		wantError(t, err, 0, name)
	}
}

func TestCharset_leavesUTF8Alone(t *testing.T) {
	body := []byte(`{"a":"é"}`)
	if n := testing.AllocsPerRun(100, func() { _, _ = Charset(body, "application/json; charset=utf-8") }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestDecode_readsForeignCharsets(t *testing.T) {
	for name, c := range map[string]struct {
		kind                  Kind
		body, mediaType, json string
	}{
		"XML by declaration":     {XML, "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><r><a>\xE9</a></r>", "application/xml", `{"a":"é"}`},
		"XML by parameter":       {XML, "<?xml version=\"1.0\"?><r><a>\xE9</a></r>", "text/xml; charset=iso-8859-1", `{"a":"é"}`},
		"XML in UTF-16":          {XML, "\xFE\xFF\x00<\x00?\x00x\x00m\x00l\x00 \x00v\x00e\x00r\x00s\x00i\x00o\x00n\x00=\x00'\x001\x00.\x000\x00'\x00 \x00e\x00n\x00c\x00o\x00d\x00i\x00n\x00g\x00=\x00'\x00u\x00t\x00f\x00-\x001\x006\x00'\x00?\x00>\x00<\x00a\x00>\x00\xE9\x00<\x00/\x00a\x00>", "", `"é"`},
		"CSV":                    {CSV, "name\ncaf\xE9", "text/csv; charset=iso-8859-1", `[{"name":"café"}]`},
		"CSV from a spreadsheet": {CSV, "\xEF\xBB\xBFname\ncafé", "text/csv", `[{"name":"café"}]`},
		"text":                   {Text, "\xE9", "text/plain; charset=latin1", `"é"`},
		"HTML fragment":          {HTML, "<meta charset=iso-8859-1><table><tr><th>\xE9<tr><td>1</table>", "", `{"tables":[[{"é":"1"}]]}`},
	} {
		t.Run(name, func(t *testing.T) {
			d, _ := New(c.kind, Schema{})
			v, err := d.Decode(nil, []byte(c.body), c.mediaType)
			if err != nil || asJSON(v) != c.json {
				t.Errorf("Decode = %s, %v; want %s", v.Text(), err, c.json)
			}
		})
	}
}

func TestDecode_refusesTextOfNoKnownCharset(t *testing.T) {
	for _, kind := range []Kind{CSV, Text, Markdown, YAML, XML} {
		_, err := decode(t, kind, "", "<a>\xE9</a>")
		wantError(t, err, kind, "not UTF-8")
		if e := err.(*Error); e.Offset != 3 {
			t.Errorf("%s: offset is %d", kind, e.Offset)
		}
	}
}

func TestIsHTML(t *testing.T) {
	for name, c := range map[string]struct {
		mediaType, body string
		html            bool
	}{
		"a page, and so called":     {"text/html; charset=utf-8", " <p>", true},
		"XHTML":                     {"application/xhtml+xml", "<?xml", true},
		"called a page, JSON":       {"text/html", `{"a":"<html>"}`, false},
		"called a page, text":       {"text/html; charset=utf-8", "OK <b>", false},
		"called a page, empty":      {"text/html", "", false},
		"doctype":                   {"application/json", "\n <!DOCTYPE html>\n<html>", true},
		"root after comments":       {"", "\xEF\xBB\xBF<!-- a --> <!-- b --><HTML lang=en>", true},
		"JSON":                      {"application/json", `{"a":"<html>"}`, false},
		"XML":                       {"application/xml", `<htmlish/>`, false},
		"other doctype":             {"", "<!DOCTYPE htmlx>", false},
		"comment that does not end": {"", "<!-- <html>", false},
		"just the start":            {"", "<html", false},
		"empty":                     {"", "", false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := IsHTML(c.mediaType, []byte(c.body)); got != c.html {
				t.Errorf("IsHTML = %v", got)
			}
		})
	}
}
