package control

import (
	"bytes"
	"cmp"
	"context"
	"embed"
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/fairlead/fairlead/internal/observe"
)

//go:embed page.html style.css page.js
var files embed.FS

var pages = template.Must(template.ParseFS(files, "page.html"))

// policy lets the pages load their own style sheet and script, ask their own
// address, and nothing else (CSP level 3).
const policy = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src data:; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// view is what the page shows.
type view struct {
	Title, Version, Name, Status, Uptime, Until string
	State                                       State
	Problems                                    []string
	Sessions                                    int
	HasSessions                                 bool
	Heard                                       bool // somebody hears of calls
	Calls                                       []Call
	Captures                                    bool   // requests and answers can be kept
	Capturing                                   string // until when they are
}

func (g *generation) view(ctx context.Context) view {
	p := g.c.Process
	v := view{State: p.State(), Version: p.Version, Status: "UP", Heard: p.View != nil,
		Uptime: spoken(time.Since(p.Began)), Captures: p.Capture != nil}
	v.Name = "Fairlead"
	if len(v.State.Documents) > 0 {
		v.Name = v.State.Documents[0].Display
	}
	if n := len(v.State.Documents); n > 1 {
		v.Name = fmt.Sprintf("%d documents", n)
	}
	v.Title = v.Name + " – Fairlead"
	v.Problems = p.Secrets(ctx)
	switch {
	case v.State.Stopping:
		v.Status = "STOPPING"
	case len(v.Problems) > 0, slices.ContainsFunc(v.State.Adapters, func(a Adapter) bool { return a.State != "started" }):
		v.Status = "DEGRADED"
	}
	if v.State.Until != nil {
		v.Until = v.State.Until.Format("15:04:05")
	}
	if p.Sessions != nil {
		v.Sessions, v.HasSessions = p.Sessions(ctx)
	}
	return v
}

// spoken is a time as people say it.
func spoken(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h %d min", int(d.Hours()), int(d.Minutes())%60)
	}
	return fmt.Sprintf("%d days", int(d.Hours()/24))
}

func (g *generation) page(w http.ResponseWriter, r *http.Request) {
	v := g.view(r.Context())
	if v.Heard {
		v.Calls = g.recent(mostCalls)
	}
	if v.Captures {
		if until := g.c.Process.Capture.Until(); time.Now().Before(until) {
			v.Capturing = until.Format("15:04:05")
		}
	}
	g.respond(w, r, http.StatusOK, "page", v)
}

func (g *generation) respond(w http.ResponseWriter, r *http.Request, status int, name string, v any) {
	text, err := rendered(name, v)
	if err != nil {
		g.c.Logger.ErrorContext(r.Context(), "a page cannot be made", "page", name, "error", err)
		fail(w, http.StatusInternalServerError, "the page cannot be made; the log says why")
		return
	}
	h := w.Header()
	h.Set("Content-Security-Policy", policy)
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(text) // to a caller who left
}

func rendered(name string, v any) ([]byte, error) {
	var b bytes.Buffer
	err := pages.ExecuteTemplate(&b, name, v)
	return b.Bytes(), err
}

// asset serves a file that belongs to the pages.
func asset(name, contentType string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		text, _ := files.ReadFile(name) // it is embedded
		w.Header().Set("Content-Type", contentType)
		_, _ = w.Write(text)
	}
}

// every is how often the page hears how things are.
const every = 2 * time.Second

// live sends what changes as server-sent events whose data is HTML: how things are,
// and each call that ends.
func (g *generation) live(w http.ResponseWriter, r *http.Request) {
	g.stream(w, r, func(ctx context.Context, send func(name string, data []byte) bool) {
		ctx, cancel := context.WithCancel(ctx)
		done := make(chan struct{})
		defer func() {
			cancel()
			<-done
		}()
		if g.c.Process.View == nil {
			close(done)
		} else {
			go func() {
				defer close(done)
				g.c.Process.View.Recent.Follow(ctx, func(c observe.Call) bool {
					text, err := rendered("call", callOf(c))
					return err == nil && send("call", line(text))
				})
			}()
		}
		tick := time.NewTicker(every)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			if text, err := rendered("state", g.view(ctx)); err != nil || !send("state", line(text)) {
				return
			}
		}
	})
}

// line is HTML in one line, as an event's data needs it.
func line(text []byte) []byte {
	return bytes.ReplaceAll(bytes.TrimSpace(text), []byte("\n"), []byte(" "))
}

// detail is what is known of one call.
type detail struct {
	Title, Version string
	Call           Call
	Spans          []Span
	Kept           *Kept
}

// call shows one call: as a page where a browser asks, else as JSON.
func (g *generation) call(w http.ResponseWriter, r *http.Request) {
	v := g.c.Process.View
	if v == nil {
		unheard(w)
		return
	}
	for _, c := range v.Recent.Calls() {
		if c.ID != r.PathValue("id") {
			continue
		}
		d := detail{Title: cmp.Or(c.Unit, c.ID) + " – Fairlead", Version: g.c.Process.Version, Call: callOf(c)}
		if c.Trace != "" {
			if spans := v.Traces.Trace(c.Trace); len(spans) > 0 {
				d.Spans = spansOf(spans)
			}
		}
		if g.c.Process.Capture != nil {
			d.Kept = g.c.Process.Capture.Find(c.ID)
		}
		if strings.Contains(r.Header.Get("Accept"), "text/html") {
			g.respond(w, r, http.StatusOK, "detail", d)
			return
		}
		answer(w, http.StatusOK, struct {
			Call
			Spans []Span `json:"spans,omitempty"`
			Kept  *Kept  `json:"kept,omitempty"`
		}{d.Call, d.Spans, d.Kept})
		return
	}
	fail(w, http.StatusNotFound, "no call with this ID is kept")
}
