package host

import (
	"net/http"

	"github.com/fairlead/fairlead/internal/event"
)

// heardExchange is a request of which somebody hears: the exchange, and the writer of its
// answer.
type heardExchange struct {
	http.ResponseWriter
	event.Exchange
	id      [1]string // the value of X-Request-Id
	status  int
	sent    int64
	began   bool // the header was written
	stopped bool // the handler returned
}

// requestID is the header in which callers name their requests, and get the names that
// they were given here.
const requestID = "X-Request-Id"

// serveHeard serves a request of which somebody hears.
func (l *listener) serveHeard(w http.ResponseWriter, r *http.Request) {
	x := &heardExchange{ResponseWriter: w}
	x.Transport, x.Method, x.Path, x.Agent = "http", shortened(r.Method), shortened(r.URL.EscapedPath()),
		shortened(r.Header.Get("User-Agent"))
	ctx := l.events.Begin(r.Context(), &x.Exchange, r.Header)
	x.id[0] = x.ID
	w.Header()[requestID] = x.id[:]
	defer func() {
		x.Note(func(f *event.Facts) {
			f.Status, f.Sent, f.Received, f.Aborted = x.status, x.sent, r.ContentLength, !x.stopped
			switch {
			case !x.began && !x.stopped:
				f.Status = statusClientClosed
			case !x.began:
				f.Status = http.StatusOK // which net/http writes
			}
		})
		l.events.End(ctx, &x.Exchange)
	}()
	l.routing.Load().ServeHTTP(x, r.WithContext(ctx))
	x.stopped = true
}

// statusClientClosed is the status of an exchange whose caller left before there was
// an answer, as other servers log it, too.
const statusClientClosed = 499

// shortened is a text of a caller as far as it is kept.
func shortened(text string) string {
	const most = 256
	if len(text) > most {
		return text[:most]
	}
	return text
}

// Unwrap is for http.ResponseController, and for who sets deadlines.
func (x *heardExchange) Unwrap() http.ResponseWriter { return x.ResponseWriter }

// WriteHeader implements http.ResponseWriter.
func (x *heardExchange) WriteHeader(status int) {
	if !x.began && status >= http.StatusOK {
		x.began, x.status = true, status
	}
	x.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (x *heardExchange) Write(body []byte) (int, error) {
	if !x.began {
		x.began, x.status = true, http.StatusOK
	}
	n, err := x.ResponseWriter.Write(body)
	x.sent += int64(n)
	return n, err
}

// noting notes in exchanges which server takes them.
func (g *generation) noting(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		event.ExchangeOf(r.Context()).Note(func(f *event.Facts) {
			f.Capability, f.Adapter, f.Server = g.document.Model.Name(), g.server.Type, g.server.Namespace
		})
		next.ServeHTTP(w, r)
	})
}
