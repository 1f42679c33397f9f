package observe

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/fairlead/fairlead/internal/event"
)

// Log writes events to a log: what the operator has to see to as errors, the rest
// at level debug. Events below the log's level are not heard at all.
func Log(log *slog.Logger) event.Listener {
	l := &logged{log: log, seen: map[string]time.Time{}}
	kinds := event.Problems
	if log.Enabled(context.Background(), slog.LevelDebug) {
		kinds |= event.Steps | event.Attempts | event.Credentials | event.Refusals | event.Reloads
	}
	return event.Listener{Kinds: kinds, Hear: l.hear}
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
		message, attrs = "documents read again", failed([]slog.Attr{slog.Int("documents", e.Documents)}, e.Err)
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
	if x := event.ExchangeOf(ctx); x != nil {
		attrs = append(attrs, slog.String("request", x.ID))
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
