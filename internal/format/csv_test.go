package format

import (
	"strings"
	"testing"
)

func TestDecodeSeparated(t *testing.T) {
	for name, c := range map[string]struct {
		kind       Kind
		body, json string
	}{
		"csv":                      {CSV, "a,b\n1,2", `[{"a":"1","b":"2"}]`},
		"tsv":                      {TSV, "a\tb\n1\t2,3\n", `[{"a":"1","b":"2,3"}]`},
		"psv":                      {PSV, "a|b\r\n1|2\r\n", `[{"a":"1","b":"2"}]`},
		"quotes":                   {CSV, "a,b\n\"1,\"\"x\"\"\",\"two\nlines\"\n", `[{"a":"1,\"x\"","b":"two\nlines"}]`},
		"quote within a cell":      {TSV, "size\tb\n5\" pipe\t\"2\"\n", `[{"size":"5\" pipe","b":"2"}]`},
		"names trimmed, cells not": {CSV, " a , b\n 1 , 2 \n", `[{"a":" 1 ","b":" 2 "}]`},
		"short row":                {CSV, "a,b,c\n1\n1,2\n", `[{"a":"1"},{"a":"1","b":"2"}]`},
		"empty cells":              {CSV, "a,b\n,\n", `[{"a":"","b":""}]`},
		"equal names":              {CSV, "a,b,a\n1,2,3\n1,2\n", `[{"a":"3","b":"2"},{"a":"1","b":"2"}]`},
		"only a header":            {CSV, "a,b\n", `[]`},
		"blank lines":              {CSV, "\na\n\n1\n\n", `[{"a":"1"}]`},
		"trailing separator":       {CSV, "a,b\n1,2,\n", `[{"a":"1","b":"2"}]`},
	} {
		t.Run(name, func(t *testing.T) { want(t, c.kind, "", c.body, c.json) })
	}
}

func TestDecodeSeparated_refuses(t *testing.T) {
	for name, c := range map[string]struct{ body, part string }{
		"extra cells":      {"a,b\n1,2\n1,2,3\n", "line 3 has 3 cells but the header names 2"},
		"open quote":       {"a,b\n1,\"2\n3,4\n", "line"},
		"text after quote": {"a,b\n\"1\"x,2\n", "line 2, column"},
		"too many cells":   {"a,b,c\n" + strings.Repeat("1,2,3\n", MaxValues/4+1), "more than"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := decode(t, CSV, "", c.body)
			wantError(t, err, CSV, c.part)
		})
	}
}
