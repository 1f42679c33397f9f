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
