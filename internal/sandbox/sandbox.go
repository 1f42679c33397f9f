// Package sandbox is a stand-in for Koyeb's account API. The real one has no
// test mode, so that trying a login means a production call with a real
// password; this one lives in the process, knows made-up accounts only and
// opens no connection.
//
// It serves the four operations of Koyeb's Sessions API (login, logout, refresh,
// session) and GET /v1/account/login_method. Shapes, error codes and headers are
// those of Koyeb's published description. Any other path answers 200 with an
// HTML page, as the real host does, whose control panel is a single-page
// application.
//
// What the description does not say is assumed, and may be different upstream:
//
//   - a session token lives for one hour; refresh and logout revoke it; session
//     leaves the token it was called with alone;
//   - a personal API token can do what a session token can, and neither refresh
//     nor logout ends it;
//   - a known path with another method answers 501 and
//     {"code":12,"message":"Method Not Allowed","details":[]}, the default of
//     grpc-gateway, from which the real API is generated;
//   - members that a login does not know are refused, so that a misspelt one is
//     noticed; the default of grpc-gateway is to ignore them. Content-Type is
//     ignored, as there;
//   - errors whose status the description does not list (413, 501) have the shape
//     of google.rpc.Status; 429 has Koyeb's own, with its code rate_limit_error;
//   - accounts that log in by WorkOS, a second factor or a passkey are refused
//     with 401 and a message that points to a personal API token;
//   - the rate limit counts in fixed windows of a minute, from the first request
//     of a client address on.
//
// Nothing is logged, and no answer repeats a password or a token that came in.
package sandbox

import (
	"cmp"
	"crypto/rand"
	"net/http"
	"strconv"
	"sync"
	"time"
)

const (
	maxBody   = 64 << 10 // bytes of a login
	maxTokens = 4096     // live session tokens
)

// Config sets up a Sandbox. The zero Config behaves like Koyeb.
type Config struct {
	// Clock tells the time for tokens and the rate limit; nil means time.Now.
	// It is called by concurrent requests.
	Clock func() time.Time
	// TokenLifetime is how long a session token is good for, rounded up to end on
	// a whole second; 0 means an hour.
	TokenLifetime time.Duration
	// RateLimit is how many requests one client address may make in a minute;
	// 0 means 400.
	RateLimit int
	// Latency is how long the slow account waits for its answer, in real time and
	// not the Clock's; 0 means 3 seconds. Nobody else waits.
	Latency time.Duration
}

// Sandbox is an http.Handler that answers as Koyeb's account API does. It starts
// no goroutine and holds nothing that needs closing. Its memory is bounded: the
// oldest tokens go when there are too many. It is safe for concurrent use.
type Sandbox struct {
	cfg      Config
	accounts []account
	routes   map[string]route
	key      []byte // signs the tokens of this process

	mu       sync.Mutex
	tokens   shelf // by jti: issued and not revoked
	windows  shelf // by client address: the running minute of the rate limit
	requests int
}

type route struct {
	method string
	serve  func(*http.Request) answer
}

// New returns a Sandbox that has seen no request.
func New(cfg Config) *Sandbox {
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	cfg.TokenLifetime = cmp.Or(cfg.TokenLifetime, time.Hour)
	cfg.RateLimit = cmp.Or(cfg.RateLimit, 400)
	cfg.Latency = cmp.Or(cfg.Latency, 3*time.Second)

	s := &Sandbox{
		cfg:      cfg,
		accounts: accounts(cfg.Latency),
		key:      make([]byte, 32),
		tokens:   newShelf(maxTokens),
		windows:  newShelf(maxClients),
	}
	_, _ = rand.Read(s.key) // never fails: crypto/rand ends the program instead
	s.routes = map[string]route{
		"/v1/account/login":        {http.MethodPost, s.login},
		"/v1/account/logout":       {http.MethodDelete, s.logout},
		"/v1/account/refresh":      {http.MethodPut, s.refresh},
		"/v1/account/session":      {http.MethodPost, s.session},
		"/v1/account/login_method": {http.MethodGet, s.loginMethod},
	}
	return s
}

// Requests is how many requests came in so far, refused ones included.
func (s *Sandbox) Requests() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.requests
}

// ServeHTTP answers one request. For the dropped account, and when the caller
// leaves the slow one, it panics with http.ErrAbortHandler: net/http's own way
// to close the connection, or reset the stream, without an answer and without a
// line in the log. A middleware that recovers from panics must let it pass.
func (s *Sandbox) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	quota := s.admit(r.RemoteAddr)
	a := s.answer(r, quota)
	if a.drop {
		panic(http.ErrAbortHandler)
	}
	if a.status == http.StatusTooManyRequests {
		quota.remaining = 0
	}
	quota.describe(w.Header())
	if a.contentType != "" {
		w.Header().Set("Content-Type", a.contentType)
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(a.body)))
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body) // fails only when the caller has left
}

func (s *Sandbox) answer(r *http.Request, q quota) answer {
	if q.exceeded {
		return tooManyRequests()
	}
	operation, known := s.routes[r.URL.Path]
	switch {
	case !known:
		return page()
	case r.Method != operation.method:
		return methodNotAllowed()
	default:
		return operation.serve(r)
	}
}
