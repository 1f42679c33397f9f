package host

import (
	"cmp"
	"io"
	"net/http"
	"slices"

	"github.com/fairlead/fairlead/internal/adapter/connect"
	"github.com/fairlead/fairlead/internal/adapter/control"
	"github.com/fairlead/fairlead/internal/event"
	"github.com/fairlead/fairlead/internal/plan"
)

// heardExchange is a request of which somebody hears: the exchange, and the writer of its
// answer.
type heardExchange struct {
	http.ResponseWriter
	event.Exchange
	id      [1]string // the value of X-Request-Id
	status  int
	sent    int64
	began   bool             // the header was written
	stopped bool             // the handler returned
	kept    *control.Message // what operators see of it; nil when they do not ask
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
	switch {
	case reserved(r.URL.Path): // where people type passwords, and come back with codes
		x.Path = connect.Path + "/…"
	case l.capture.On():
		x.keep(r)
	}
	defer func() {
		if x.kept != nil {
			x.kept.Status, x.kept.AnswerHeader = cmp.Or(x.status, http.StatusOK), w.Header().Clone()
			if x.Facts().Private {
				x.kept.Withhold()
			}
			l.capture.Keep(x.kept)
		}
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

// keep keeps what an operator asks to see of a request. A body that nobody reads is
// not kept.
func (x *heardExchange) keep(r *http.Request) {
	x.kept = &control.Message{ID: x.ID, Line: x.Method + " " + x.Path, Header: r.Header.Clone()}
	if r.Body != nil && r.Body != http.NoBody {
		r.Body = &keptBody{r.Body, x.kept}
	}
}

// keptBody keeps the beginning of what is read of a body.
type keptBody struct {
	io.ReadCloser
	to *control.Message
}

func (b *keptBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.to.Request.Add(p[:n])
	return n, err
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
	if x.kept != nil {
		x.kept.Answer.Add(body[:n])
	}
	x.sent += int64(n)
	return n, err
}

// noting notes in exchanges which server takes them, and whether what they carry may
// be a credential.
func (g *generation) noting(next http.Handler) http.Handler {
	private, open := privacy(g.server)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		x := event.ExchangeOf(r.Context())
		x.Note(func(f *event.Facts) {
			f.Capability, f.Adapter, f.Server = g.document.Model.Name(), g.server.Type, g.server.Namespace
			f.Private = private
		})
		next.ServeHTTP(w, r)
		if len(open) > 0 {
			x.Note(func(f *event.Facts) { f.Private = !open[f.Unit] })
		}
	})
}

// privacy reports whether a unit of a server is part of a session or acts in one, or has
// credentials as its inputs or answer. Open are the units of which that is known not to
// be so, where a request runs one unit at most: MCP has batches.
func privacy(s *plan.Server) (private bool, open map[string]bool) {
	var units, secret []*plan.Unit
	add := func(u *plan.Unit, signs bool) {
		if u == nil {
			return
		}
		units = append(units, u)
		if signs || u.Signs || u.Role != plan.NoRole || u.AnswersSecret() || len(u.SignsInAt()) > 0 ||
			slices.ContainsFunc(u.Inputs, func(in *plan.Input) bool { return in.Secret || len(in.SecretMembers) > 0 }) {
			secret = append(secret, u)
		}
	}
	for _, r := range s.Routes {
		add(r.Unit, r.Forward != nil && r.Forward.Session != nil)
	}
	for _, u := range s.Tools {
		add(u, false)
	}
	for _, r := range s.Resources {
		add(r.Unit, false)
	}
	if len(secret) == 0 || s.Type != "rest" {
		return len(secret) > 0, nil
	}
	open = map[string]bool{}
	for _, u := range units {
		open[u.ID] = true
	}
	for _, u := range secret {
		delete(open, u.ID)
	}
	return true, open
}
