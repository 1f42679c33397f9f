package upstream

import (
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// limiter says when a call may be sent: at the rate that the document gives (the
// generic cell rate algorithm), and as often as the API says that it may.
type limiter struct {
	settings Limit
	name     string        // of the API, for people
	slots    chan struct{} // one for each attempt that runs; nil for any number

	mu        sync.Mutex
	next      time.Time // when the next attempt would be due without a burst
	paused    time.Time // until when the API wants none
	remaining int       // attempts that the API takes until reset
	reset     time.Time // zero when it does not say so
}

func newLimiter(settings Limit) *limiter {
	l := &limiter{settings: settings}
	if settings.Concurrent > 0 {
		l.slots = make(chan struct{}, settings.Concurrent)
	}
	return l
}

func (l *limiter) like(o *limiter) bool { return l.settings == o.settings }

// reserve takes a turn: after is how long to wait for it. ok is false when that is too
// long; then none was taken.
func (l *limiter) reserve(now time.Time, most time.Duration) (after time.Duration, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	due, start := l.next, now
	if every := l.settings.Every; every > 0 {
		if due.Before(now) {
			due = now
		}
		start = later(start, due.Add(-time.Duration(max(l.settings.Burst, 1)-1)*every))
	}
	start = later(start, l.paused)
	within := now.Before(l.reset)
	if within && l.remaining <= 0 {
		start = later(start, l.reset)
	}
	if after = start.Sub(now); after > most {
		return after, false
	}
	l.next = later(due, start).Add(l.settings.Every)
	if within && l.remaining > 0 {
		l.remaining--
	}
	return after, true
}

func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}

// longestReset is how far away the end of an API's limit may be, and longestPause what
// it may ask callers to wait.
const longestReset = 24 * time.Hour

// learn reads what an answer says of the API's limits.
func (l *limiter) learn(resp *http.Response, now time.Time) {
	if !l.settings.Learn {
		return
	}
	pause := time.Duration(0)
	if resp.StatusCode == http.StatusTooManyRequests || resp.StatusCode == http.StatusServiceUnavailable {
		pause = min(retryAfter(resp.Header, now), longestReset)
	}
	remaining, reset, said := allowance(resp.Header, now)
	if !said && pause == 0 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.paused = later(l.paused, now.Add(pause))
	if !said {
		return
	}
	end := now.Add(min(reset, longestReset))
	if apart := end.Sub(l.reset).Abs(); now.Before(l.reset) && apart < 2*time.Second {
		remaining = min(remaining, l.remaining) // attempts that run are not counted yet
	}
	l.remaining, l.reset = remaining, end
}

// allowance is how many requests an API still takes until reset: by the fields
// RateLimit (draft-ietf-httpapi-ratelimit-headers, as of revision 8, and as of 3) and
// those that came before. ok is false where the answer does not say both.
func allowance(h http.Header, now time.Time) (remaining int, reset time.Duration, ok bool) {
	if policies := h["Ratelimit"]; len(policies) > 0 {
		return structured(strings.Join(policies, ","), now)
	}
	for _, prefix := range []string{"Ratelimit-", "X-Ratelimit-", "X-Rate-Limit-"} {
		left, end := h.Get(prefix+"Remaining"), h.Get(prefix+"Reset")
		if after := h.Get(prefix + "Reset-After"); after != "" {
			end = after
		}
		if left == "" || end == "" {
			continue
		}
		n, err := strconv.Atoi(strings.TrimSpace(left))
		d, read := resetIn(end, now)
		return n, d, err == nil && read
	}
	return 0, 0, false
}

// structured reads the field RateLimit, of several policies that of the fewest
// requests: "a";r=1;t=5, and limit=9, remaining=1, reset=5.
func structured(field string, now time.Time) (remaining int, reset time.Duration, ok bool) {
	var left, end string
	settle := func() {
		n, err := strconv.Atoi(left)
		d, read := resetIn(end, now)
		if err == nil && read && (!ok || n < remaining) {
			remaining, reset, ok = n, d, true
		}
	}
	for part := range strings.FieldsFuncSeq(field, func(c rune) bool { return c == ';' || c == ',' }) {
		name, text, _ := strings.Cut(strings.TrimSpace(part), "=")
		switch name {
		case "r", "remaining":
			left = text
		case "t", "reset":
			end = text
			settle()
		}
	}
	return remaining, reset, ok
}

// resetIn reads when a limit ends: in seconds from now, or since 1970, also as
// milliseconds, or as a date.
func resetIn(text string, now time.Time) (time.Duration, bool) {
	const since1970 = 1e9 // as seconds, in 2001
	n, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
	switch {
	case err != nil:
		at, err := http.ParseTime(text)
		return max(at.Sub(now), 0), err == nil
	case !(n >= 0 && n < 1e15): // also what is no number
		return 0, false
	case n >= since1970*1000:
		return max(time.UnixMilli(int64(n)).Sub(now), 0), true
	case n >= since1970:
		return max(time.Unix(int64(n), 0).Sub(now), 0), true
	}
	return time.Duration(min(n, longestReset.Seconds()) * float64(time.Second)), true
}
