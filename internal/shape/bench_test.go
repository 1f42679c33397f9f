package shape

import (
	"fmt"
	"strings"
	"testing"

	"github.com/fairlead/fairlead/internal/value"
)

// benchText is about size bytes of an array such as an API lists.
func benchText(size int) []byte {
	var b strings.Builder
	for i := 0; b.Len() < size; i++ {
		fmt.Fprintf(&b, `,{"id":"%08d-4f2a","name":"service-%d","organization_id":"org-%d","created_at":"2026-01-%02dT10:00:00Z","status":"HEALTHY","count":%d,"price":%d.5,"labels":["a","b","c"],"owner":{"name":"Jane","email":"jane@example.com"},"active":true}`,
			i, i, i%7, i%28+1, i*37, i)
	}
	return []byte("[" + b.String()[1:] + "]")
}

const benchItems = `items: {type: object, properties: {id: {type: string, mapping: $.id}, count: {type: number, mapping: $.count}, owner: {type: string, mapping: $.owner.name}}}`

func BenchmarkShape(b *testing.B) {
	list := benchText(150_000)
	wrapped := append(append([]byte(`{"total":600,"items":`), list...), '}')
	for _, bench := range []struct {
		name, outputs string
		text          []byte
	}{
		{"array to 3 fields", `[{type: array, mapping: $., ` + benchItems + `}]`, list},
		{"nested array to 3 fields", `[{type: object, properties: {list: {type: array, mapping: $.items, ` + benchItems + `}, total: {type: number, mapping: $.total}}}]`, wrapped},
		{"wildcard", `[{type: array, mapping: "$.items[*].owner.email"}]`, wrapped},
		{"subtree", `[{type: array, mapping: $.items}]`, wrapped},
		{"one field", `[{type: number, mapping: $.total}]`, wrapped},
	} {
		p := program(b, bench.outputs)
		if !p.Streamable() {
			b.Fatal(bench.name)
		}
		b.Run(bench.name+"/stream", func(b *testing.B) {
			b.SetBytes(int64(len(bench.text)))
			b.ReportAllocs()
			for b.Loop() {
				if _, ok, err := p.Stream(nil, nil, bench.text); !ok || err != nil {
					b.Fatal(ok, err)
				}
			}
		})
	}
	p := program(b, `[{type: array, mapping: $., `+benchItems+`}]`)
	b.Run("array to 3 fields/tree", func(b *testing.B) {
		b.SetBytes(int64(len(list)))
		b.ReportAllocs()
		for b.Loop() {
			if _, ok, err := viaTree(p, nil, list); !ok || err != nil {
				b.Fatal(ok, err)
			}
		}
	})
	root, _ := value.Parse(list)
	b.Run("array to 3 fields/apply", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, ok := p.Apply(nil, root); !ok {
				b.Fatal(ok)
			}
		}
	})
	identity := program(b, `[{type: array, mapping: $.}]`)
	b.Run("identity", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if !identity.Identity() {
				b.Fatal()
			}
		}
	})
}
