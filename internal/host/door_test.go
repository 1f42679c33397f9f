package host

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/fairlead/fairlead/internal/event"
	"github.com/fairlead/fairlead/internal/observe"
)

// doorTo is a listener that leads all requests to next.
func doorTo(next http.HandlerFunc, events *event.Stream) *listener {
	l := &listener{events: events, enter: func(r *http.Request) *http.Request { return r }}
	l.routing.Store(&routing{open: &view{only: next}})
	return l
}

// nowhere is a writer that costs nothing.
type nowhere http.Header

func (n nowhere) Header() http.Header          { return http.Header(n) }
func (nowhere) Write(body []byte) (int, error) { return len(body), nil }
func (nowhere) WriteHeader(int)                {}

func TestDoor_costsNothingWhenNobodyHears(t *testing.T) {
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("X-Request-Id", "id-1")
	for _, events := range []*event.Stream{nil,
		event.To(observe.NewLevel(0).Listener(observe.LogOptions{}.Logger(io.Discard)))} {
		l, w := doorTo(func(http.ResponseWriter, *http.Request) {}, events), nowhere{}
		if n := testing.AllocsPerRun(100, func() { l.ServeHTTP(w, r) }); n > 0 {
			t.Errorf("%v allocations", n)
		}
	}
}

// BenchmarkDoor is what an exchange costs by itself.
func BenchmarkDoor(b *testing.B) {
	q := observe.NewQueue(io.Discard, nil)
	defer q.Close()
	v := observe.NewView(nil, observe.NewLevel(0))
	for name, events := range map[string]*event.Stream{
		"nobody": nil,
		"access": event.To(observe.Access(observe.NewBatch(q), observe.JSON)),
		"all": event.Trace(event.Tracing{Ratio: 1, W3C: true},
			append(v.Listeners(), observe.Access(observe.NewBatch(q), observe.JSON))...),
	} {
		b.Run(name, func(b *testing.B) {
			r := httptest.NewRequest("GET", "/books/1", nil)
			l := doorTo(func(w http.ResponseWriter, r *http.Request) { _, _ = w.Write([]byte("{}")) }, events)
			b.ReportAllocs()
			for b.Loop() {
				l.ServeHTTP(nowhere{}, r)
			}
		})
	}
}
