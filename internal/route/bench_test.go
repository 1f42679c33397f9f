package route

import (
	"fmt"
	"net/http"
	"net/url"
	"testing"
)

// benchmarkRoutes are 200 routes as a large document has them, and requests for some.
func benchmarkRoutes() (patterns, requests []string) {
	for i := range 50 {
		base := fmt.Sprintf("/v1/resource-%d", i)
		patterns = append(patterns, base, base+"/{id}", base+"/{id}/events", base+"/{id}/versions/{version}")
		requests = append(requests, base+"/4f2c1d", base+"/4f2c1d/versions/12")
	}
	return patterns, requests
}

func BenchmarkTable(b *testing.B) {
	patterns, requests := benchmarkRoutes()
	var table Table[int]
	for i, path := range patterns {
		table.Add("GET", mustParse(b, path), i)
	}
	vars := make([]string, 0, 4)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if _, _, ok := table.Match("GET", requests[i%len(requests)], vars); !ok {
			b.Fatal("no match")
		}
	}
}

func BenchmarkServeMux(b *testing.B) {
	patterns, requests := benchmarkRoutes()
	mux := http.NewServeMux()
	for _, path := range patterns {
		mux.HandleFunc("GET "+path, func(http.ResponseWriter, *http.Request) {})
	}
	made := make([]*http.Request, len(requests))
	for i, path := range requests {
		made[i] = &http.Request{Method: "GET", URL: &url.URL{Path: path}}
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		mux.ServeHTTP(nil, made[i%len(made)])
	}
}

// BenchmarkTable_ofManyDocuments has a partial segment of each of many documents
// at one place.
func BenchmarkTable_ofManyDocuments(b *testing.B) {
	for _, n := range []int{10, 10_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			table := manyPartials(b, n)
			vars := make([]string, 0, 4)
			b.ReportAllocs()
			for b.Loop() {
				if _, _, ok := table.Match("GET", "/doc-7-x.json", vars); !ok {
					b.Fatal("no match")
				}
			}
		})
	}
}

func manyPartials(t testing.TB, n int) *Table[int] {
	var table Table[int]
	for i := range n {
		table.Add("GET", mustParse(t, fmt.Sprintf("/doc-%d-{id}.json", i)), i)
	}
	return &table
}

func TestTable_manyPartialsTakeNoMemory(t *testing.T) {
	table, vars := manyPartials(t, 1000), make([]string, 0, 4)
	if n := testing.AllocsPerRun(100, func() { table.Match("GET", "/doc-7-x.json", vars) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
