package guard

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/go-jose/go-jose/v4"
)

// benchmark sends one request again and again.
func benchmark(b *testing.B, p *place, line string) {
	handler := p.Wrap(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	r := httptest.NewRequest("POST", "/mcp", nil)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "application/json, text/event-stream")
	r.Header.Set("Mcp-Protocol-Version", "2026-07-28")
	r.Header.Set("User-Agent", "benchmark")
	r.Header.Set("Authorization", line)
	w := httptest.NewRecorder()
	b.ReportAllocs()
	for b.Loop() {
		handler.ServeHTTP(w, r)
	}
	if w.Code != 200 {
		b.Error(w.Code)
	}
}

func BenchmarkBearer(b *testing.B) {
	benchmark(b, newPlace(b, Config{Kind: "bearer",
		Value: fields{"token": "9f86d081884c7d659a2feaa0c55ad015"}.value}), "Bearer 9f86d081884c7d659a2feaa0c55ad015")
}

func BenchmarkBasic(b *testing.B) {
	benchmark(b, newPlace(b, Config{Kind: "basic", Value: fields{"username": "a", "password": "b"}.value}),
		"Basic YTpi")
}

func BenchmarkJWT(b *testing.B) {
	s := newAuthServer(b, "")
	benchmark(b, s.place(s.fields(), true), "Bearer "+sign(b, "rsa", jose.RS256, nil, s.good()))
}

// BenchmarkVerifyJWT is what the first request with a token costs.
func BenchmarkVerifyJWT(b *testing.B) {
	s := newAuthServer(b, "")
	s.Rotate("rsa", "p256", "ed")
	p := s.place(s.fields(), true)
	v, err := p.oauth.verifier.Get(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	keys, err := v.keys.Get(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	for _, c := range []struct {
		key string
		alg jose.SignatureAlgorithm
	}{{"rsa", jose.RS256}, {"p256", jose.ES256}, {"ed", jose.EdDSA}} {
		b.Run(string(c.alg), func(b *testing.B) {
			token := sign(b, c.key, c.alg, nil, s.good())
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := v.verifyJWT(b.Context(), token, keys); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
