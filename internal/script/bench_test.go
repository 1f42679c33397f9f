package script

import (
	"fmt"
	"testing"

	"github.com/fairlead/fairlead/internal/value"
)

func BenchmarkRun(b *testing.B) {
	pool := newPool(b, Config{Workers: 1})
	for _, size := range []int{1, 100} {
		items := value.List()
		for i := range size {
			items.Append(parse(b, fmt.Sprintf(`{"id": %d, "name": "n%d", "active": true, "login": "user", "score": 1.5}`, i, i)))
		}
		input := value.Map(value.Member{Name: "items", Value: items})
		for _, script := range []struct{ language, source string }{
			{"js", "const result = context.items.filter(x => x.active).map(x => ({id: x.id, name: x.name}))"},
			{"python", "result = [{'id': x['id'], 'name': x['name']} for x in context['items'] if x['active']]"},
		} {
			p := check(b, script.language, script.source)
			b.Run(fmt.Sprintf("%s/items=%d", script.language, size), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if _, err := pool.Run(b.Context(), p, input); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

func BenchmarkStart(b *testing.B) {
	b.ReportAllocs()
	p := check(b, "js", "1")
	for b.Loop() {
		pool := NewPool(Config{Command: command("good-worker")})
		if _, err := pool.Run(b.Context(), p, value.Nil()); err != nil {
			b.Fatal(err)
		}
		pool.Close()
	}
}
