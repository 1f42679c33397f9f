package script

import (
	"errors"
	"strings"
	"testing"
)

// TestRun_answers runs each script in this process, as a worker would.
func TestRun_answers(t *testing.T) {
	const context = `{"b": 1, "a": [1.5, true, null, "é\u0000"], "id": 9223372036854775807, "huge": 123456789012345678901234567890, "__proto__": {"x": 1}, "price": 1.10, "big": 1e21}`
	tests := []struct{ name, language, source, want string }{
		{"js: nothing assigned", "js", `var other = 1`, ``},
		{"js: undefined", "js", `result = undefined`, ``},
		{"js: null", "js", `result = null`, `null`},
		{"js: assigned", "js", `result = context.b`, `1`},
		{"js: var", "js", `var result = context.b`, `1`},
		{"js: let", "js", `let result = context.b`, `1`},
		{"js: const", "js", `const result = context.b`, `1`},
		{"js: const context", "js", `const {a, b} = context; const result = {b, a}`, `{"b":1,"a":[1.5,true,null,"é\u0000"]}`},
		{"js: everything as it came", "js", `result = context`, `{"b":1,"a":[1.5,true,null,"é\u0000"],"id":9223372036854775807,"huge":123456789012345678901234567890,"__proto__":{"x":1},"price":1.1,"big":1e+21}`},
		{"js: 64-bit arithmetic", "js", `result = context.id - 1n`, `9223372036854775806`},
		{"js: safe integers are numbers", "js", `result = [typeof context.b, typeof context.id]`, `["number","bigint"]`},
		{"js: no prototype from data", "js", `result = [context.x, Object.keys(context).length]`, `[null,7]`},
		{"js: what stringify omits", "js", `result = {a: undefined, b: () => 1, c: [undefined, () => 1, Symbol()], d: Symbol()}`, `{"c":[null,null,null]}`},
		{"js: toJSON", "js", `result = {at: new Date(0), x: {toJSON() { return {toJSON() {}, y: 1} }}}`, `{"at":"1970-01-01T00:00:00.000Z","x":{"y":1}}`},
		{"js: boxed", "js", `result = [new String("s"), new Number(1.5), new Boolean(false)]`, `["s",1.5,false]`},
		{"js: raw JSON", "js", `result = JSON.rawJSON("1.10")`, `1.10`},
		{"js: proxy", "js", `result = new Proxy({a: 1}, {get: () => 2})`, `{"a":2}`},
		{"js: proxy of an array", "js", `result = new Proxy([1, [2]], {})`, `[1,[2]]`},
		{"js: negative zero", "js", `result = [-0, 1e21, 1e-7, 0.1 + 0.2]`, `[0,1e+21,1e-7,0.30000000000000004]`},
		{"js: async", "js", `async function f() { await null; result = 1 } f()`, `1`},
		{"js: promise", "js", `result = (async () => 5)()`, `5`},
		{"js: console says nothing", "js", `console.log("x"); console.error(context); result = 1`, `1`},
		{"js: sparse", "js", `result = [1,,3]`, `[1,null,3]`},
		{"js: class", "js", `class P { #x = 1; get x() { return this.#x } y = this.x } result = new P`, `{"y":1}`},
		{"js: lone surrogate", "js", `result = "\ud800x"`, `"` + "\ufffd" + `x"`},

		{"starlark: nothing assigned", "starlark", `other = 1`, ``},
		{"starlark: None", "python", `result = None`, `null`},
		{"starlark: everything as it came", "python", `result = context`, `{"b":1,"a":[1.5,true,null,"é\u0000"],"id":9223372036854775807,"huge":123456789012345678901234567890,"__proto__":{"x":1},"price":1.1,"big":1e+21}`},
		{"starlark: 64-bit arithmetic", "python", `result = context["id"] - 1`, `9223372036854775806`},
		{"starlark: collections", "python", `result = {"t": (1, 2), "s": set([1]), "r": range(3), 5: "five"}`, `{"t":[1,2],"s":[1],"r":[0,1,2],"5":"five"}`},
		{"starlark: top level loops", "python", "result = 0\nfor x in [1, 2, 3]:\n    result += x\nwhile result < 10:\n    result += 1", `10`},
		{"starlark: functions", "python", "def fact(n):\n    return 1 if n < 2 else n * fact(n - 1)\nresult = fact(25)", `15511210043330985984000000`},
		{"starlark: comprehension and sum", "python", `result = {"avg": round(sum([x * 1.0 for x in [1, 2, 2]]) / 3, 2), "max": max([1, 2])}`, `{"avg":1.67,"max":2}`},
		{"starlark: round as Python", "python", `result = [round(2.5), round(3.5), round(-2.5), round(2.675, 2), round(7), round(7, 2), sum([], 1.5)]`, `[2,4,-2,2.67,7,7,1.5]`},
		{"starlark: print says nothing", "python", `print("x")` + "\nresult = 1", `1`},
		{"starlark: half a letter", "python", `result = "é"[:1]`, `"` + "\ufffd" + `"`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p := check(t, test.language, test.source)
			program, refused := compile(p.Language, p.sources())
			if refused != nil {
				t.Fatal(refused)
			}
			got, failed := program.run([]byte(context), limits{statements: 1000, output: 1 << 20})
			if failed != nil {
				t.Fatal(failed)
			}
			if string(got) != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

func TestRun_fails(t *testing.T) {
	deep := strings.Repeat("x = [x];", 600)
	tests := []struct{ name, language, source, want string }{
		{"js: throw", "js", "\n  throw new Error('no')", "run script: Error: no (line 2, column 9)"},
		{"js: throw text", "js", "throw 'no'", "run script: no (line 1, column 1)"},
		{"js: type error", "js", "var f = () => context.a.b.c;\nresult = f()",
			"run script: TypeError: Cannot read property 'b' of undefined (line 1, column 25)"},
		{"js: inside a native", "js", "result = [1].map(x =>\n x.y.z)",
			"run script: TypeError: Cannot read property 'z' of undefined (line 2, column 6)"},
		{"js: in a getter of the result", "js", "result = {get a() {\n return nope }}",
			"run script: ReferenceError: nope is not defined (line 2, column 9)"},
		{"js: unprintable", "js", "throw {toString() { throw 1 }}",
			"run script: an object that cannot be printed (line 1, column 1)"},
		{"js: long message", "js", "throw 'é'.repeat(1e6)", "run script: " + strings.Repeat("é", 500) +
			"… (line 1, column 1)"},
		{"js: endless recursion", "js", "function f() { f() }\nf()",
			"run script: more than 4000 calls are open (endless recursion?) (line 1, column 17)"},
		{"js: endless recursion in the result", "js", "result = {get a() { return this.a }}",
			"run script: more than 4000 calls are open (endless recursion?) (line 1, column 33)"},
		{"js: rejected promise", "js", "(async () => { throw new Error('late') })()",
			"run script: a promise was rejected: Error: late"},
		{"js: result is a rejected promise", "js", "result = Promise.reject('no'); result.catch(() => {})",
			"run script: a promise was rejected: no"},
		{"js: result is a waiting promise", "js", "result = new Promise(() => {})",
			"run script: result is a Promise: await it"},
		{"js: NaN", "js", "result = {a: [1, 0 / 0]}", "run script: result.a[1] is NaN, which JSON cannot hold"},
		{"js: Map", "js", "result = [new Map()]",
			"run script: result[0] is a Map, a Set or another iterable: use Object.fromEntries or Array.from"},
		{"js: iterator", "js", "result = {a: [1].values()}",
			"run script: result.a is a Map, a Set or another iterable: use Object.fromEntries or Array.from"},
		{"js: RegExp", "js", "result = /a/", "run script: result is a RegExp: use its source"},
		{"js: Error", "js", "try { nope() } catch (e) { result = e }",
			"run script: result is an Error: use its message"},
		{"js: cycle", "js", "result = {}; result.a = result", "nests deeper than 512 levels, or contains itself"},
		{"js: deep", "js", "let x = 1;" + deep + "result = x", "nests deeper than 512 levels, or contains itself"},
		{"js: long", "js", "result = 'x'.repeat(20000)", "run script: result is longer than 10000 bytes of JSON"},
		{"js: just too long", "js", "result = ['x'.repeat(9996), 1]",
			"run script: result is longer than 10000 bytes of JSON"},
		{"js: endless array", "js", "result = []; result.length = 4294967295",
			"run script: result is longer than 10000 bytes of JSON"},
		{"js: long name", "js", "result = {['x'.repeat(20000)]: 1}",
			"run script: result is longer than 10000 bytes of JSON"},
		{"js: name", "js", "result = {a: {'\\ud800': 1}}", "run script: result.a has a name that is not Unicode"},
		{"js: redeclared", "js", "let a; eval('let b'); new Function('(')", "SyntaxError"},

		{"starlark: fail", "starlark", "\nfail('no')", "run script: fail: no (line 2, column 5)"},
		{"starlark: in a function", "starlark", "def f(x):\n    return x['k']\nresult = f({})", `run script: key "k" not in dict (line 2, column 13)`},
		{"starlark: endless loop", "starlark", "while True:\n    pass", "more than 1000 statements"},
		{"starlark: NaN", "starlark", "result = [float('nan')]",
			"run script: result[0] is nan, which JSON cannot hold"},
		{"starlark: function", "starlark", "result = {'f': len}",
			"run script: result.f is a builtin_function_or_method, which JSON cannot hold"},
		{"starlark: key", "starlark", "result = {(1, 2): 3}",
			"run script: result has a key of type tuple, which JSON cannot hold"},
		{"starlark: equal keys", "starlark", "result = {'1': 1, 1: 1}",
			"run script: result has the key 1 as a number and as text"},
		{"starlark: cycle", "starlark", "result = []\nresult.append(result)",
			"nests deeper than 512 levels, or contains itself"},
		{"starlark: long", "starlark", "result = range(1 << 30)",
			"run script: result is longer than 10000 bytes of JSON"},
		{"starlark: half a letter in an error", "starlark", "fail('é'[:1])",
			"run script: fail: \ufffd (line 1, column 5)"},
		{"starlark: negative places", "starlark", "round(1.5, -1)",
			"run script: round: ndigits must be an integer from 0 to 300 (line 1, column 6)"},
		{"starlark: sum of text", "starlark", "sum(['a'])",
			"run script: sum: unknown binary op: int + string (line 1, column 4)"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p := check(t, test.language, test.source)
			program, refused := compile(p.Language, p.sources())
			if refused != nil {
				t.Fatal(refused)
			}
			got, failed := program.run([]byte("{}"), limits{statements: 1000, output: 10_000})
			if failed == nil {
				t.Fatalf("got %.100s", got)
			}
			if !strings.Contains(failed.Error(), test.want) {
				t.Errorf("got  %s\nwant %s", failed, test.want)
			}
		})
	}
}

func TestCheck_refuses(t *testing.T) {
	pool := newPool(t, Config{Workers: 1})
	tests := []struct{ name, language, source, want string }{
		{"js: syntax", "javascript", "var a = 1\nvar = 2", "compile script: Unexpected token = (line 2, column 5)"},
		{"js: module", "javascript", "import fs from 'fs'", "(line 1, column 1)"},
		{"js: early error", "javascript", "let a\nlet a", "already been declared (line 2, column 5)"},
		{"js: return", "javascript", "return 1", "(line 1, column 1)"},
		{"js: regexp", "javascript", "result = /(/", "(line 1, column"},
		{"js: top-level await", "javascript", "result = await f()", "(line 1, column"},
		{"not UTF-8", "javascript", "ab\nc\xff", "compile script: the source is not UTF-8 (line 2, column 2)"},
		{"too long", "javascript", strings.Repeat(" ", MaxSource+1), "longer than 512 KiB"},
		{"import", "python", "\nimport json", "modules cannot be imported (line 2, column 1)"},
		{"from", "python", "from os import path", "modules cannot be imported (line 1, column 1)"},
		{"class", "python", "class A:\n    pass", "there are no classes (line 1, column 1)"},
		{"try", "python", "try:\n    pass\nexcept:\n    pass", "there are no exceptions (line 1, column 1)"},
		{"f-string", "python", "result = f'{1}'", "(line 1, column"},
		{"unknown name", "python", "x = 1\nresult = open('/etc/passwd')",
			"compile script: undefined: open (line 2, column 10)"},
		{"load", "python", "load('x.star', 'x')",
			"there is nothing to load: name the file among the dependencies (line 1, column 6)"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p, err := Check(test.language, test.source)
			if err == nil {
				err = pool.Check(t.Context(), p)
			}
			var refused *SyntaxError
			if !errors.As(err, &refused) {
				t.Fatalf("got %v", err)
			}
			if !strings.Contains(err.Error(), test.want) {
				t.Errorf("got  %v\nwant %s", err, test.want)
			}
		})
	}
}

func TestCheck_refusesOtherLanguages(t *testing.T) {
	for _, language := range []string{"groovy", "", "lua"} {
		var refused *LanguageError
		if _, err := Check(language, "1"); !errors.As(err, &refused) ||
			!strings.Contains(err.Error(), "use javascript or starlark") {
			t.Errorf("%s: got %v", language, err)
		}
	}
}

func TestCheck_namesTheLanguage(t *testing.T) {
	for spelling, want := range map[string]string{"JavaScript": JavaScript, "js": JavaScript, "python": Starlark,
		"starlark": Starlark} {
		if p := check(t, spelling, "\ufeffresult = 1"); p.Language != want || p.Source != "result = 1" {
			t.Errorf("%s: got %+v", spelling, p)
		}
	}
}

func TestDependencies_shareTheScope(t *testing.T) {
	tests := []struct {
		name, language, source string
		dependencies           []string
		want                   string
	}{
		{"js", "js", "count = 5; const result = [twice(count), read(), LIMIT]",
			[]string{"var count = 1; const LIMIT = 9; function read() { return count }", "let twice = x => 2 * x"}, `[10,5,9]`},
		{"starlark", "starlark", "count = 5\nresult = [twice(count), read()]",
			[]string{"count = 1\ndef read():\n    return count", "def twice(x):\n    return 2 * x\n\n"}, `[10,5]`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p := check(t, test.language, test.source, test.dependencies...)
			program, refused := compile(p.Language, p.sources())
			if refused != nil {
				t.Fatal(refused)
			}
			got, failed := program.run([]byte("{}"), limits{statements: 1000, output: 10_000})
			if failed != nil || string(got) != test.want {
				t.Errorf("got %s, %v", got, failed)
			}
		})
	}
}

func TestDependencies_arePlacedInErrors(t *testing.T) {
	pool := newPool(t, Config{Workers: 1})
	fine := map[string]string{"js": "var ok = 1\n\n", "starlark": "ok = 1\n\n"}
	tests := []struct {
		name, language, source, dependency, want string
	}{
		{"js syntax", "js", "1", "\nvar = 1", "(dependency 2, line 2, column 5)"},
		{"js run", "js", "\nboom()", "function boom() {\n throw 1 }", "(dependency 2, line 2, column 2)"},
		{"js script", "js", "\n throw 1", "1", "(line 2, column 2)"},
		{"starlark syntax", "starlark", "x = 1", "\nx = = 1", "(dependency 2, line 2, column 5)"},
		{"starlark name", "starlark", "x = 1", "\nx = nope", "(dependency 2, line 2, column 5)"},
		{"starlark name in the script", "starlark", "\nx = nope", "x = 1", "(line 2, column 5)"},
		{"starlark run", "starlark", "\nboom()", "def boom():\n    fail('no')", "(dependency 2, line 2, column 9)"},
		{"starlark script", "starlark", "\nfail('no')", "x = 1", "(line 2, column 5)"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p, err := Check(test.language, test.source, fine[test.language], test.dependency)
			if err == nil {
				_, err = pool.Run(t.Context(), p, parse(t, "{}"))
			}
			if err == nil || !strings.HasSuffix(err.Error(), test.want) {
				t.Errorf("got %v, want %s", err, test.want)
			}
		})
	}
}
