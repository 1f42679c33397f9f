package host_test

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fairlead/fairlead/internal/compile"
	"github.com/fairlead/fairlead/internal/diag"
	"github.com/fairlead/fairlead/internal/document"
	"github.com/fairlead/fairlead/internal/host"
)

// hostile is a document that repeats one thing for as long as there is room, and
// the files beside it.
type hostile struct {
	before, after string
	item          func(i int) string
	files         map[string]func(size int) string // by name
}

// text fills the document with items up to size bytes.
func (h hostile) text(size int) string { return fill(size, h.before, h.after, h.item) }

func fill(size int, before, after string, item func(i int) string) string {
	var b strings.Builder
	b.WriteString(before)
	for i := 0; item != nil; i++ {
		next := item(i)
		if b.Len()+len(next)+len(after) > size {
			break
		}
		b.WriteString(next)
	}
	b.WriteString(after)
	return b.String()
}

// each makes an item of a format with the item's number, as often as it has verbs.
func each(format string) func(i int) string {
	n := strings.Count(format, "%d")
	return func(i int) string {
		args := make([]any, n)
		for k := range args {
			args[k] = i
		}
		return fmt.Sprintf(format, args...)
	}
}

func same(text string) func(int) string { return func(int) string { return text } }

const (
	head    = "ikanos: 1.0.0-beta5\ninfo: {display: Hostile}\n"
	anAPI   = head + "capability:\n  consumes:\n  - {type: http, namespace: up, baseUri: 'http://127.0.0.1:1', resources: {r: {path: /r, operations: {o: {method: GET}}}}}\n"
	wideAPI = head + "capability:\n  consumes:\n  - type: http\n    namespace: up\n    baseUri: http://127.0.0.1:1\n"
	tools   = "  exposes:\n  - type: mcp\n    namespace: m\n    port: 9090\n    tools:\n"
	aTool   = tools + "      t: {description: d., call: up.o}\n"
	rest    = "  exposes:\n  - type: rest\n    namespace: r\n    port: 8080\n    resources:\n"
	anOp    = "    resources:\n      r:\n        path: /r\n        operations:\n          o:\n            method: POST\n"
)

// hostiles are a kind of repetition each, of size bytes.
func hostiles(size int) map[string]hostile {
	part := func(of1024 int) int { return size * of1024 >> 10 }
	shared := fill(part(300), "", "", each("      t%d: {call: up.o}\n"))
	return map[string]hostile{
		"consumed APIs": {before: head + "capability:\n" + aTool + "  consumes:\n",
			item: each("  - {type: http, namespace: up%d, baseUri: 'http://h', resources: {r: {path: /r, operations: {o: {method: GET}}}}}\n")},
		"consumed APIs of one name": {before: head + "capability:\n" + aTool + "  consumes:\n",
			item: same("  - {type: http, namespace: up, baseUri: 'http://h', resources: {r: {path: /r, operations: {p: {method: GET}}}}}\n")},
		"resources": {before: wideAPI + "    resources:\n",
			item: each("      r%d: {path: /r%d, operations: {o%d: {method: GET}}}\n"), after: tools +
				"      t: {call: up.o1}\n"},
		"resources, listed": {before: wideAPI + "    resources:\n",
			item: each("      - {name: r, path: /r%d, operations: [{name: o%d, method: GET}]}\n"), after: tools +
				"      t: {call: up.o1}\n"},
		"operations, each a tool": {before: anAPI + tools, item: each("      t%d: {call: up.o}\n")},
		"operations of one name": {before: wideAPI +
			"    resources:\n      r:\n        path: /r\n        operations:\n",
			item: same("        - {name: o, method: GET}\n"), after: aTool},
		"operations without a name": {before: wideAPI +
			"    resources:\n      r:\n        path: /r\n        operations:\n",
			item: same("        - {method: GET}\n"), after: aTool},
		"unresolved calls": {before: anAPI + tools, item: each("      t%d: {call: up.x%d}\n")},
		"unresolved calls among operations": {before: wideAPI +
			"    resources:\n      r:\n        path: /r\n        operations:\n",
			item: each("          operation%d: {method: GET}\n"), after: tools +
				fill(part(500), "", "", each("      tool%d: {call: up.operatio%d}\n"))},
		"unresolved namespaces": {before: anAPI + tools, item: each("      t%d: {call: uq%d.o}\n")},
		"unresolved namespaces among APIs": {before: head + "capability:\n  consumes:\n",
			item:  each("  - {namespace: upstream%d, baseUri: 'http://h'}\n"),
			after: tools + fill(part(500), "", "", each("      t%d: {call: upstrean%d.o}\n"))},
		"unresolved refs": {before: anAPI + "  aggregates:\n  - namespace: a\n    flows:\n",
			item:  each("      flow%d: {call: up.o}\n"),
			after: tools + fill(part(500), "", "", each("      t%d: {ref: a.flov%d}\n"))},
		"flows, each a tool": {before: anAPI + "  aggregates:\n  - namespace: a\n    flows:\n",
			item:  each("      f%d: {call: up.o}\n"),
			after: tools + fill(part(500), "", "", each("      t%d: {ref: a.f%d}\n"))},
		"tools of wide operations": {before: wideAPI + anOp + "            inputParameters:\n",
			item:  each("              p%d: {in: query}\n"),
			after: tools + fill(part(500), "", "", each("      t%d: {call: up.o}\n"))},
		"unknown keys at the root":     {before: anAPI + aTool, item: each("key%d: x\n")},
		"unknown keys of an operation": {before: wideAPI + anOp, item: each("            metho%d: x\n"), after: aTool},
		"parameters": {before: wideAPI + anOp + "            inputParameters:\n",
			item: each("              p%d: {in: query}\n"), after: aTool},
		"parameters, listed": {before: wideAPI + anOp + "            inputParameters:\n",
			item: each("            - {name: p%d, in: query}\n"), after: aTool},
		"parameters in the path": {before: wideAPI + anOp + "            inputParameters:\n",
			item: each("              p%d: {in: path}\n"), after: aTool},
		"parameters in the body": {before: wideAPI + anOp + "            inputParameters:\n",
			item: each("              p%d: {in: body, type: string}\n"), after: aTool},
		"parameters in headers": {before: wideAPI + anOp + "            inputParameters:\n",
			item: each("              p%d: {in: header, required: true}\n"), after: aTool},
		"parameters with templates of each other": {before: wideAPI + anOp + "            inputParameters:\n",
			item: func(i int) string {
				return fmt.Sprintf("              p%d: {in: query, value: '{{p%d}}'}\n", i, i+1)
			}, after: aTool},
		"parameters with a template of one": {before: wideAPI + anOp + "            inputParameters:\n",
			item: each("              p%d: {in: query, value: 'x{{p%d}}{{z}}'}\n"), after: aTool},
		"parameters with enums": {before: wideAPI + anOp + "            inputParameters:\n",
			item: each("              p%d: {in: query, enum: [a, b, c, d, e, f, g, h]}\n"), after: aTool},
		"parameters with patterns": {before: wideAPI + anOp + "            inputParameters:\n",
			item: each("              p%d: {in: query, pattern: '(a%d){1000}'}\n"), after: aTool},
		"parameters of the exposed side": {before: anAPI + tools +
			"      t:\n        call: up.o\n        inputParameters:\n", item: each("          p%d: {type: string}\n")},
		"parameters of the exposed server": {before: anAPI +
			"  exposes:\n  - type: mcp\n    namespace: m\n    port: 9090\n    inputParameters:\n",
			item: each("      p%d: {type: string}\n"), after: "    tools:\n" +
				fill(part(500), "", "", each("      t%d: {call: up.o}\n"))},
		"one long enum": {before: wideAPI + anOp +
			"            inputParameters:\n              p: {in: query, enum: [", item: each("v%d,"), after: "]}\n" +
			aTool},
		"with entries that feed nothing": {before: anAPI + tools + "      t:\n        call: up.o\n        with:\n",
			item: each("          w%d: m.x%d\n")},
		"with entries": {before: wideAPI + anOp + "            inputParameters:\n",
			item: each("              p%d: {in: query}\n"),
			after: tools + "      t:\n        call: up.o\n        with:\n" +
				fill(part(500), "", "", each("          p%d: m.x%d\n"))},
		"with entries, loosely": {before: wideAPI + anOp + "            inputParameters:\n",
			item: each("              p_%d: {in: query}\n"),
			after: tools + "      t:\n        call: up.o\n        with:\n" +
				fill(part(500), "", "", each("          P-%d: m.X-%d\n"))},
		"with entries, templates": {before: anAPI + tools + "      t:\n        call: up.o\n        with:\n",
			item: each("          w%d: 'a{{x%d}}b{{y%d}}'\n")},
		"with entries for a body": {before: wideAPI + anOp +
			"            body:\n              type: json\n              data:\n",
			item: each("                m%d: '{{w%d}}'\n"),
			after: tools + "      t:\n        call: up.o\n        with:\n" +
				fill(part(450), "", "", each("          w%d: m.x%d\n"))},
		"variables of a body": {before: wideAPI + anOp + "            body: {type: json, data: '{",
			item: each("\"a%d\":\"{{x%d}}\","), after: "}'}\n" + aTool},
		"variables of a body tree": {before: wideAPI + anOp +
			"            body:\n              type: json\n              data:\n",
			item: each("                m%d: '{{x%d}}'\n"), after: aTool},
		"variables of a path": {before: wideAPI + "    resources:\n      r:\n        path: /r",
			item: each("/{x%d}"), after: "\n        operations: {o: {method: GET}}\n" + aTool},
		"variables of a query": {before: wideAPI + "    resources:\n      r:\n        path: /r?x=1",
			item: each("&x%d={{x%d}}"), after: "\n        operations: {o: {method: GET}}\n" + aTool},
		"variables of a baseUri": {before: head +
			"capability:\n  consumes:\n  - type: http\n    namespace: up\n    resources: {r: {path: /r, operations: {o: {method: GET}}}}\n    baseUri: http://h/", item: each("{{x%d}}"), after: "\n" + aTool},
		"mustache sections": {before: wideAPI + anOp + "            body: {type: json, data: '",
			item: same("{{#a}}"), after: "'}\n" + aTool},
		"open braces": {before: wideAPI + anOp + "            body: {type: json, data: '",
			item: same("{{"), after: "'}\n" + aTool},
		"steps": {before: anAPI + tools + "      t:\n        steps:\n",
			item: each("          s%d: {call: up.o}\n")},
		"steps, listed": {before: anAPI + tools + "      t:\n        steps:\n",
			item: each("        - {name: s%d, call: up.o}\n")},
		"steps that read one": {before: anAPI + tools + "      t:\n        steps:\n          s: {call: up.o}\n",
			item: each("          s%d: {call: up.o, with: {a: '{{s.x}}'}}\n")},
		"steps that read the one before": {before: anAPI + tools + "      t:\n        steps:\n",
			item: func(i int) string {
				return fmt.Sprintf("          s%d: {call: up.o, with: {a: '{{s%d.x}}'}}\n", i, i-1)
			}},
		"references to no step": {before: anAPI + tools +
			"      t:\n        steps:\n          first: {call: up.o}\n        mappings:\n",
			item: each("        - {targetName: a%d, value: $.firsd%d.x}\n")},
		"references to no step among steps": {before: anAPI + tools + "      t:\n        mappings:\n",
			item:  each("        - {targetName: a%d, value: $.stepp%d.x}\n"),
			after: "        steps:\n" + fill(part(500), "", "", each("          step%d: {call: up.o}\n"))},
		"mappings": {before: anAPI + tools +
			"      t:\n        steps:\n          s: {call: up.o}\n        mappings:\n",
			item: each("        - {targetName: a%d, value: $.s.x}\n")},
		"mappings among steps": {before: anAPI + tools + "      t:\n        mappings:\n",
			item:  each("        - {targetName: a%d, value: $.step%d.x}\n"),
			after: "        steps:\n" + fill(part(500), "", "", each("          step%d: {call: up.o}\n"))},
		"lookups": {before: anAPI + tools + "      t:\n        steps:\n          s: {call: up.o}\n",
			item: each("          l%d: {type: lookup, index: s, match: a, lookupValue: m.x%d}\n")},
		"outputs": {before: anAPI + tools + "      t:\n        call: up.o\n        outputParameters:\n",
			item: each("        - {name: a%d, type: string, mapping: $.a%d}\n")},
		"outputs, nested": {before: anAPI + tools +
			"      t:\n        call: up.o\n        outputParameters: [{type: object, mapping: $., properties: {",
			item: each("a%d: {type: string, mapping: $.a%d}, "), after: "}}]\n"},
		"outputs of a mock": {before: head + "capability:\n" + tools + "      t:\n        outputParameters:\n",
			item: each("        - {name: a%d, type: string, value: 'x{{y%d}}'}\n")},
		"tools of an operation of many outputs": {before: wideAPI + anOp + "            outputParameters:\n",
			item:  each("            - {name: a%d, type: string, mapping: $.a%d}\n"),
			after: tools + fill(part(500), "", "", each("      t%d: {steps: {s: {call: up.o}}}\n"))},
		"tools that share a body text of many variables": {before: wideAPI + anOp +
			"            body: {type: json, data: '[0", item: same(",{{x}}"), after: "]'}\n" + tools + shared},
		"tools that share a parameter of many variables": {before: wideAPI + anOp +
			"            inputParameters:\n              p: {in: query, value: '", item: same("{{x}}"),
			after: "'}\n" + tools + shared},
		"tools that share a parameter with a long default": {before: wideAPI + anOp +
			"            inputParameters:\n              p: {in: query, default: [0", item: same(",0"),
			after: "]}\n" + tools + shared},
		"tools that share a body tree of numbers": {before: wideAPI + anOp +
			"            body: {type: json, data: [0", item: same(",0"), after: "]}\n" + tools + shared},
		"tools that share a long path": {before: wideAPI +
			"    resources:\n      r:\n        operations: {o: {method: GET}}\n        path: '", item: same("/a%20b"),
			after: "'\n" + tools + shared},
		"tools that share a long baseUri": {before: head +
			"capability:\n  consumes:\n  - type: http\n    namespace: up\n    resources: {r: {path: /r, operations: {o: {method: GET}}}}\n    baseUri: 'http://h",
			item: same("/a%20b"), after: "'\n" + tools + shared},
		"tools that share a flow with a long value": {before: anAPI +
			"  aggregates:\n  - namespace: a\n    flows:\n      f:\n        outputParameters: [{name: x, type: array, value: [0", item: same(",0"),
			after: "]}]\n" + tools + fill(part(300), "", "", each("      t%d: {ref: a.f}\n"))},
		"tools that share a flow of many outputs": {before: anAPI +
			"  aggregates:\n  - namespace: a\n    flows:\n      f:\n        call: up.o\n        outputParameters:\n",
			item: each("        - {name: a%d, type: string, mapping: $.a%d}\n"), after: tools +
				fill(part(300), "", "", each("      t%d: {ref: a.f}\n"))},
		"tools that share a flow of many mappings": {before: anAPI +
			"  aggregates:\n  - namespace: a\n    flows:\n      f:\n        steps: {s: {call: up.o}}\n        mappings:\n",
			item: each("        - {target: a%d, value: $.s.x%d}\n"), after: tools +
				fill(part(300), "", "", each("      t%d: {ref: a.f}\n"))},
		"a long JSONPath": {before: anAPI + tools +
			"      t:\n        call: up.o\n        outputParameters: [{type: string, mapping: '$", item: same("..*"),
			after: "'}]\n"},
		"a deep JSONPath filter": {before: anAPI + tools +
			"      t:\n        call: up.o\n        outputParameters: [{type: string, mapping: \"$",
			item: same("[?@.a"), after: "\"}]\n"},
		"a JSONPath with parentheses": {before: anAPI + tools +
			"      t:\n        call: up.o\n        outputParameters: [{type: string, mapping: \"$[?", item: same("("),
			after: "\"}]\n"},
		"JSONPaths with patterns": {before: anAPI + tools +
			"      t:\n        call: up.o\n        outputParameters:\n",
			item: each("        - {name: a%d, type: string, mapping: \"$[?search(@.a, '(a{1,30}){1,30}%d')]\"}\n")},
		"a long pattern": {before: anAPI + tools +
			"      t:\n        call: up.o\n        outputParameters: [{type: string, mapping: \"$[?search(@.a, '",
			item: same("(a{1,9}){1,9}"), after: "')]\"}]\n"},
		"a long string": {before: anAPI + aTool + "x: '", item: same("aaaaaaaa"), after: "'\n"},
		"a long key":    {before: anAPI + aTool, item: nil, after: strings.Repeat("k", 1000) + ": x\n"},
		"long unknown keys": {before: anAPI + aTool,
			item: func(i int) string { return fmt.Sprintf("%s%d: x\n", strings.Repeat("k", 90), i) }},
		"long unresolved calls": {before: wideAPI +
			"    resources:\n      r:\n        path: /r\n        operations:\n",
			item: func(i int) string {
				return fmt.Sprintf("          %s%d: {method: GET}\n", strings.Repeat("o", 90),
					i)
			},
			after: tools + fill(part(500), "", "",
				func(i int) string {
					return fmt.Sprintf("      t%d: {call: up.%s-%d}\n", i, strings.Repeat("o", 88),
						i)
				})},
		"duplicate keys":          {before: anAPI + aTool, item: same("x: 1\n")},
		"an empty list of lists":  {before: anAPI + aTool + "x: [", item: same("[],"), after: "]\n"},
		"a deep nest":             {before: anAPI + aTool + "x: ", item: same("[")},
		"a deep nest of mappings": {before: anAPI + aTool + "x: ", item: same("{a: ")},
		"a deep nest of blocks":   {before: anAPI + aTool + "x: ", item: same("- ")},
		"complex keys":            {before: anAPI + aTool + "x: ", item: same("? ")},
		"anchors":                 {before: anAPI + aTool + "x:\n", item: each("- &a%d x\n")},
		"aliases": {before: anAPI + aTool + "x: &a [1, 2, 3, 4, 5, 6, 7, 8]\ny:\n",
			item: same("- *a\n")},
		"merge keys": {before: anAPI + aTool + "x: &a {a: 1}\ny:\n", item: same("- {<<: *a}\n")},
		"merge keys in one mapping": {before: anAPI + aTool + "x: &a {a: 1, b: 2, c: 3}\ny: {<<: [",
			item: same("*a,"), after: "]}\n"},
		"merge keys of a wide mapping": {before: anAPI + aTool + "x: &a\n", item: each("  k%d: 1\n"), after: "y:\n" +
			fill(part(300), "", "", same("- {<<: *a}\n"))},
		"comments":      {before: anAPI + aTool, item: same("# x\n")},
		"documents":     {before: anAPI + aTool, item: same("---\n")},
		"tags":          {before: anAPI + aTool + "x:\n", item: same("- !!str x\n")},
		"tabs":          {before: anAPI + aTool + "x: [", item: same("\t")},
		"a folded text": {before: anAPI + aTool + "x: >\n", item: same("  a\n")},
		"binds": {before: anAPI + aTool, item: nil, after: "binds:\n" +
			fill(part(900), "", "", each("- {namespace: b%d, keys: {TOKEN_%d: TOKEN_%d}}\n"))},
		"keys of a bind": {before: anAPI + aTool + "binds:\n- namespace: env\n  keys:\n",
			item: each("    TOKEN_%d: TOKEN_%d\n")},
		"keys of a bind that are used": {before: wideAPI + anOp + "            inputParameters:\n",
			item: each("              p%d: {in: header, value: '{{TOKEN_%d}}'}\n"),
			after: aTool + "binds:\n- namespace: env\n  keys:\n" +
				fill(part(450), "", "", each("    TOKEN_%d: TOKEN_%d\n"))},
		"servers": {before: anAPI + "  exposes:\n",
			item: each("  - {type: mcp, namespace: m%d, port: 9090, tools: {t: {call: up.o}}}\n")},
		"servers of a kind that is not served": {before: anAPI + "  exposes:\n",
			item: each("  - {type: grpc%d, namespace: m%d}\n")},
		"namespaces of servers in references": {before: anAPI + "  exposes:\n",
			item: each("  - {type: mcp, namespace: m%d, port: 9090, tools: {t: {call: up.o, with: {a: m%d.x}}}}\n")},
		"routes": {before: anAPI + rest,
			item: each("      r%d: {path: '/r%d', operations: [{method: GET, call: up.o}]}\n")},
		"routes with placeholders": {before: anAPI + rest,
			item: each("      r%d: {path: '/{a%d}/r%d', operations: [{method: GET, call: up.o}]}\n")},
		"routes that collide": {before: anAPI + rest,
			item: each("      r%d: {path: '/{a%d}', operations: [{method: GET, call: up.o}]}\n")},
		"routes that collide by partial segments": {before: anAPI + rest,
			item: each("      r%d: {path: '/{a%d}.x', operations: [{method: GET, call: up.o}]}\n")},
		"a long route": {before: anAPI + rest +
			"      r: {operations: [{method: GET, call: up.o}], path: '", item: each("/{a%d}"), after: "'}\n"},
		"forwards": {before: anAPI + rest,
			item: each("      r%d: {path: '/r%d', forward: {targetNamespace: uq}}\n")},
		"prompts": {before: anAPI + aTool + "    prompts:\n",
			item: each("      p%d: {template: 'Say {{x}}', arguments: [{name: x}]}\n")},
		"arguments of a prompt": {before: anAPI + aTool +
			"    prompts:\n      p:\n        template: '{{x}}'\n        arguments:\n",
			item: each("        - {name: x%d}\n")},
		"resources of a server": {before: anAPI + aTool + "    resources:\n",
			item: each("      r%d: {uri: 'a://b/{x%d}', call: up.o}\n")},
		"static resources": {before: anAPI + aTool + "    resources:\n",
			item: each("      r%d: {uri: 'a://b/%d', location: 'none%d'}\n")},
		"questions": {before: anAPI + tools +
			"      t:\n        call: up.o\n        inputParameters: {a: {type: string}}\n        x-fairlead:\n          ask:\n", item: each("            q%d: {message: 'x {{b%d}}', inputs: [a%d]}\n")},
		"unknown keys on one line": {before: anAPI + aTool + "x-a: 1\ninfo: {display: x, ",
			item: each("u%d: x, "), after: "}\n"},
		"unknown keys of an operation on one line": {before: wideAPI +
			"    resources: {r: {path: /r, operations: {o: {method: GET, ", item: each("metho%d: x, "),
			after: "}}}}\n" + aTool},
		"comments of a template": {before: wideAPI + anOp +
			"            body: {type: json, data: '", item: same("a{{!}}"), after: "'}\n" + aTool},
		"imports of one wide API": {before: head + "capability:\n" + aTool + "  consumes:\n",
			item: each("  - {import: up, as: a%d, from: large.yaml}\n"),
			files: map[string]func(int) string{"large.yaml": func(size int) string {
				return fill(size, "consumes:\n- namespace: up\n  baseUri: http://h\n  inputParameters:\n", "",
					each("    p%d: {in: query}\n"))
			}}},
		"authentication fields": {before: wideAPI +
			"    resources: {r: {path: /r, operations: {o: {method: GET}}}}\n    authentication:\n      type: headers\n      headers:\n", item: each("        h%d: '{{x%d}}'\n"), after: aTool},
		"properties of a parameter": {before: wideAPI + anOp +
			"            inputParameters:\n              p: {in: body, type: object, properties: {",
			item: each("a%d: {type: string}, "), after: "}}\n" + aTool},
		"properties, nested": {before: wideAPI + anOp +
			"            inputParameters:\n              p: {in: body, type: object", item: nil,
			after: strings.Repeat(", properties: {a: {type: object", 25) + strings.Repeat("}}", 25) + "}\n" + aTool},
		"imports": {before: anAPI + aTool + "  aggregates: []\n", item: nil, after: head +
			"capability:\n"},
		"imports of nothing": {before: head + "capability:\n" + aTool + "  consumes:\n",
			item: each("  - {import: up%d, from: none%d.yaml}\n")},
		"imports of one large file": {before: head + "capability:\n" + aTool + "  consumes:\n",
			item: each("  - {import: up%d, from: large.yaml}\n"),
			files: map[string]func(int) string{"large.yaml": func(size int) string {
				return fill(size, "consumes:\n", "", each("- {namespace: up%d, baseUri: 'http://h'}\n"))
			}}},
		"authentication": {before: wideAPI + "    authentication: {type: apikey, key: x, value: '",
			item: each("{{x%d}}"), after: "'}\n    resources: {r: {path: /r, operations: {o: {method: GET}}}}\n" +
				aTool},
		"Starlark": {before: anAPI + tools + "      t: {steps: {s: {type: script, file: s.star}}}\n", item: nil,
			files: map[string]func(int) string{"s.star": func(size int) string {
				return fill(part(500), "result = ",
					"1", same("("))
			}}},
		"Starlark in many steps": {before: anAPI + tools,
			item: each("      t%d: {steps: {s: {type: script, file: s.star}}}\n"),
			files: map[string]func(int) string{"s.star": func(size int) string {
				return fill(part(500), "", "",
					same("result = 1\n"))
			}}},
		"Avro schema": {before: wideAPI + anOp +
			"            outputRawFormat: avro\n            outputSchema: s.avsc\n" + aTool,
			files: map[string]func(int) string{"s.avsc": func(size int) string {
				return fill(size, `{"type":"record","name":"r","fields":[{"name":"a","type":"int"}`, "]}", each(`,{"name":"f%d","type":{"type":"record","name":"r%d","fields":[]}}`))
			}}},
		"Avro schema, deep": {before: wideAPI + anOp +
			"            outputRawFormat: avro\n            outputSchema: s.avsc\n" + aTool,
			files: map[string]func(int) string{"s.avsc": func(size int) string { return fill(size, "", "", same(`{"type":"array","items":`)) }}},
		"protobuf schema": {before: wideAPI + anOp +
			"            outputRawFormat: protobuf\n            outputSchema: s.proto\n" + aTool,
			files: map[string]func(int) string{"s.proto": func(size int) string {
				return fill(size, "syntax = \"proto3\";\n", "", each("message M%d { string a = 1; }\n"))
			}}},
		"protobuf schema with nested options": {before: wideAPI + anOp +
			"            outputRawFormat: protobuf\n            outputSchema: s.proto\n" + aTool,
			files: map[string]func(int) string{"s.proto": func(size int) string {
				return fill(size,
					"syntax = \"proto3\";\noption (a) = ", "", same("{ a: "))
			}}},
		"protobuf schema with nested messages": {before: wideAPI + anOp +
			"            outputRawFormat: protobuf\n            outputSchema: s.proto\n" + aTool,
			files: map[string]func(int) string{"s.proto": func(size int) string {
				return fill(size,
					"syntax = \"proto3\";\n", "", same("message M {"))
			}}},
		"protobuf schema with fields": {before: wideAPI + anOp +
			"            outputRawFormat: protobuf\n            outputSchema: s.proto\n" + aTool,
			files: map[string]func(int) string{"s.proto": func(size int) string {
				return fill(size, "syntax = \"proto3\";\nmessage M {", "}",
					func(i int) string { return fmt.Sprintf("string f%d = %d;\n", i, i+1) })
			}}},
		"operations with a large schema": {before: wideAPI +
			"    resources:\n      r:\n        path: /r\n        operations:\n",
			item:  each("          o%d: {method: GET, outputRawFormat: protobuf, outputSchema: s.proto}\n"),
			after: tools + fill(part(300), "", "", each("      t%d: {call: up.o%d}\n")),
			files: map[string]func(int) string{"s.proto": func(size int) string {
				return fill(size, "syntax = \"proto3\";\n", "", each("message M%d { string a = 1; }\n"))
			}}},
		"overlay actions": {before: anAPI + aTool,
			files: map[string]func(int) string{"capability.overlay.yaml": func(size int) string {
				return fill(size, "overlay: 1.0.0\nactions:\n", "", each("- {target: $.info, update: {x-%d: 1}}\n"))
			}}},
		"overlay that doubles": {before: anAPI + aTool + "x-a: [1]\n",
			files: map[string]func(int) string{"capability.overlay.yaml": func(int) string {
				return fill(part(1), "overlay: 1.0.0\nactions:\n- {target: $, update: {x-b: &a [1,2,3,4,5,6,7,8]}}\n",
					"", same("- {target: '$..*', update: {c: 1, d: [2], e: {f: 1}}}\n"))
			}}},
		"overlay that doubles lists": {before: anAPI + aTool + "x-a: [[1], [1]]\n",
			files: map[string]func(int) string{"capability.overlay.yaml": func(int) string {
				return fill(part(1), "overlay: 1.0.0\nactions:\n", "",
					same("- {target: '$..[*]', update: [[1],[1]]}\n"))
			}}},
		"overlay of many targets": {before: anAPI + aTool + "x-a: [", item: same("{a: 1},"), after: "]\n",
			files: map[string]func(int) string{"capability.overlay.yaml": func(size int) string {
				return fill(size, "overlay: 1.0.0\nactions:\n", "",
					same("- {target: \"$['x-a'][*]\", update: {a: 1}}\n"))
			}}},
		"overlay that removes": {before: anAPI + aTool + "x-a: [", item: same("{a: 1},"), after: "]\n",
			files: map[string]func(int) string{"capability.overlay.yaml": func(int) string { return "overlay: 1.0.0\nactions:\n- {target: \"$['x-a'][*]\", remove: true}\n" }}},
		"overlay that removes members": {before: anAPI + aTool + "x-a:\n", item: each("  k%d: 1\n"),
			files: map[string]func(int) string{"capability.overlay.yaml": func(int) string { return "overlay: 1.0.0\nactions:\n- {target: \"$['x-a'][*]\", remove: true}\n" }}},
		"overlay that merges members": {before: anAPI + aTool + "x-a:\n", item: each("  k%d: 1\n"),
			files: map[string]func(int) string{"capability.overlay.yaml": func(size int) string {
				return fill(size, "overlay: 1.0.0\nactions:\n- target: \"$['x-a']\"\n  update:\n", "",
					each("    k%d: 2\n"))
			}}},
		"overlay of targets without end": {before: anAPI + aTool + "x-a: [[[[[[1,2],[3]]]]]]\n",
			files: map[string]func(int) string{"capability.overlay.yaml": func(int) string {
				return "overlay: 1.0.0\nactions:\n- {target: '$" + strings.Repeat("..*", 40) + "', update: 1}\n"
			}}},
	}
}

// measureHostile compiles the document of the size in a folder of its own and
// returns its findings, how long that took, and what it holds and allocated.
func measureHostile(t *testing.T, h hostile, size int) (d *host.Document, took time.Duration, allocated uint64) {
	dir := t.TempDir()
	name := filepath.Join(dir, "capability.yaml")
	files := map[string]string{name: h.text(size)}
	for file, text := range h.files {
		files[filepath.Join(dir, file)] = text(size)
	}
	for file, text := range files {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	begin := spentTime()
	src, err := host.Read(name, host.ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	d = host.Compile(src, compile.Options{})
	took = spentTime() - begin
	runtime.ReadMemStats(&after)
	return d, took, after.TotalAlloc - before.TotalAlloc
}

// TestCompile_endsSoonWhateverRepeats is the budget of a document: a 1 MiB text of
// anything is compiled within 5 s and 500 MB, with a finding where that was not
// possible in full. The bounds here leave room for slow and busy machines: what
// grows with the square of a text is beyond them by far. By default the texts are
// short, FAIRLEAD_CORPUS=all makes them 1 MiB long.
func TestCompile_endsSoonWhateverRepeats(t *testing.T) { // semantics 1.6
	size := 32 << 10
	if os.Getenv("FAIRLEAD_CORPUS") == "all" {
		size = document.MaxBytes
	}
	for name, h := range hostiles(size) {
		t.Run(name, func(t *testing.T) {
			d, took, allocated := measureHostile(t, h, size)
			if testing.Verbose() {
				t.Logf("%.2f s, %d MB, %s, %v", took.Seconds(), allocated>>20, d.Diags.Summary(),
					d.Diags[max(0, len(d.Diags)-1):])
			}
			if took > 20*time.Second {
				t.Errorf("it took %s of the processor", took)
			}
			if allocated > 1<<30 {
				t.Errorf("it allocated %d MB", allocated>>20)
			}
			codes := map[string]int{}
			for _, g := range d.Diags {
				if codes[g.Code]++; codes[g.Code] > diag.MostAlike {
					t.Fatalf("more than %d findings of %s", diag.MostAlike, g.Code)
				}
			}
			if d.Served() == 0 && d.Diags.Count(diag.Error) == 0 {
				t.Error("nothing is served, and no error says why")
			}
		})
	}
}

// TestCompile_countsWhatUnitsShareForEach: what a thousand tools share is read and
// kept for each of them, whatever it is.
func TestCompile_countsWhatUnitsShareForEach(t *testing.T) {
	for name, h := range hostiles(64 << 10) {
		if !strings.HasPrefix(name, "tools that share ") {
			continue
		}
		t.Run(name, func(t *testing.T) {
			d, _, _ := measureHostile(t, h, 64<<10)
			if !slices.ContainsFunc(d.Diags, func(g diag.Diagnostic) bool { return g.Code == diag.DocumentLimit.ID }) {
				t.Errorf("all %d units are served, and nothing says that they are too large together", d.Served())
			}
		})
	}
}
