package shape

import (
	"strings"
	"testing"

	"github.com/fairlead/fairlead/internal/diag"
	"github.com/fairlead/fairlead/internal/document"
	"github.com/fairlead/fairlead/internal/model"
	"github.com/fairlead/fairlead/internal/normalize"
	"github.com/fairlead/fairlead/internal/value"
)

// outputs reads outputParameters written in one line of YAML.
func outputs(t testing.TB, text string) []*model.Output {
	t.Helper()
	const head = `
capability:
  exposes:
  - type: mcp
    namespace: n
    tools:
    - name: tool
      call: a.b
      outputParameters: `
	root, diags := document.Parse("test.yaml", []byte(head+text+"\n"))
	capability, more := normalize.Capability("test.yaml", root, nil)
	for _, d := range append(diags, more...) {
		if d.Severity == diag.Error {
			t.Fatalf("%s: %v", text, d)
		}
	}
	return capability.Exposes[0].Tools[0].Outputs
}

func program(t testing.TB, text string) *Program {
	t.Helper()
	var diags diag.List
	p := Compile(outputs(t, text), &diags)
	if n := diags.Count(diag.Error); n > 0 {
		t.Fatalf("%s: %v", text, diags)
	}
	return p
}

func parse(t testing.TB, text string) value.Value {
	t.Helper()
	v, err := value.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

const nothingFound = "nothing found"

func shaped(v value.Value, ok bool) string {
	if !ok {
		return nothingFound
	}
	return string(v.AppendJSON(nil))
}

type vector struct{ name, outputs, answer, want string }

// vectors are the rules of shaping, one by one.
var vectors = []vector{
	// runtime-semantics.md §12
	{"the root as an object is the whole node", `[{type: object, mapping: $.}]`, `{"a":1}`, `{"a":1}`},
	{"a member that is missing is null", `[{type: object, properties: {t: {type: string, mapping: $.a.b}}}]`, `{}`, `{"t":null}`},
	{"an array mapping must find an array", `[{type: array, mapping: $.list}]`, `{"list":{}}`, nothingFound},
	{"of two outputs the first answers", `[{type: string, mapping: $.a}, {type: string, mapping: $.b}]`, `{"a":"x","b":"y"}`, `"x"`},
	{"a string that is a number becomes one", `[{type: number, mapping: $.n}]`, `{"n":"5"}`, `5`},

	// §11 Correctness
	{"an object found by its mapping, without properties", `[{type: object, mapping: $.a}]`, `{"a":{"b":[1,{}]}}`, `{"b":[1,{}]}`},
	{"nested arrays and objects inside items", `[{type: array, mapping: $.s, items: {type: object, properties: {n: {type: string, mapping: $.name}, c: {type: array, mapping: $.crew, items: {type: object, properties: {id: {type: number, mapping: $.id}, t: {type: array, mapping: $.tags, items: {type: string, mapping: $.}}}}}, o: {type: object, properties: {d: {type: number, mapping: $.dim.l}}}}}}]`,
		`{"s":[{"name":"A","crew":[{"id":1,"tags":["x",2]},{}],"dim":{"l":3}},{"name":"B"}]}`,
		`[{"n":"A","c":[{"id":1,"t":["x","2"]},{"id":null,"t":null}],"o":{"d":3}},{"n":"B","c":null,"o":{"d":null}}]`},
	{"a member's static value", `[{type: object, properties: {a: {type: string, value: fixed}, b: {type: string, mapping: $.b}}}]`, `{"b":1}`, `{"a":"fixed","b":"1"}`},
	{"64-bit numbers stay exact", `[{type: object, properties: {id: {type: number, mapping: $.id}, s: {type: string, mapping: $.id}, n: {type: number, mapping: $.t}, p: {type: number, mapping: $.p}}}]`,
		`{"id":9223372036854775807,"t":"9007199254740993","p":1.10}`, `{"id":9223372036854775807,"s":"9223372036854775807","n":9007199254740993,"p":1.10}`},

	// Which output answers
	{"the second output, when the first finds nothing", `[{type: string, mapping: $.a}, {type: string, mapping: $.b}]`, `{"b":"y"}`, `"y"`},
	{"a value rather than null", `[{type: string, mapping: $.a}, {type: string, mapping: $.b}]`, `{"a":null,"b":"y"}`, `"y"`},
	{"null rather than nothing", `[{type: string, mapping: $.a}, {type: string, mapping: $.b}]`, `{"a":null}`, `null`},
	{"nothing, so that the answer passes", `[{type: string, mapping: $.a}]`, `{"b":1}`, nothingFound},
	{"an object whose mapping finds nothing", `[{type: object, mapping: $.x, properties: {a: {type: string, mapping: $.a}}}]`, `{"a":1}`, nothingFound},
	{"the whole answer, when nothing before it is found", `[{type: string, mapping: $.a}, {type: object, mapping: $.}]`, `{"b":1}`, `{"b":1}`},
	{"named outputs form one object", `[{name: t, type: string, mapping: $.f.t}, {name: v, type: string, mapping: $.f.v}]`, `{"f":{"v":1,"t":"x"}}`, `{"t":"x","v":"1"}`},
	{"named outputs in map form", `{imo: {type: string, mapping: $.imo_number}, specs: {type: object, properties: {y: {type: number, mapping: $.year}}}}`, `{"imo_number":7,"year":1990}`, `{"imo":"7","specs":{"y":1990}}`},
	{"a named output that is missing among others", `[{name: a, type: string, mapping: $.a}, {name: b, type: string, mapping: $.b}]`, `{"a":"x"}`, `{"a":"x","b":null}`},
	{"named outputs that are null", `[{name: a, type: string, mapping: $.a}]`, `{"a":null}`, `{"a":null}`},
	{"named outputs that are all missing", `[{name: a, type: string, mapping: $.a}, {name: b, type: string, mapping: $.b}]`, `{"c":"x"}`, nothingFound},
	{"one named output", `[{name: forecast, type: object, mapping: $.f}]`, `{"f":{"t":1}}`, `{"forecast":{"t":1}}`},
	{"one named output without a mapping", `[{name: id, type: string}]`, `{"id":5}`, `{"id":"5"}`},
	{"one named output of the root passes it", `[{name: result, type: object, mapping: $.}]`, `{"id":5}`, `{"id":5}`},
	{"several named outputs, one of the root", `[{name: all, type: object, mapping: $.}, {name: id, type: string, mapping: $.id}]`, `{"id":5}`, `{"all":{"id":5},"id":"5"}`},
	{"outputs of which not all are named", `[{name: a, type: string, mapping: $.a}, {type: string, mapping: $.b}]`, `{"a":"x","b":"y"}`, `"x"`},

	// Objects
	{"members are found below the object's own node", `[{type: object, mapping: $.forecast, properties: {t: {type: number, mapping: $.t}}}]`, `{"t":1,"forecast":{"t":2}}`, `{"t":2}`},
	{"an object whose node is null", `[{type: object, properties: {o: {type: object, mapping: $.owner, properties: {id: {type: number, mapping: $.id}}}}}]`, `{"id":7,"owner":null}`, `{"o":null}`},
	{"an object whose node is missing", `[{type: object, properties: {o: {type: object, mapping: $.owner, properties: {id: {type: number, mapping: $.id}}}}}]`, `{"id":7}`, `{"o":null}`},
	{"a nested object without a mapping is built from the same node", `[{type: object, properties: {specs: {type: object, properties: {y: {type: number, mapping: $.year}}}}}]`, `{"year":1990,"specs":{"year":1}}`, `{"specs":{"y":1990}}`},
	{"a nested object that only declares a shape is the member of its name", `[{type: object, properties: {specs: {type: object, properties: {year: {type: string}}}}}]`, `{"year":1,"specs":{"year":2}}`, `{"specs":{"year":"2"}}`},
	{"a member without mapping is that of its own name", `[{type: object, properties: {a: {type: string}, l: {type: array, items: {type: string}}, "x y": {type: object}}}]`, `{"l":[1],"a":2,"x y":{"z":1}}`, `{"a":"2","l":["1"],"x y":{"z":1}}`},
	{"members stand in declared order", `[{type: object, properties: {b: {type: number}, a: {type: number}}}]`, `{"a":1,"b":2}`, `{"b":2,"a":1}`},
	{"an object of an array", `[{type: object, properties: {first: {type: number, mapping: "$[0].id"}, n: {type: number, mapping: $.length()}}}]`, `[{"id":1},{"id":2}]`, `{"first":1,"n":2}`},
	{"an object of a scalar", `[{type: object, properties: {a: {type: number}}}]`, `"text"`, `{"a":null}`},

	// Arrays
	{"items without a description stay as they are", `[{type: array, mapping: $.l}]`, `{"l":[{"a":1},2]}`, `[{"a":1},2]`},
	{"items in list form", `[{type: array, mapping: $., items: [{type: object, properties: {a: {type: string, mapping: $.b}}}]}]`, `[{"b":"x"}]`, `[{"a":"x"}]`},
	{"items that are scalars are converted", `[{type: array, mapping: $., items: {type: string, mapping: $.}}]`, `[1,"x",true,null,[2]]`, `["1","x","true",null,[2]]`},
	{"items picked by a path", `[{type: array, mapping: $., items: {type: string, mapping: $.n}}]`, `[{"n":1},{},{"n":null}]`, `["1",null,null]`},
	{"arrays of arrays", `[{type: array, mapping: $., items: {type: array, items: {type: number}}}]`, `[["1",2],[],3]`, `[[1,2],[],null]`},
	{"items that are static", `[{type: array, mapping: $., items: {type: object, properties: {v: {type: number, value: "1"}}}}]`, `[1,2]`, `[{"v":1},{"v":1}]`},
	{"items that are null keep the declared shape", `[{type: array, mapping: $., items: {type: object, properties: {a: {type: number}}}}]`, `[null]`, `[{"a":null}]`},
	{"an array with items, of no array", `[{type: array, mapping: $., items: {type: string}}]`, `{"a":1}`, nothingFound},
	{"an empty array", `[{type: array, mapping: $., items: {type: string}}]`, ` [ ] `, `[]`},
	{"a wildcard gives a list", `[{type: string, mapping: "$.r[*].n"}]`, `{"r":[{"n":1},{},{"n":[2]},5]}`, `[1,[2]]`},
	{"a wildcard, then items", `[{type: array, mapping: "$.r[*].p", items: {type: object, properties: {id: {type: string}}}}]`, `{"r":[{"p":{"id":1,"x":2}},{},{"p":null}]}`, `[{"id":"1"},{"id":null}]`},
	{"two wildcards flatten", `[{type: array, mapping: "$[*].c[*].id", items: {type: string}}]`, `[{"c":[{"id":1},{"id":2}]},{"c":3},{"c":[{"id":4}]}]`, `["1","2","4"]`},
	{"a wildcard over an object", `[{type: array, mapping: "$.m[*].id", items: {type: string}}]`, `{"m":{"a":{"id":1},"b":{"id":2},"a":{"id":3}}}`, `["3","2"]`},
	{"a wildcard over nothing", `[{type: string, mapping: "$.r[*].n"}]`, `{"q":1}`, `[]`},
	{"a filter", `[{type: array, mapping: "$.r[?(@.ok==true)]", items: {type: object, properties: {id: {type: number}}}}]`, `{"r":[{"ok":true,"id":1},{"id":2}]}`, `[{"id":1}]`},
	{"an index from the end", `[{type: string, mapping: "$.r[-1]"}]`, `{"r":[1,2]}`, `"2"`},
	{"an index", `[{type: object, properties: {a: {type: string, mapping: "$.r[1].x[0]"}, b: {type: array, mapping: "$.r[0]"}, c: {type: string, mapping: "$.r[7]"}}}]`, `{"r":[[1],{"x":[true]}]}`, `{"a":"true","b":[1],"c":null}`},

	// Maps
	{"the values of a map", `[{type: object, mapping: $.m, values: {type: object, properties: {id: {type: string}}}}]`, `{"m":{"a":{"id":1},"b":null}}`, `{"a":{"id":"1"},"b":{"id":null}}`},
	{"a map that is none", `[{type: object, mapping: $.m, values: {type: string}}]`, `{"m":[1]}`, nothingFound},
	{"a map as a member", `[{type: object, properties: {m: {type: object, values: {type: number}}}}]`, `{"m":{"a":"1"}}`, `{"m":{"a":1}}`},

	// Scalars
	{"conversions that lose nothing", `[{type: array, mapping: $., items: {type: number}}]`, `["5","-1.50"," 7 ","1e3","0"]`, `[5,-1.50,7,1e3,0]`},
	{"conversions that would lose something", `[{type: array, mapping: $., items: {type: number}}]`, `["05","+5","5 kg","","NaN","0x1",true,[1]]`, `["05","+5","5 kg","","NaN","0x1",true,[1]]`},
	{"to integers", `[{type: array, mapping: $., items: {type: integer}}]`, `["5","5.0","5.5","12345678901234567890",5.5]`, `[5,5.0,"5.5",12345678901234567890,5.5]`},
	{"to booleans", `[{type: array, mapping: $., items: {type: boolean}}]`, `["true","FALSE","yes",1,null]`, `[true,false,"yes",1,null]`},
	{"to strings", `[{type: array, mapping: $., items: {type: string}}]`, `[1.10,false,null,{"a":1}]`, `["1.10","false",null,{"a":1}]`},
	{"a length in code points", `[{type: array, mapping: $., items: {type: string, maxLength: 3}}]`, `["äöüß","abc","\u00e4\u00f6\u00fc\u00df","😀😀😀😀",12345,""]`, `["äöü","abc","äöü","😀😀😀","123",""]`},
	{"a length of what is no string", `[{type: array, mapping: $., items: {type: number, maxLength: 2}}]`, `[12345,"abc"]`, `[12345,"ab"]`},
	{"a length of the root", `[{type: string, mapping: $., maxLength: 2}]`, `"abc"`, `"ab"`},
	{"strings are written the shortest way", `[{type: object, properties: {s: {type: string}}}]`, `{"s":"\u0041\/\n\u20ac\ud83d\ude00"}`, `{"s":"A/\n€😀"}`},

	// Static values
	{"a constant as the answer", `[{type: string, value: ok}]`, `{}`, `"ok"`},
	{"constants get the declared type", `[{type: object, properties: {n: {type: number, value: "5"}, s: {type: string, value: 1.10}, b: {type: boolean, value: "true"}, o: {type: object, value: '{"a": [1]}'}, l: {type: array, value: [1, x]}, c: {type: string, const: k}}}]`, `{}`,
		`{"n":5,"s":"1.10","b":true,"o":{"a":[1]},"l":[1,"x"],"c":"k"}`},
	{"a value wins over a mapping", `[{type: object, properties: {a: {type: string, mapping: $.a, value: v}}}]`, `{"a":1}`, `{"a":"v"}`},
	{"a mapping wins over a const", `[{type: object, properties: {a: {type: string, mapping: $.a, const: v}}}]`, `{"a":1}`, `{"a":"1"}`},
	{"a template reads the answer", `[{type: object, properties: {t: {type: string, value: "{{name}} of {{o.id}} in {{l.0}} ({{a.b}})"}, n: {type: number, value: "{{o.id}}"}}}]`, `{"name":"x","o":{"id":"5"},"l":["z"],"a.b":1}`, `{"t":"x of 5 in z (1)","n":5}`},
	{"a template in items reads the item", `[{type: array, mapping: $.l, items: {type: string, value: "no {{id}}"}}]`, `{"id":0,"l":[{"id":1},{}]}`, `["no 1",null]`},
	{"a template with a path", `[{type: string, value: "n={{$.n}}"}]`, `{"n":1}`, `"n=1"`},
	{"a template without its variable", `[{type: string, value: "n={{n}}"}]`, `{}`, nothingFound},

	// Spellings of paths
	{"names with spaces", `[{type: string, mapping: $.a.First name.b}]`, `{"a":{"First name":{"b":"x"}}}`, `"x"`},
	{"braces around a path", `[{type: string, mapping: "{{$.login}}"}]`, `{"login":"x"}`, `"x"`},
	{"a name of any characters", `[{type: object, properties: {"q\"'\n\u0001\\.[*]": {type: string}}}]`, `{"q\"'\n\u0001\\.[*]":1}`, `{"q\"'\n\u0001\\.[*]":"1"}`},
	{"no $", `[{type: string, mapping: login}]`, `{"login":"x"}`, `"x"`},
	{"a value that is a path", `[{name: id, type: string, value: $.login}]`, `{"login":"x"}`, `{"id":"x"}`},
	{"the last of equal names", `[{type: object, properties: {a: {type: number, mapping: $.o.a}, b: {type: number, mapping: $.o.b}, c: {type: object, mapping: $.c}}}]`, `{"o":{"a":1,"b":2},"o":{"b":3},"c":{"x":1,"y":2,"x":3}}`, `{"a":null,"b":3,"c":{"x":3,"y":2}}`},
}

func TestApply(t *testing.T) {
	for _, v := range vectors {
		t.Run(v.name, func(t *testing.T) {
			if got := shaped(program(t, v.outputs).Apply(nil, parse(t, v.answer))); got != v.want {
				t.Errorf("%s of %s\n got %s\nwant %s", v.outputs, v.answer, got, v.want)
			}
		})
	}
}

func TestStream_doesAsApply(t *testing.T) {
	streamed := 0
	for _, v := range vectors {
		p := program(t, v.outputs)
		if p.Streamable() {
			streamed++
		}
		if p.Identity() {
			continue
		}
		out, ok, err := p.Stream(nil, []byte("x"), []byte(v.answer))
		got := strings.TrimPrefix(string(out), "x")
		if !ok && got == "" {
			got = nothingFound
		}
		if err != nil || got != v.want {
			t.Errorf("%s: %s of %s\n got %s, %v\nwant %s", v.name, v.outputs, v.answer, got, err, v.want)
		}
	}
	if streamed < len(vectors)*2/3 {
		t.Errorf("only %d of %d are streamed", streamed, len(vectors))
	}
}

func TestApply_ofNoAnswerFindsNothing(t *testing.T) {
	if v, ok := program(t, `[{type: string, value: x}]`).Apply(nil, value.Value{}); ok {
		t.Errorf("got %s", v.Text())
	}
}

func TestIdentity(t *testing.T) { // semantics 5.2
	if !(*Program)(nil).Identity() || (*Program)(nil).Streamable() || (*Program)(nil).Schema() != nil {
		t.Error("no program is no identity")
	}
	root := parse(t, `{"a":1}`)
	if v, ok := (*Program)(nil).Apply(nil, root); !ok || !value.Equal(v, root) {
		t.Error("no program changes the answer")
	}
	for text, want := range map[string]bool{
		`[]`:                                    true,
		`[{type: object, mapping: $.}]`:         true,
		`[{type: array, mapping: $}]`:           true,
		`[{type: string, mapping: " $. "}]`:     true,
		`[{type: object}]`:                      true,
		`[{type: object, value: $.}]`:           true,
		`[{name: r, type: array, mapping: $.}]`: true,
		`[{type: object, mapping: $.}, {type: string, mapping: $.a}]`:              true,
		`[{type: array, mapping: $.}, {type: string, mapping: $.a}]`:               false,
		`[{name: r, type: object, mapping: $.}, {name: s, type: s, mapping: $.s}]`: false,
		`[{name: r, type: object}]`:                                                false,
		`[{type: string, mapping: $., maxLength: 5}]`:                              false,
		`[{type: array, mapping: $., items: {type: string}}]`:                      false,
		`[{type: object, mapping: $., properties: {a: {type: string}}}]`:           false,
		`[{type: object, mapping: $., values: {type: string}}]`:                    false,
		`[{type: string, mapping: $.a}, {type: object, mapping: $.}]`:              false,
		`[{type: string, value: constant}]`:                                        false,
	} {
		if p := program(t, text); p.Identity() != want {
			t.Errorf("%s: identity is %v", text, !want)
		} else if want && (p.Streamable() || p.Schema() != nil) {
			t.Errorf("%s: the identity is streamed or has a schema", text)
		}
	}
}

func TestCompile_reportsPaths(t *testing.T) {
	var diags diag.List
	p := Compile(outputs(t, `[{type: object, properties: {a: {type: string, mapping: "$.a["}, b: {type: string, mapping: $.b-c}, c: {type: string, value: "{{x"}, d: {type: string, mapping: $.}}}]`), &diags)
	const want = `test.yaml:9:86: error: the mapping “$.a[” is not a JSONPath`
	if len(diags) != 3 || !strings.HasPrefix(diags[0].Error(), want) || diags[0].Code != diag.BadPath.ID {
		t.Errorf("got %v", diags)
	}
	if d := diags[1]; d.Code != diag.LenientPath.ID || d.Range.Start.Column != 119 ||
		d.Hint != "In RFC 9535: $['b-c']" {
		t.Errorf("got %v", d)
	}
	if d := diags[2]; d.Code != diag.BadTemplate.ID {
		t.Errorf("got %v", d)
	}
	if got := shaped(p.Apply(nil, parse(t, `{"a":1,"b-c":"x"}`))); got != `{"a":null,"b":"x","c":null,"d":{"a":1,"b-c":"x"}}` {
		t.Errorf("got %s", got)
	}
}

func TestCompile_ofWhatIsBrokenFindsNothing(t *testing.T) {
	var diags diag.List
	p := Compile(outputs(t, `[{type: object, mapping: "$[", properties: {a: {type: string}}}, {type: string, mapping: $.b}]`), &diags)
	if got := shaped(p.Apply(nil, parse(t, `{"a":1,"b":2}`))); got != `"2"` || diags.Count(diag.Error) != 1 {
		t.Errorf("got %s, %v", got, diags)
	}
	out, ok, err := p.Stream(nil, nil, []byte(`{"a":1,"b":2}`))
	if string(out) != `"2"` || !ok || err != nil || !p.Streamable() {
		t.Errorf("got %s %v %v", out, ok, err)
	}
}

func TestCompileOrchestrated(t *testing.T) {
	for _, v := range []vector{
		{"declared members in declared order, converted", `[{name: b, type: number}, {name: a, type: string}]`, `{"a":1,"b":"2","c":3}`, `{"b":2,"a":"1"}`},
		{"missing members are null", `{a: {type: string}, b: {type: number}}`, `{"a":"x"}`, `{"a":"x","b":null}`},
		{"nothing declared is there", `{a: {type: string}}`, `{"b":"x"}`, nothingFound},
		{"nothing is declared", `[]`, `{"b":"x"}`, `{"b":"x"}`},
		{"items as named fields in a list", `[{name: crew, type: array, items: [{name: n, type: string}, {name: r, type: string}]}]`, `{"crew":[{"n":1,"r":"x","s":2}]}`, `{"crew":[{"n":"1","r":"x"}]}`},
		{"items as a map of fields", `{crew: {type: array, items: {n: {type: string}}}}`, `{"crew":[{"n":1,"r":"x"}]}`, `{"crew":[{"n":"1"}]}`},
		{"nested objects are members", `{o: {type: object, properties: {p: {type: object, properties: {a: {type: number}}}}}}`, `{"a":1,"o":{"p":{"a":"2"}}}`, `{"o":{"p":{"a":2}}}`},
		{"what has another shape stays", `{crew: {type: array, items: {n: {type: string}}}, o: {type: object, properties: {a: {type: string}}}}`, `{"crew":{"n":1},"o":[1]}`, `{"crew":{"n":1},"o":[1]}`},
		{"an unnamed object declares the members", `[{type: object, properties: {a: {type: string}}}]`, `{"a":1,"b":2}`, `{"a":"1"}`},
		{"the root", `[{type: object, mapping: $.}]`, `{"a":1}`, `{"a":1}`},
	} {
		t.Run(v.name, func(t *testing.T) {
			var diags diag.List
			p := CompileOrchestrated(outputs(t, v.outputs), &diags)
			if got := shaped(p.Apply(nil, parse(t, v.answer))); got != v.want || len(diags) > 0 || p.Streamable() {
				t.Errorf("got %s, want %s, %v", got, v.want, diags)
			}
		})
	}
}

func TestCompileStep(t *testing.T) {
	for _, v := range []vector{
		{"outputs are added to the answer", `[{name: imo, type: string, value: $.imo_number}, {name: none, type: string, value: $.x}]`, `{"imo_number":7,"y":1}`, `{"imo_number":7,"y":1,"imo":"7","none":null}`},
		{"an output hides the member of its name", `[{name: id, type: string, value: $.data.id}]`, `{"id":1,"data":{"id":2}}`, `{"id":"2","data":{"id":2}}`},
		{"the whole answer, by name and by member", `[{name: result, type: object, value: $.}]`, `{"a":1}`, `{"a":1,"result":{"a":1}}`},
		{"the whole answer, though it is no array", `[{name: result, type: array, value: $.}]`, `{"a":1}`, `{"a":1,"result":{"a":1}}`},
		{"items of an array get the outputs", `[{name: n, type: string, value: $.name}, {name: result, type: object, value: $.}]`, `[{"name":1},{},2]`, `[{"name":1,"n":"1"},{"n":null},2]`},
		{"a scalar gives the outputs alone", `[{name: result, type: object, value: $.}]`, `"x"`, `{"result":"x"}`},
		{"an output without a name", `[{type: string, value: $.a}]`, `{"a":1}`, `"1"`},
		{"named ones among others", `[{type: string, value: $.a}, {name: b, type: string, value: $.b}]`, `{"b":1}`, `{"b":"1"}`},
		{"an output without a value", `[{name: a, type: string}]`, `{"a":1}`, `{"a":"1"}`},
		{"no outputs", `[]`, `{"a":1}`, `{"a":1}`},
	} {
		t.Run(v.name, func(t *testing.T) {
			var diags diag.List
			p := CompileStep(outputs(t, v.outputs), &diags, false)
			if got := shaped(p.Apply(nil, parse(t, v.answer))); got != v.want || len(diags) > 0 || p.Streamable() {
				t.Errorf("got %s, want %s, %v", got, v.want, diags)
			}
		})
	}
}
