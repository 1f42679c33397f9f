// Package testkit is what tests of several packages share: an upstream that
// records, served documents, golden files, a check for leaked goroutines.
package testkit

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
)

// Request is what an upstream received.
type Request struct {
	Method, URI string // the URI as it came, undecoded
	Header      http.Header
	Body        []byte
}

// Text is the request as HTTP/1.1 text, without what the client adds to every
// request.
func (r Request) Text() string {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s\n", r.Method, r.URI)
	for _, name := range slices.Sorted(maps.Keys(r.Header)) {
		switch name {
		case "Accept-Encoding", "Content-Length", "User-Agent", "Fairlead-Hops":
			continue
		}
		for _, v := range r.Header[name] {
			fmt.Fprintf(&b, "%s: %s\n", name, v)
		}
	}
	if len(r.Body) > 0 {
		fmt.Fprintf(&b, "\n%s\n", bytes.TrimSuffix(r.Body, []byte("\n")))
	}
	return b.String()
}

// Upstream is an API that records what it receives and answers as told.
type Upstream struct {
	*httptest.Server
	mu       sync.Mutex
	requests []Request
	answer   http.HandlerFunc
}

// NewUpstream starts an upstream; it is closed with the test. A nil answer is
// the JSON object {"ok":true}.
func NewUpstream(t testing.TB, answer http.HandlerFunc) *Upstream {
	t.Helper()
	u := &Upstream{answer: answer}
	u.Server = httptest.NewServer(u)
	t.Cleanup(u.Close)
	return u
}

func (u *Upstream) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	u.mu.Lock()
	u.requests = append(u.requests, Request{Method: r.Method, URI: r.RequestURI, Header: r.Header.Clone(), Body: body})
	answer := u.answer
	u.mu.Unlock()
	if answer == nil {
		answer = Answer("HTTP/1.1 200 OK\nContent-Type: application/json\n\n{\"ok\":true}")
	}
	answer(w, r)
}

// Requests returns what was received, and forgets it.
func (u *Upstream) Requests() []Request {
	u.mu.Lock()
	defer u.mu.Unlock()
	got := u.requests
	u.requests = nil
	return got
}

// Set changes the answer.
func (u *Upstream) Set(answer http.HandlerFunc) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.answer = answer
}

// Answer makes a handler of HTTP text: a status line, headers, an empty line, the body.
func Answer(text string) http.HandlerFunc {
	head, body, _ := strings.Cut(text, "\n\n")
	lines := strings.Split(strings.TrimSpace(head), "\n")
	status := http.StatusOK
	if fields := strings.Fields(lines[0]); len(fields) > 1 {
		fmt.Sscan(fields[1], &status)
	}
	return func(w http.ResponseWriter, _ *http.Request) {
		for _, line := range lines[1:] {
			if name, v, ok := strings.Cut(line, ":"); ok {
				w.Header().Add(name, strings.TrimSpace(v))
			}
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, strings.TrimSuffix(body, "\n"))
	}
}
