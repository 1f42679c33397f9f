package jsonpath

import (
	"strings"
	"testing"

	"github.com/fairlead/fairlead/internal/value"
)

func benchRoot(tb testing.TB) value.Value {
	item := `{"id": 12, "name": "bolt", "price": 8.95, "tags": ["a", "b"]}`
	return mustParse(tb, `{"data": {"count": 100, "items": [`+strings.Repeat(item+",", 99)+item+`]}}`)
}

func BenchmarkDefinite(b *testing.B) {
	root := benchRoot(b)
	b.Run("hand", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			items := root.Get("data").Get("items")
			if items.Kind() != value.Array || items.Len() == 0 || items.At(0).Get("name").IsAbsent() {
				b.Fatal("nothing")
			}
		}
	})
	path := mustCompile(b, "$.data.items[0].name", Strict)
	b.Run("path", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, ok := path.First(nil, root); !ok {
				b.Fatal("nothing")
			}
		}
	})
}

func BenchmarkEach(b *testing.B) {
	root := benchRoot(b)
	b.Run("hand", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			items := root.Get("data").Get("items")
			names := make([]value.Value, 0, items.Len())
			for i := range items.Len() {
				if v := items.At(i).Get("name"); !v.IsAbsent() {
					names = append(names, v)
				}
			}
			if len(names) != 100 {
				b.Fatal(len(names))
			}
		}
	})
	benchSelect(b, root, "$.data.items[*].name", 100)
}

func BenchmarkFilter(b *testing.B) {
	root := benchRoot(b)
	b.Run("hand", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			items := root.Get("data").Get("items")
			var names []value.Value
			for i := range items.Len() {
				if f, ok := items.At(i).Get("price").Float64(); ok && f < 10 {
					names = append(names, items.At(i).Get("name"))
				}
			}
			if len(names) != 100 {
				b.Fatal(len(names))
			}
		}
	})
	benchSelect(b, root, "$.data.items[?@.price < 10].name", 100)
}

func BenchmarkDescendant(b *testing.B) { benchSelect(b, benchRoot(b), "$..name", 100) }

func BenchmarkMatch(b *testing.B) {
	benchSelect(b, benchRoot(b), "$.data.items[?match(@.name, 'b.*')]", 100)
}

func benchSelect(b *testing.B, root value.Value, expr string, want int) {
	path := mustCompile(b, expr, Strict)
	b.Run("path", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if got := len(path.Select(nil, root)); got != want {
				b.Fatal(got)
			}
		}
	})
}

func BenchmarkCompile(b *testing.B) {
	for _, expr := range []string{"$.", "$.data.items[*].name",
		"$..book[?@.price < 10 && match(@.isbn, '[0-9]+')].title"} {
		b.Run(expr, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := Compile(expr, Lenient); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
