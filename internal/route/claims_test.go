package route

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// TestClaims_findWhatOneRequestMatches puts each pair of paths into one Claims,
// in both orders, and into tables.
func TestClaims_findWhatOneRequestMatches(t *testing.T) {
	for _, tt := range []struct {
		one, other string
		meet       bool
	}{
		{"GET /v1/users/{acme}", "GET /v1/users/{zeta}", true},
		{"GET /v1/users/{acme}", "GET /v1/users/me", true},
		{"GET /v1/users/{acme}", "GET /v1/users", false},
		{"GET /v1/users/{acme}", "POST /v1/users/{zeta}", false},
		{"GET /a/{x}/c", "GET /a/b/{y}", true},
		{"GET /a/{x}/c", "GET /a/b/{y}/d", false},
		{"GET /a/{x}/c", "GET /a/b/d", false},
		{"GET /{x}/c/d", "GET /a/{y}/{z}", true},
		{"GET /a", "HEAD /a", true},
		{"OPTIONS /a", "GET /a", false},
		{"GET /a/", "GET a", true},
		{"GET /a%20b", "GET /a b", true},
		{"GET /A", "GET /a", false},
		{"GET /", "GET /", true},
		{"GET /", "GET /{x}", false},
		{"GET /{id}.json", "GET /report-{x}", true},
		{"GET /{id}.json", "GET /{id}.xml", false},
		{"GET /{id}.json", "GET /a.json", true},
		{"GET /{id}.json", "GET /.json", false},
		{"GET /{id}.json", "GET /{x}", true},
		{"GET /v{a}-{b}", "GET /v1-{c}", true},
		{"GET /a{x}", "GET /b{x}", false},
		{"GET /a//b", "GET /a/{x}/b", false},
		{"GET /files/{path+}", "GET /files/a/b/c", true},
		{"GET /files/{path+}", "GET /{x}/{y}/z", true},
		{"GET /files/{path+}", "GET /files", false},
		{"GET /files/{path+}", "GET /{all+}", true},
		{"GET /files/{path+}", "GET /other/{all+}", false},
		{"GET /files/{path+}", "PUT /files/{path+}", false},
	} {
		for _, pair := range [][2]string{{tt.one, tt.other}, {tt.other, tt.one}} {
			var c Claims
			for i, text := range pair {
				method, p := claimed(t, text)
				c.Add(method, p, i, 10+i)
			}
			for i, text := range pair {
				method, p := claimed(t, text)
				number, ok := c.Other(method, p, i)
				if ok != tt.meet || ok && number != 11-i {
					t.Errorf("%s of %q: %d %v", text, pair, number, ok)
				}
				if _, ok := c.Other(method, p, 7); !ok {
					t.Errorf("%s of %q is not met by somebody else's", text, pair)
				}
			}
		}
	}
}

func claimed(t testing.TB, text string) (string, *Pattern) {
	method, path, _ := strings.Cut(text, " ")
	p, err := ParseForward(path)
	if err != nil {
		t.Fatal(err)
	}
	return method, p
}

func TestClaims_oneOwnerMeetsNobody(t *testing.T) {
	var c Claims
	for i, text := range []string{"GET /a/{x}", "GET /a/b", "GET /{y}/b", "GET /{all+}"} {
		method, p := claimed(t, text)
		c.Add(method, p, 3, i)
	}
	for _, text := range []string{"GET /a/{x}", "GET /{all+}"} {
		method, p := claimed(t, text)
		if number, ok := c.Other(method, p, 3); ok {
			t.Errorf("%s meets %d", text, number)
		}
	}
}

// TestClaims_agreeWithTables generates paths and requests: whatever request two
// tables of different owners match, Claims foresees.
func TestClaims_agreeWithTables(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	words := []string{"a", "b", "a.json", "x-1", "{p}", "{p}", "{p}.json", "x-{p}", "{p}-1"}
	path := func() string {
		var b strings.Builder
		for i := range 1 + random.IntN(3) {
			fmt.Fprintf(&b, "/%s", strings.ReplaceAll(words[random.IntN(len(words))], "p", fmt.Sprint("p", i)))
		}
		if random.IntN(8) == 0 {
			b.WriteString("/{rest+}")
		}
		return b.String()
	}
	requests := []string{"a", "b", "a.json", "x-1", "c", "x-b", "b.json", "x-a.json", "x-b-1"}
	for range 3000 {
		one, other := path(), path()
		var c Claims
		_, p := claimed(t, "GET "+one)
		_, q := claimed(t, "GET "+other)
		c.Add("GET", q, 1, 1)
		_, foreseen := c.Other("GET", p, 0)
		var tables [2]Table[int]
		tables[0].Add("GET", p, 0)
		tables[1].Add("GET", q, 1)
		for range 40 {
			var b strings.Builder
			for range 1 + random.IntN(4) {
				b.WriteString("/" + requests[random.IntN(len(requests))])
			}
			_, _, first := tables[0].Match("GET", b.String(), nil)
			_, _, second := tables[1].Match("GET", b.String(), nil)
			if first && second && !foreseen {
				t.Fatalf("%s and %s both match %s", one, other, b.String())
			}
		}
	}
}

// BenchmarkClaims asks for each of many documents of like paths.
func BenchmarkClaims(b *testing.B) {
	var c Claims
	var all []*Pattern
	for i := range 20_000 {
		_, p := claimed(b, fmt.Sprintf("GET /v%d/things-%d/{id}/parts/{part}", i%7, i/2))
		c.Add("GET", p, i, i)
		all = append(all, p)
	}
	b.ReportAllocs()
	for b.Loop() {
		for i, p := range all {
			if _, ok := c.Other("GET", p, i); ok != (i%7 == (i^1)%7) {
				b.Fatal(p, ok)
			}
		}
	}
}
