package value

import (
	"fmt"
	"strings"
	"testing"
)

func TestParse_losesNothing(t *testing.T) {
	for name, test := range map[string]struct{ in, want string }{
		"order of members":   {`{"z":1,"a":2,"m":{"y":1,"x":2}}`, `{"z":1,"a":2,"m":{"y":1,"x":2}}`},
		"64-bit integers":    {`[9007199254740993,-9223372036854775808]`, `[9007199254740993,-9223372036854775808]`},
		"text of numbers":    {`[1.10,1e400,0.1e-7,-0]`, `[1.10,1e400,0.1e-7,-0]`},
		"white space":        {" [ 1 , null , true ] \n", `[1,null,true]`},
		"escapes":            {`"a\u00e4\n\ud83d\ude00\/"`, `"aä\n😀/"`},
		"the last duplicate": {`{"a":1,"b":2,"a":3}`, `{"a":3,"b":2}`},
		"empty containers":   {`[{},[]]`, `[{},[]]`},
	} {
		t.Run(name, func(t *testing.T) {
			v, err := Parse([]byte(test.in))
			if err != nil {
				t.Fatal(err)
			}
			if got := string(v.AppendJSON(nil)); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

func TestParse_refuses(t *testing.T) {
	for name, in := range map[string]string{
		"nothing": "", "a word": "nope", "text after the value": "1 2", "a trailing comma": "[1,]", "invalid UTF-8": "\"\xff\"", "an open object": `{"a":1`,
		"a leading zero": "01", "what is too deep": strings.Repeat("[", MaxDepth+2) + strings.Repeat("]", MaxDepth+2),
	} {
		if v, err := Parse([]byte(in)); err == nil {
			t.Errorf("%s: got %s", name, v.Text())
		}
	}
}

func TestParse_takesWideObjectsInLinearTime(t *testing.T) {
	var b strings.Builder
	b.WriteString(`{"n0":0`)
	for i := range 200_000 {
		fmt.Fprintf(&b, `,"n%d":%d`, i%100_000, i)
	}
	b.WriteString("}")
	v, err := Parse([]byte(b.String()))
	if err != nil || v.Len() != 100_000 || v.At(7).Text() != "100007" {
		t.Errorf("got %d members, %v", v.Len(), err)
	}
}

func TestEqual(t *testing.T) {
	for _, test := range []struct {
		a, b string
		want bool
	}{
		{`1`, `1.0`, true}, {`1`, `"1"`, false}, {`{"a":1,"b":2}`, `{"b":2,"a":1}`, true}, {`{"a":1}`, `{"a":1,"b":2}`, false},
		{`[1,2]`, `[2,1]`, false}, {`null`, `null`, true}, {`null`, `false`, false}, {`9007199254740993`, `9007199254740992`, false}, {`1e2`, `100`, true},
	} {
		a, _ := Parse([]byte(test.a))
		b, _ := Parse([]byte(test.b))
		if Equal(a, b) != test.want || Equal(b, a) != test.want {
			t.Errorf("Equal(%s, %s) is not %v", test.a, test.b, test.want)
		}
	}
}

func TestValue_conversions(t *testing.T) {
	if i, ok := Num("5.0").Int64(); !ok || i != 5 {
		t.Error("5.0 is an integer")
	}
	if _, ok := Num("5.5").Int64(); ok {
		t.Error("5.5 is no integer")
	}
	if v := Map(Member{"a", List(Int(1))}); v.Path("a").At(0).Text() != "1" || !v.Path("b", "c").IsAbsent() {
		t.Error("path")
	}
	if got := Map(Member{"a", Of("x")}).Indent(); got != "{\n  \"a\": \"x\"\n}" {
		t.Errorf("got %s", got)
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{`{"a":[1,2.50,"x",null,true]}`, `"\ud800"`, `[[[`, `-`, `{"a":1,"a":2}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		v, err := Parse(text)
		if err != nil {
			return
		}
		out := v.AppendJSON(nil)
		again, err := Parse(out)
		if err != nil || !Equal(v, again) || string(again.AppendJSON(nil)) != string(out) {
			t.Fatalf("%s does not survive: %v", out, err)
		}
	})
}

func BenchmarkParse(b *testing.B) {
	text := []byte(`{"items":[` + strings.TrimSuffix(strings.Repeat(`{"id":123456,"name":"some name","tags":["a","b"],"price":1.10},`, 1000), ",") + `]}`)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse(text); err != nil {
			b.Fatal(err)
		}
	}
}
