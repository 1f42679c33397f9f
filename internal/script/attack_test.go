package script

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fairlead/fairlead/internal/value"
)

// How an attack may end.
const (
	timeout = 1 << iota
	memory
	failure
	answer
)

func outcome(err error) int {
	var late *TimeoutError
	var large *MemoryError
	switch {
	case err == nil:
		return answer
	case errors.As(err, &late):
		return timeout
	case errors.As(err, &large):
		return memory
	case ofScript(err):
		return failure
	default:
		return 0
	}
}

// TestAttacks_endInTime runs what no engine survives by itself, all through one
// pool with one worker: each must end soon after the deadline with an error of
// the right type, and the next script must run.
func TestAttacks_endInTime(t *testing.T) {
	const deadline, slack = 400 * time.Millisecond, 5 * time.Second
	tests := []struct {
		name, language, source string
		want                   int
	}{
		{"endless loop", "js", "while (true);", timeout},
		{"endless loop of promises", "js", "(function f() { Promise.resolve().then(f) })()", timeout},
		{"endless loop that catches", "js", "for (;;) try { throw 1 } catch (e) {}", timeout},
		{"back-tracking", "js", "result = /^(a+)+$/.test('a'.repeat(40) + '!')", timeout | answer},
		{"back-tracking with look-ahead", "js", "result = /^(?=((a+)+)\\2!$)/.test('a'.repeat(40))", timeout},
		{"array fill", "js", "result = new Array(2**32-1).fill(0)", timeout | memory},
		{"array from", "js", "result = Array.from({length: 1e9})", timeout | memory},
		{"array join", "js", "result = new Array(2**31).join('x')", timeout | memory | failure},
		{"array sort", "js", "result = []; result.length = 2**32 - 1; result.sort()",
			timeout | memory | failure | answer},
		{"pad", "js", "result = 'x'.padStart(1 << 29)", memory | failure},
		{"repeat", "js", "result = 'x'.repeat(2**30)", memory | failure},
		{"doubling", "js", "let s = 'xy'; while (true) s += s", memory | failure | timeout},
		{"array grows", "js", "const a = []; while (true) a.push({})", memory | timeout},
		{"typed array", "js", "new Uint8Array(2**33).fill(1)", memory | failure},
		{"big integer", "js", "let i = 3n; while (true) i *= i", timeout | memory | failure},
		{"recursion", "js", "(function f() { f() })()", failure},
		{"recursion through natives", "js", "(function f() { [1].forEach(f) })()", failure | timeout},
		{"recursion in toString", "js", "const o = {toString() { return '' + o }}; '' + o", failure | timeout},
		{"deep source for eval", "js", "eval('['.repeat(3e6))", memory | timeout | failure},
		{"deep JSON", "js", "JSON.parse('['.repeat(5e6) + ']'.repeat(5e6))", memory | timeout | failure},
		{"huge output", "js", "result = Array(13e5).fill('xxxx')", failure | memory | timeout},
		{"huge string", "js", "result = 'é'.repeat(5e6)", failure},
		{"many names", "js", "result = {}; for (let i = 0; i < 3e5; i++) result['n' + i] = 1",
			answer | timeout | memory},
		{"getter never ends", "js", "result = {get a() { while (true); }}", timeout},
		{"proxy never ends", "js", "result = new Proxy([], {get: () => 2**53})", failure | timeout},
		{"error text never ends", "js", "throw {toString() { while (true); }}", timeout},

		{"starlark loop", "starlark", "while True:\n    pass", failure},
		{"starlark range", "starlark", "result = sorted(range(1 << 40))", memory | failure},
		{"starlark list", "starlark", "result = [0] * (1 << 28)", memory | failure},
		{"starlark text", "starlark", "result = 'x' * ((1 << 30) - 1)", memory | failure},
		{"starlark doubling", "starlark", "x = 'xy'\nfor i in range(100):\n    x += x", memory | failure},
		{"starlark integer", "starlark", "x = 3\nfor i in range(100):\n    x *= x", timeout | memory},
		{"starlark recursion", "starlark", "def f(x):\n    return f(x)\nf(1)", memory | failure},
		{"starlark slow built-in", "starlark", "any([False for _ in range(1 << 40)])", failure | timeout | memory},
	}
	pool := newPool(t, Config{Workers: 1, Timeout: deadline, MemoryBytes: 96 << 20})
	honest := check(t, "js", "result = context.n + 1")
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			program := check(t, test.language, test.source)
			start := time.Now()
			_, err := pool.Run(t.Context(), program, parse(t, "{}"))
			if took := time.Since(start); took > deadline+slack {
				t.Errorf("ended after %v", took)
			}
			if got := outcome(err); got&(test.want|timeout) == 0 { // on a busy machine all may be late
				t.Errorf("got %v", err)
			}
			v, err := pool.Run(t.Context(), honest, parse(t, `{"n": 41}`))
			for range 20 { // the machine may be busy
				if outcome(err) == timeout {
					v, err = pool.Run(t.Context(), honest, parse(t, `{"n": 41}`))
				}
			}
			if err != nil || v.Text() != "42" {
				t.Errorf("the next script: got %s, %v", v.Text(), err)
			}
		})
	}
}

func TestRun_leavesNothingBehind(t *testing.T) {
	pool := newPool(t, Config{Workers: 1})
	tests := []struct{ name, before, after, want string }{
		{"prototypes", "Object.prototype.evil = 1; Array.prototype.map = () => 'evil'; delete Array.prototype.filter",
			"result = [({}).evil, [1].map(x => x), typeof [].filter]", `[null,[1],"function"]`},
		{"globals", "leak = 1; globalThis.context = 2; Object.freeze(globalThis)",
			"result = [typeof leak, typeof context]", `["undefined","object"]`},
		{"built-ins", "JSON.stringify = null; Math.max = () => 'evil'; Array.isArray = () => true",
			"result = [JSON.stringify(1), Math.max(1, 2), {a: 1}]", `["1",2,{"a":1}]`},
		{"toJSON", "Object.prototype.toJSON = () => 'evil'; BigInt.prototype.toJSON = () => 'evil'",
			"result = {a: 1n}", `{"a":1}`},
		{"regexp statics", "/(secret)/.exec('secret')", "result = RegExp.$1", ``},
		{"symbols", "Symbol.for('x').description; globalThis[Symbol.for('x')] = 1", "result = typeof globalThis[Symbol.for('x')]", `undefined`},
		{"template objects", "function tag(s) { try { s.evil = 1; s.raw.evil = 1 } catch {} return s } tag`x`",
			"function tag(s) { try { s.evil = 1; s.raw.evil = 1 } catch {} return s } result = tag`x`", `["x"]`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			for _, source := range []string{test.before, test.before} {
				if _, err := pool.Run(t.Context(), check(t, "js", source), parse(t, "{}")); outcome(err) == 0 {
					t.Fatal(err)
				}
			}
			v, err := pool.Run(t.Context(), check(t, "js", test.after), parse(t, "{}"))
			if err != nil {
				t.Fatal(err)
			}
			if got := v.Text(); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
	if n := len(processes(pool)); n != 1 {
		t.Errorf("the scripts did not share one process: %d", n)
	}
}

func TestRun_hasNoHost(t *testing.T) {
	pool := newPool(t, Config{Workers: 1})
	for _, name := range []string{"process", "require", "module", "exports", "global", "window", "fetch",
		"XMLHttpRequest", "WebSocket",
		"setTimeout", "setInterval", "setImmediate", "queueMicrotask", "Deno", "Bun", "Go", "load", "read", "print",
		"importScripts", "Worker", "WebAssembly"} {
		v, err := pool.Run(t.Context(), check(t, "js", "result = typeof "+name), parse(t, "{}"))
		if err != nil || v.Text() != "undefined" {
			t.Errorf("%s is %s, %v", name, v.Text(), err)
		}
		_, err = pool.Run(t.Context(), check(t, "js", name+"()"), parse(t, "{}"))
		if want := "ReferenceError: " + name + " is not defined"; err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s(): got %v", name, err)
		}
	}
	for _, source := range []string{"import('fs')", "import fs from 'fs'", "import.meta.url"} {
		if err := pool.Check(t.Context(), check(t, "js", source)); outcome(err) != failure {
			t.Errorf("Check(%s): got %v", source, err)
		}
		_, err := pool.Run(t.Context(), check(t, "js", fmt.Sprintf("eval(%q)", source)), parse(t, "{}"))
		if outcome(err) != failure {
			t.Errorf("eval(%s): got %v", source, err)
		}
	}
}

// A goja program reads the file that its source map is said to be in.
func TestRun_readsNoSourceMap(t *testing.T) {
	file := filepath.Join(t.TempDir(), "map")
	maps := `{"version":3,"sources":["secret.js"],"names":[],"mappings":"AAAA"}`
	if err := os.WriteFile(file, []byte(maps), 0o600); err != nil {
		t.Fatal(err)
	}
	source := "throw new Error('x')\n//# sourceMappingURL=file://" + file
	pool := newPool(t, Config{Workers: 1})
	_, err := pool.Run(t.Context(), check(t, "js", source), parse(t, "{}"))
	if want := "run script: Error: x (line 1, column 7)"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	_, err = pool.Run(t.Context(), check(t, "js", fmt.Sprintf("eval(%q)", source)), parse(t, "{}"))
	if err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("eval: got %v", err)
	}
}

// TestCheck_endsInTime holds sources that overwhelm a parser.
func TestCheck_endsInTime(t *testing.T) {
	nested := strings.Repeat("(a=", 40) + "1" + strings.Repeat(")=>1", 40)
	const deadline, slack = 700 * time.Millisecond, 5 * time.Second
	tests := []struct {
		name, language, source string
		want                   int
	}{
		{"arrow functions in parameters", "js", nested, timeout},
		{"labels", "js", strings.Repeat("a:", 50_000), timeout | memory},
		{"brackets", "js", strings.Repeat("[", MaxSource), timeout | memory},
		{"sums", "js", "1" + strings.Repeat("+1", MaxSource/2-1), timeout | memory},
		{"starlark brackets", "starlark", strings.Repeat("[", MaxSource), failure | memory},
		{"starlark calls", "starlark", "x = len" + strings.Repeat("()", MaxSource/2-5), answer | memory},
		{"starlark sums", "starlark", "x = 1" + strings.Repeat("+1", MaxSource/2-5), answer | memory},
		{"starlark branches", "starlark", "if 1:\n pass\n" + strings.Repeat("elif 1:\n pass\n", 10_000),
			answer | memory},
	}
	pool := newPool(t, Config{Workers: 1, Timeout: deadline, MemoryBytes: 96 << 20})
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			start := time.Now()
			p, err := Check(test.language, test.source)
			if err == nil {
				err = pool.Check(t.Context(), p)
			}
			if took := time.Since(start); took > deadline+slack {
				t.Errorf("ended after %v", took)
			}
			if got := outcome(err); got&(test.want|timeout) == 0 { // on a busy machine all may be late
				t.Errorf("got %v", err)
			}
		})
	}
}

// On systems whose kernel limits no memory, the worker watches itself.
func TestWatch_endsWorkerOverLimit(t *testing.T) {
	pool := newPool(t, Config{Command: command("watched-worker"), MemoryBytes: 4 << 30})
	_, err := pool.Run(context.Background(), check(t, "js", "const a = []; while (true) a.push({})"), value.Nil())
	if outcome(err) != memory {
		t.Errorf("got %v", err)
	}
}
