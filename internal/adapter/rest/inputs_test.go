package rest

import (
	"cmp"
	"net/http"
	"strings"
	"testing"

	"github.com/fairlead/fairlead/internal/jsonpath"
	"github.com/fairlead/fairlead/internal/plan"
	"github.com/fairlead/fairlead/internal/schema"
	"github.com/fairlead/fairlead/internal/value"
)

func path(t *testing.T, expr string) func(*plan.Input) {
	t.Helper()
	p, _, err := jsonpath.Compile(expr, jsonpath.Lenient)
	if err != nil {
		t.Fatal(err)
	}
	return func(in *plan.Input) { in.Select = p }
}

func TestHandler_takesInputsFromTheirPlaces(t *testing.T) {
	const form = "Content-Type: application/x-www-form-urlencoded"
	tests := map[string]struct {
		input   *plan.Input
		rest    string // of the path, when not 7
		target  string // after it
		body    string
		headers []string
		want    string // JSON; "" for nothing given
	}{
		"path":                         {input: input("id", plan.InPath, "string"), want: `"7"`},
		"path under another key":       {input: input("app", plan.InPath, "string", key("id")), want: `"7"`},
		"path, converted":              {input: input("id", plan.InPath, "integer"), want: `7`},
		"path, list":                   {input: input("id", plan.InPath, "array"), rest: "1,%202", want: `["1"," 2"]`},
		"path, JSON list":              {input: input("id", plan.InPath, "array"), rest: "%5B1,2%5D", want: `[1,2]`},
		"path, text with comma":        {input: input("id", plan.InPath, "string"), rest: "1,2", want: `"1,2"`},
		"query":                        {input: input("q", plan.InQuery, "string"), target: "?a=1&q=x%20y%2B+z&b", want: `"x y+ z"`},
		"query, encoded key":           {input: input("q-ü", plan.InQuery, "string"), target: "?q-%C3%BC=1", want: `"1"`},
		"query, plus in key":           {input: input("a b", plan.InQuery, "string"), target: "?a+b=1", want: `"1"`},
		"query, first of several":      {input: input("q", plan.InQuery, "string"), target: "?q=1&q=2", want: `"1"`},
		"query, empty":                 {input: input("q", plan.InQuery, "string"), target: "?q=", want: `""`},
		"query, absent":                {input: input("q", plan.InQuery, "string"), target: "?Q=1&p=q", want: ``},
		"query, semicolon":             {input: input("q", plan.InQuery, "string"), target: "?q=a;b=c", want: `"a;b=c"`},
		"query, boolean":               {input: input("q", plan.InQuery, "boolean"), target: "?q=true", want: `true`},
		"query, any type":              {input: input("q", plan.InQuery, ""), target: "?q=5", want: `"5"`},
		"query, any type, repeated":    {input: input("q", plan.InQuery, ""), target: "?q=5&q=a%20b&q=", want: `["5","a b",""]`},
		"query, object":                {input: input("q", plan.InQuery, "object"), target: "?q=%7B%22a%22:1%7D", want: `{"a":1}`},
		"list, repeated":               {input: input("q", plan.InQuery, "array"), target: "?q=a&x=1&q=b%2Cc&q=", want: `["a","b,c",""]`},
		"list, repeated with commas":   {input: input("q", plan.InQuery, "array"), target: "?q=a,b&q=c", want: `["a,b","c"]`},
		"list, commas":                 {input: input("q", plan.InQuery, "array"), target: "?q=a,b%2Cc,%20d", want: `["a","b,c"," d"]`},
		"list, one with encoded comma": {input: input("q", plan.InQuery, "array"), target: "?q=a%2Cb", want: `["a,b"]`},
		"list, JSON":                   {input: input("q", plan.InQuery, "array"), target: "?q=%5B1,2%5D", want: `[1,2]`},
		"list of integers":             {input: input("q", plan.InQuery, "array", func(in *plan.Input) { in.Schema.Items = &schema.Schema{Type: "integer"} }), target: "?q=1,2", want: `[1,2]`},
		"header":                       {input: input("seon-fp", plan.InHeader, "string", key("Seon-Fp")), headers: []string{"SEON-FP: abc", "seon-fp: other"}, want: `"abc"`},
		"header, list":                 {input: input("h", plan.InHeader, "array", key("H")), headers: []string{"H: a, b", "H: c"}, want: `["a","b","c"]`},
		"header, JSON list":            {input: input("h", plan.InHeader, "array", key("H")), headers: []string{`H: ["a,b"]`}, want: `["a,b"]`},
		"header, absent":               {input: input("h", plan.InHeader, "string", key("H")), want: ``},
		"cookie":                       {input: input("sid", plan.InCookie, "string"), headers: []string{"Cookie: a=b; sid=123; c=d"}, want: `"123"`},
		"cookie, absent":               {input: input("sid", plan.InCookie, "string"), headers: []string{"Cookie: sid2=1"}, want: ``},
		"member":                       {input: input("m", plan.InBody, ""), body: `{"a":1,"m":{"deep":1.10}}`, want: `{"deep":1.10}`},
		"member, long number":          {input: input("m", plan.InBody, "integer"), body: `{"m":12345678901234567890}`, want: `12345678901234567890`},
		"member, absent":               {input: input("m", plan.InBody, ""), body: `{"a":{"m":1}}`, want: ``},
		"member, null":                 {input: input("m", plan.InBody, ""), body: `{"m":null}`, want: ``},
		"member, no body":              {input: input("m", plan.InBody, "string"), want: ``},
		"member, JSON type":            {input: input("m", plan.InBody, ""), body: `{"m":1}`, headers: []string{"Content-Type: application/json; charset=utf-8"}, want: `1`},
		"member, JSON suffix":          {input: input("m", plan.InBody, ""), body: `{"m":1}`, headers: []string{"Content-Type: application/Merge-Patch+json"}, want: `1`},
		"member, no type":              {input: input("m", plan.InBody, ""), body: `{"m":1}`, want: `1`},
		"member, byte order mark":      {input: input("m", plan.InBody, ""), body: "\uFEFF" + `{"m":1}`, headers: []string{"Content-Type: application/json"}, want: `1`},
		"member, only a mark":          {input: input("m", plan.InBody, "integer"), body: "\uFEFF", headers: []string{form}, want: ``},
		"member, form":                 {input: input("m", plan.InBody, "integer"), body: `a=b&m=5&m=6`, headers: []string{form}, want: `5`},
		"member, form list":            {input: input("m", plan.InBody, "array"), body: `m=5&m=6`, headers: []string{form + "; charset=UTF-8"}, want: `["5","6"]`},
		"member, JSON said to be form": {input: input("m", plan.InBody, "integer"), body: `{"m":5}`, headers: []string{form}, want: `5`},
		"selected":                     {input: input("m", plan.InBody, "", path(t, "$.user.name")), body: `{"user":{"name":"x"}}`, want: `"x"`},
		"selected, nothing":            {input: input("m", plan.InBody, "", path(t, "$.user.name")), body: `{"user":{}}`, want: ``},
		"selected, several":            {input: input("m", plan.InBody, "array", path(t, "$[*].id")), body: `[{"id":1},{"id":2}]`, want: `[1,2]`},
		"selected, none of several":    {input: input("m", plan.InBody, "array", path(t, "$[*].id")), body: `[]`, want: ``},
		"default":                      {input: input("q", plan.InQuery, "string", fallback(value.Of("d"))), want: `"d"`},
		"default, required":            {input: input("q", plan.InQuery, "string", required, fallback(value.Of("d"))), want: `"d"`},
		"default, not needed":          {input: input("q", plan.InQuery, "string", fallback(value.Of("d"))), target: "?q=x", want: `"x"`},
		"default of a member":          {input: input("m", plan.InBody, "string", fallback(value.Of("d"))), body: `{}`, want: `"d"`},
		"fixed by the plan":            {input: input("q", plan.InPlan, "string", required, fallback(value.Of("d"))), target: "?q=x", want: ``},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			inv := &invoker{}
			w := do(handlerOf(inv, operationOf("POST", "/x/{id}", tt.input)), "POST",
				"/x/"+cmp.Or(tt.rest, "7")+tt.target, tt.body, tt.headers...)
			if w.Code != 200 || len(inv.args.Values) != 1 {
				t.Fatalf("got %d: %s", w.Code, w.Body)
			}
			got := ""
			if v := inv.args.Values[0]; !v.IsAbsent() {
				got = string(v.AppendJSON(nil))
			}
			if got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
			if inv.args.Entity != nil {
				t.Error("hands on a body that is no input")
			}
		})
	}
}

func TestHandler_keepsNothingOfAnEarlierRequest(t *testing.T) {
	inv := &invoker{}
	h := handlerOf(inv, operationOf("GET", "/x", input("a", plan.InQuery, "string"),
		input("b", plan.InQuery, "array")), operationOf("GET", "/y/{v}"))
	for range 3 {
		do(h, "GET", "/x?a=secret&b=1&b=2", "", "Authorization: Bearer t", "Traceparent: 00-1")
		do(h, "GET", "/y/secret", "")
		do(h, "GET", "/x", "")
		if a := inv.args; !a.Values[0].IsAbsent() || !a.Values[1].IsAbsent() || a.Authorization != "" ||
			a.Trace != nil {
			t.Fatalf("got %+v", a)
		}
	}
}

func TestHandler_reportsAllThatIsWrongAtOnce(t *testing.T) {
	route := operationOf("POST", "/x/{id}",
		input("id", plan.InPath, "integer", required),
		input("q", plan.InQuery, "string", required),
		input("limit", plan.InQuery, "integer", key("max")),
		input("tags", plan.InQuery, "array",
			func(in *plan.Input) { in.Schema.Items = &schema.Schema{Type: "integer"} }),
		input("bad", plan.InQuery, "string", required),
		input("fp", plan.InHeader, "string", required, key("Seon-Fp")),
		input("sid", plan.InCookie, "string", required),
		input("email", plan.InBody, "string", required),
		input("address", plan.InBody, "object", func(in *plan.Input) {
			in.Schema.Properties = []schema.Property{{Name: "zip", Schema: &schema.Schema{Type: "integer"}}}
		}),
		input("optional", plan.InQuery, "string"),
	)
	inv := &invoker{}
	w := do(handlerOf(inv, route), "POST", "/x/seven?max=many&tags=1,two&bad=%zz", `{"address":{"zip":"x"}}`)
	p := problemOf(t, w)
	want := `[{"name":"bad","in":"query","detail":"is not validly percent-encoded"},` +
		`{"name":"id","in":"path","detail":"must be an integer, not the string \"seven\""},` +
		`{"name":"q","in":"query","detail":"is required: send it as query parameter q"},` +
		`{"name":"limit","in":"query","detail":"must be an integer, not the string \"many\""},` +
		`{"name":"tags[1]","in":"query","detail":"must be an integer, not the string \"two\""},` +
		`{"name":"fp","in":"header","detail":"is required: send it as header Seon-Fp"},` +
		`{"name":"sid","in":"cookie","detail":"is required: send it as cookie sid"},` +
		`{"name":"email","in":"body","detail":"is required: send it as member of the body: email"},` +
		`{"name":"address.zip","in":"body","detail":"must be an integer, not the string \"x\""}]`
	if got := string(p.Get("errors").AppendJSON(nil)); w.Code != 400 || got != want {
		t.Errorf("got %d\n%s\nwant\n%s", w.Code, got, want)
	}
	if p.Get("type").Text() != "https://fairlead.dev/problems/bad-input" ||
		!strings.Contains(p.Get("detail").Text(), "q is required: send it as query parameter q; ") {
		t.Error(p.Indent())
	}
	if inv.unit != nil {
		t.Error("the unit ran")
	}
}

func TestHandler_passesAuthorizationAndTraceButNoBaggage(t *testing.T) {
	inv := &invoker{}
	do(handlerOf(inv, operationOf("GET", "/x")), "GET", "/x", "", "Authorization: Bearer abc",
		"Traceparent: 00-1-2-01", "Tracestate: a=1", "Tracestate: b=2", "Baggage: user=1")
	if inv.args.Authorization != "Bearer abc" {
		t.Errorf("authorization is %q", inv.args.Authorization)
	}
	want := http.Header{"Traceparent": {"00-1-2-01"}, "Tracestate": {"a=1", "b=2"}}
	if got := inv.args.Trace; len(got) != 2 || got.Get("Traceparent") != want.Get("Traceparent") ||
		strings.Join(got["Tracestate"], ",") != "a=1,b=2" {
		t.Errorf("trace is %v", got)
	}
	do(handlerOf(inv, operationOf("GET", "/x")), "GET", "/x", "", "Tracestate: a=1", "Baggage: user=1")
	if inv.args.Trace != nil {
		t.Errorf("trace without parent is %v", inv.args.Trace)
	}
}

func FuzzHandler_pairs(f *testing.F) {
	for _, query := range []string{"a=1&b=2&b=3", "a=%zz", "&&=&a", "b=[1,2]", "b=a,b%2C", "%61=1+2", "b=%5B"} {
		f.Add(query)
	}
	f.Fuzz(func(t *testing.T, query string) {
		inv := &invoker{}
		h := handlerOf(inv, operationOf("POST", "/x", input("a", plan.InBody, "string"),
			input("b", plan.InBody, "array")))
		w := do(h, "POST", "/x", query, "Content-Type: application/x-www-form-urlencoded")
		if w.Code != 200 && w.Code != 400 {
			t.Fatalf("%q gives %d", query, w.Code)
		}
		if w.Code == 200 {
			if kind := inv.args.Values[1].Kind(); kind != value.Absent && kind != value.Array {
				t.Fatalf("%q gives a list of kind %s", query, kind)
			}
		}
	})
}
