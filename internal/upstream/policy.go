package upstream

import (
	"strconv"
	"time"

	"github.com/fairlead/fairlead/internal/value"
)

// Policy is how a call is sent. What it leaves out, nil or zero, is as the process
// has it, see Config. The zero Policy leaves out all.
type Policy struct {
	HTTP2   bool // offer HTTP/2, which is used where the API takes it
	Timeout Timeout
	Retry   *Retry
	Breaker *Breaker
	Limit   *Limit

	// APIScope names the API and its document: what calls share whose settings are
	// those of the process.
	APIScope string
}

// Timeout is how long parts of a call may take; zero parts are as Limits have them.
type Timeout struct {
	Connect, FirstByte time.Duration // of each attempt
	Idle               time.Duration // without a piece of the answer
	Total              time.Duration // of the call, the whole answer included
}

// Retry is when and how often a call is sent again. The zero Retry is never.
type Retry struct {
	Scope      string // what shares the budget
	Times      int    // at most
	Backoff    time.Duration
	MaxBackoff time.Duration
	On         []int // statuses
	Budget     int   // percent of calls
}

// Breaker is when calls to an API that fails are held back. The zero Breaker is never.
type Breaker struct {
	Scope    string // what shares it
	Name     string // of that, for people
	Failures int    // percent of attempts
	Calls    int    // that there must have been
	Window   time.Duration
	Open     time.Duration
}

// Limit is how much is asked of an API. The zero Limit is as much as callers ask.
type Limit struct {
	Scope      string        // what shares it
	Every      time.Duration // from one attempt to the next; 0 has no rate
	Burst      int           // attempts at once
	Concurrent int           // attempts at a time; 0 is any number
	Wait       time.Duration // for a turn
	Learn      bool          // what answers say of limits is heeded
}

// retryOn are the statuses that say that a later call may succeed (RFC 9110
// sections 15.6.3 to 15.6.5, RFC 6585 section 4).
var retryOn = []int{429, 502, 503, 504}

// UsualRetry sends a call again up to times, as a document does that says no more.
func UsualRetry(times int) *Retry {
	return &Retry{Times: times, Backoff: 200 * time.Millisecond, MaxBackoff: 5 * time.Second, On: retryOn, Budget: 20}
}

// UsualBreaker opens as that of a document does that says no more.
func UsualBreaker() *Breaker {
	return &Breaker{Failures: 50, Calls: 10, Window: 30 * time.Second, Open: 15 * time.Second}
}

// UsualLimit lets so many attempts run at a time, 0 being any number, as a document
// does that says no more.
func UsualLimit(concurrent int) *Limit {
	return &Limit{Burst: 1, Concurrent: concurrent, Wait: 5 * time.Second, Learn: true}
}

// Level is what one level of a document says of how its calls are sent: of an API, a
// resource or an operation.
type Level struct {
	Name string        // for people: api, “api /path”, api.operation
	Said []value.Value // by key; what comes later goes before
}

// NewPolicy makes the policy of levels, the nearest last, of a document of that
// name. They hold the values of the keys that the table of elements marks so
// (element.Field.Sends). Each member of a setting is that of the nearest level that
// says it; what calls share belongs to the nearest level that says anything of it.
func NewPolicy(document string, levels ...Level) Policy {
	p := Policy{APIScope: scope(document, levels[0].Name)}
	for _, l := range levels {
		for _, said := range l.Said {
			if http2 := said.Get("http2"); !http2.IsAbsent() {
				p.HTTP2 = http2.True()
			}
		}
	}
	if s, _ := find(levels, "timeout"); s != nil {
		s.time("connect", &p.Timeout.Connect)
		s.time("firstByte", &p.Timeout.FirstByte)
		s.time("idle", &p.Timeout.Idle)
		s.time("total", &p.Timeout.Total)
	}
	if s, at := find(levels, "retry"); s != nil {
		p.Retry = s.retry()
		p.Retry.Scope = scope(document, at)
	}
	if s, at := find(levels, "breaker"); s != nil {
		p.Breaker = s.breaker()
		p.Breaker.Scope, p.Breaker.Name = scope(document, at), at
	}
	if s, at := find(levels, "limit"); s != nil {
		p.Limit = s.limit()
		p.Limit.Scope = scope(document, at)
	}
	return p
}

func scope(document, name string) string { return document + "\x00" + name }

func (s *setting) retry() *Retry {
	if s.off {
		return &Retry{}
	}
	r := UsualRetry(2)
	s.number("times", &r.Times)
	s.number("budget", &r.Budget)
	s.time("backoff", &r.Backoff)
	s.time("maxBackoff", &r.MaxBackoff)
	if on := s.get("on"); !on.IsAbsent() {
		r.On = nil
		for i := range on.Len() {
			if status, err := strconv.Atoi(on.At(i).Text()); err == nil {
				r.On = append(r.On, status)
			}
		}
	}
	return r
}

func (s *setting) breaker() *Breaker {
	if s.off {
		return &Breaker{}
	}
	b := UsualBreaker()
	s.number("failures", &b.Failures)
	s.number("calls", &b.Calls)
	s.time("window", &b.Window)
	s.time("open", &b.Open)
	return b
}

func (s *setting) limit() *Limit {
	if s.off {
		return &Limit{}
	}
	l := UsualLimit(0)
	s.number("burst", &l.Burst)
	s.number("concurrent", &l.Concurrent)
	s.time("rate", &l.Every)
	s.time("wait", &l.Wait)
	if learn := s.get("learn"); !learn.IsAbsent() {
		l.Learn = learn.True()
	}
	return l
}

// setting is what levels say of one thing, the nearest last.
type setting struct {
	said []value.Value
	off  bool // the nearest level switches it off
}

// find is what levels say of a key, and which level says it last; nil for nothing.
func find(levels []Level, key string) (s *setting, at string) {
	for _, l := range levels {
		for _, said := range l.Said {
			switch v := said.Get(key); v.Kind() {
			case value.Absent:
			case value.Null:
				s, at = &setting{off: true}, l.Name
			default:
				if s == nil || s.off {
					s = &setting{}
				}
				s.said, at = append(s.said, v), l.Name
			}
		}
	}
	return s, at
}

func (s *setting) get(name string) (v value.Value) {
	for _, said := range s.said {
		if nearer := said.Get(name); !nearer.IsAbsent() {
			v = nearer
		}
	}
	return v
}

// number sets *to to what the levels say, if they say it.
func (s *setting) number(name string, to *int) {
	if n, err := strconv.ParseFloat(s.get(name).Text(), 64); err == nil && n >= 0 && n <= 1e6 {
		*to = int(n)
	}
}

// time is number for times.
func (s *setting) time(name string, to *time.Duration) {
	if n, ok := s.get(name).Int64(); ok {
		*to = time.Duration(n)
	}
}
