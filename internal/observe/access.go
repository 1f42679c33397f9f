package observe

import (
	"context"
	"io"
	"strconv"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/fairlead/fairlead/internal/event"
	"github.com/fairlead/fairlead/internal/value"
)

// Format is how lines are written.
type Format uint8

// The formats of lines.
const (
	Text Format = iota // key=value, as log/slog writes it
	JSON               // an object on each line
)

// Access writes a line to w for each exchange that ends. It masks nothing: w does
// (NewQueue), since much of a line comes from callers.
func Access(w io.Writer, format Format) event.Listener {
	buffers := sync.Pool{New: func() any { return &line{format: format} }}
	return event.Listener{Kinds: event.Exchanges, Hear: func(_ context.Context, e event.Event) {
		ended, ok := e.(event.ExchangeEnded)
		if !ok {
			return
		}
		l := buffers.Get().(*line)
		l.access(&ended)
		_, _ = w.Write(l.text) // a queue never fails
		buffers.Put(l)
	}}
}

// line is a line that is being written.
type line struct {
	format Format
	text   []byte
}

func (l *line) access(e *event.ExchangeEnded) {
	x, f := e.Exchange, e.Exchange.Facts()
	l.begin(x.Began)
	l.word("id", x.ID)
	l.word("principal", f.Principal)
	l.word("transport", x.Transport)
	l.word("capability", f.Capability)
	l.word("server", f.Server)
	l.word("adapter", f.Adapter)
	l.word("rpc", f.RPC)
	l.word("unit", f.Unit)
	if f.Unit == "" {
		l.word("name", f.Name)
		l.word("method", x.Method)
		l.word("path", x.Path)
	}
	l.number("status", int64(f.Status))
	l.milliseconds("ms", e.Took)
	if f.Received >= 0 {
		l.number("received", f.Received)
	}
	l.number("sent", f.Sent)
	if f.Attempts > 0 {
		l.word("api", f.Target)
		l.number("api_status", int64(f.APIStatus))
		l.milliseconds("api_ms", f.APITook)
		l.number("api_received", f.APIReceived)
		l.number("attempts", int64(f.Attempts))
	}
	l.word("failed", f.Failed)
	l.word("reason", f.Reason)
	if f.Aborted {
		l.word("aborted", "true")
	}
	if trace := x.Trace(); !trace.Trace.IsZero() {
		l.word("trace", trace.Trace.String())
	}
	l.end()
}

// timeLayout is that of log/slog.
const timeLayout = "2006-01-02T15:04:05.000Z07:00"

func (l *line) begin(at time.Time) {
	l.text = l.text[:0]
	if l.format == JSON {
		l.text = append(at.AppendFormat(append(l.text, `{"time":"`...), timeLayout), '"')
		return
	}
	l.text = at.AppendFormat(append(l.text, `time=`...), timeLayout)
}

func (l *line) end() {
	if l.format == JSON {
		l.text = append(l.text, '}')
	}
	l.text = append(l.text, '\n')
}

func (l *line) key(name string) {
	if l.format == JSON {
		l.text = append(append(append(l.text, `,"`...), name...), `":`...)
		return
	}
	l.text = append(append(append(l.text, ' '), name...), '=')
}

// word writes a text; one that says nothing is left out.
func (l *line) word(name, text string) {
	if text == "" {
		return
	}
	l.key(name)
	switch {
	case l.format == JSON:
		l.text = value.AppendString(l.text, text)
	case isBare(text):
		l.text = append(l.text, text...)
	default:
		l.text = strconv.AppendQuote(l.text, text)
	}
}

// isBare reports whether a text may stand without quotation marks.
func isBare(text string) bool {
	for i := range len(text) {
		if c := text[i]; c <= ' ' || c == '"' || c == '=' || c == '\\' || c >= utf8.RuneSelf || c == 0x7f {
			return false
		}
	}
	return true
}

func (l *line) number(name string, n int64) {
	l.key(name)
	l.text = strconv.AppendInt(l.text, n, 10)
}

// milliseconds writes a time with three decimals.
func (l *line) milliseconds(name string, took time.Duration) {
	l.key(name)
	l.text = strconv.AppendFloat(l.text, float64(took.Microseconds())/1000, 'f', -1, 64)
}

// words writes a list of texts.
func (l *line) words(name string, texts []string) {
	l.key(name)
	l.text = append(l.text, '[')
	for i, text := range texts {
		if i > 0 {
			l.text = append(l.text, ',')
		}
		l.text = value.AppendString(l.text, text)
	}
	l.text = append(l.text, ']')
}
