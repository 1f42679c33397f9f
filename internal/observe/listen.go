package observe

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fairlead/fairlead/internal/event"
)

// Log writes events to a log: what the operator has to see to as errors, the rest
// at level debug. Events below the log's level are not heard at all.
func Log(log *slog.Logger) event.Listener {
	l := &logged{log: log, seen: map[string]time.Time{}}
	kinds := always
	if log.Enabled(context.Background(), slog.LevelDebug) {
		kinds |= debugged
	}
	return event.Listener{Kinds: kinds, Hear: l.hear}
}

// always are the events of which some are written at any level.
const always = event.Problems | event.Reloads | event.Breakers

// debugged are the events that are written at level debug.
const debugged = event.Steps | event.Attempts | event.Credentials | event.Refusals | event.Retries |
	event.Waits

// Level is the least level of a log, which may change while it is written.
type Level struct {
	slog.LevelVar
	kinds atomic.Uint32
}

// Set changes the level, and with it what is heard.
func (l *Level) Set(level slog.Level) {
	l.LevelVar.Set(level)
	kinds := event.Kind(0)
	if level <= slog.LevelDebug {
		kinds = debugged
	}
	l.kinds.Store(uint32(kinds))
}

// Listener writes events to a log of this level, as Log does.
func (l *Level) Listener(log *slog.Logger) event.Listener {
	all := &logged{log: log, seen: map[string]time.Time{}}
	return event.Listener{Kinds: always, More: &l.kinds, Hear: all.hear}
}

type logged struct {
	log  *slog.Logger
	mu   sync.Mutex
	seen map[string]time.Time // problems, by their text
}

// A problem is logged again after pause, since any caller can cause it; of no
// more than maxSeen is remembered when that was.
const (
	pause   = time.Minute
	maxSeen = 1000
)

func (l *logged) hear(ctx context.Context, e event.Event) {
	level, message := slog.LevelDebug, ""
	var attrs []slog.Attr
	switch e := e.(type) {
	case event.StepEnded:
		message, attrs = "step ended", []slog.Attr{slog.String("unit", unit(e.Call)), slog.String("step", e.Name),
			slog.Duration("took", e.Took)}
		attrs = failed(attrs, e.Err)
	case event.Attempt:
		message = "API called"
		attrs = []slog.Attr{slog.String("unit", unit(e.Call)), slog.String("target", e.Target),
			slog.String("method", e.Method), slog.String("url", e.URL),
			slog.Int("status", e.Status), slog.Duration("header", e.Header), slog.Duration("took", e.Took),
			slog.Int64("received", e.Received)}
		if e.Number > 1 {
			attrs = append(attrs, slog.Int("attempt", e.Number))
		}
		attrs = failed(attrs, e.Err)
	case event.Credential:
		message, attrs = "credential fetched",
			[]slog.Attr{slog.String("from", e.From), slog.Bool("renews", e.Renews), slog.Duration("took", e.Took)}
		attrs = failed(attrs, e.Err)
	case event.Refusal:
		message, attrs = "request refused",
			[]slog.Attr{slog.String("door", e.Door), slog.Int("status", e.Status), slog.String("reason", e.Reason)}
	case event.Reload:
		level, message = slog.LevelInfo, "documents read again"
		if attrs = failed([]slog.Attr{slog.Int("documents", e.Documents)}, e.Err); e.Err != nil {
			level, message = slog.LevelError, "documents were not read again: the old ones serve on"
		}
	case event.Retry:
		message, attrs = "API is called again",
			[]slog.Attr{slog.String("unit", unit(e.Call)), slog.String("target", e.Target), slog.Int("attempt", e.Number),
				slog.Int("status", e.Status), slog.Duration("after", e.After)}
		attrs = failed(attrs, e.Err)
	case event.Wait:
		message, attrs = "call waited", []slog.Attr{slog.String("unit", unit(e.Call)), slog.String("target", e.Target),
			slog.String("for", e.For), slog.Duration("took", e.Took), slog.Bool("held", e.Held)}
	case event.Breaker:
		level, message = slog.LevelWarn, "breaker is "+e.State.String()
		attrs = []slog.Attr{slog.String("of", e.Name)}
		if e.State == event.Open {
			attrs = append(attrs, slog.Time("until", e.Until))
		}
	case event.Problem:
		if l.again(unit(e.Call) + e.Title) {
			return
		}
		level, message, attrs = slog.LevelError, e.Title, []slog.Attr{slog.String("unit", unit(e.Call))}
		if e.Minor {
			level = slog.LevelWarn
		}
		if e.Cause != nil {
			attrs = append(attrs, slog.String("cause", e.Cause.Error()))
		}
	}
	l.log.LogAttrs(ctx, level, message, attrs...)
}

func unit(c *event.Call) string {
	if c == nil {
		return ""
	}
	return c.Unit
}

func failed(attrs []slog.Attr, err error) []slog.Attr {
	if err == nil {
		return attrs
	}
	return append(attrs, slog.String("error", err.Error()))
}

// again reports whether a problem was logged a moment ago.
func (l *logged) again(text string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	if at, ok := l.seen[text]; ok && now.Sub(at) < pause {
		return true
	}
	if len(l.seen) >= maxSeen {
		clear(l.seen)
	}
	l.seen[text] = now
	return false
}
