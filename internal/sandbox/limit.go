package sandbox

import (
	"fmt"
	"net"
	"net/http"
	"strconv"
	"time"
)

const (
	window     = time.Minute
	maxClients = 1024 // addresses whose requests are counted at the same time
)

// quota is what a client has left when a request of its came in.
type quota struct {
	limit, remaining int
	reset            time.Duration // until the next window
	exceeded         bool
}

// admit counts a request of the client at address, a host with or without port.
func (s *Sandbox) admit(address string) quota {
	client, _, err := net.SplitHostPort(address)
	if err != nil {
		client = address
	}
	now, limit := s.cfg.Clock(), s.cfg.RateLimit

	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests++
	running := s.windows.get(client, now)
	if running == nil {
		running = s.windows.put(client, now.Add(window), now)
	}
	exceeded := running.uses >= limit
	if !exceeded {
		running.uses++
	}
	return quota{limit, limit - running.uses, running.ends.Sub(now), exceeded}
}

// describe writes the headers that Koyeb sends: seconds in x-ratelimit-reset, and
// never a Retry-After.
func (q quota) describe(h http.Header) {
	h.Set("X-Ratelimit-Limit", fmt.Sprintf("%d, %d;w=%d", q.limit, q.limit, int(window.Seconds())))
	h.Set("X-Ratelimit-Remaining", strconv.Itoa(q.remaining))
	h.Set("X-Ratelimit-Reset", strconv.Itoa(int((q.reset+time.Second-1)/time.Second)))
}
