// Package observe is what operators see of a running process: logs in which no
// secret stands, a line for each call, an audit of what changes something, metrics and
// traces, for a control server and for collectors, and the trace of one call.
package observe

import (
	"context"
	"io"
	"log"
	"log/slog"
	"strings"
	"sync"

	"github.com/fairlead/fairlead/internal/event"
	"github.com/fairlead/fairlead/internal/secret"
)

// NewLogger writes records to w as text lines. Whatever known returns, the
// values of secrets handed out so far, is masked wherever it stands in a line.
func NewLogger(w io.Writer, level slog.Level, known func() []secret.String) *slog.Logger {
	return LogOptions{Level: level, Mask: NewMask(known)}.Logger(w)
}

// LogOptions say how records are written.
type LogOptions struct {
	Format Format
	Level  slog.Leveler // the least that is written; a *slog.LevelVar may change
	Mask   *Mask
	Lines  *Lines // keeps the records, too; nil is nobody
}

// Logger writes records to w.
func (o LogOptions) Logger(w io.Writer) *slog.Logger {
	how := &slog.HandlerOptions{Level: o.Level, ReplaceAttr: maskHeaders}
	var handler slog.Handler = slog.NewTextHandler(&scrubber{w: w, mask: o.Mask}, how)
	if o.Format == JSON {
		handler = slog.NewJSONHandler(&scrubber{w: w, mask: o.Mask}, how)
	}
	if o.Lines != nil {
		handler = slog.NewMultiHandler(handler, slog.NewJSONHandler(&scrubber{w: o.Lines, mask: o.Mask}, how))
	}
	return slog.New(naming{handler})
}

// naming adds the ID of the request that a record is about.
type naming struct{ slog.Handler }

// Handle implements slog.Handler.
func (n naming) Handle(ctx context.Context, r slog.Record) error {
	if x := event.ExchangeOf(ctx); x != nil {
		r = r.Clone()
		r.AddAttrs(slog.String("request", x.ID))
	}
	return n.Handler.Handle(ctx, r)
}

// WithAttrs implements slog.Handler.
func (n naming) WithAttrs(attrs []slog.Attr) slog.Handler { return naming{n.Handler.WithAttrs(attrs)} }

// WithGroup implements slog.Handler.
func (n naming) WithGroup(name string) slog.Handler { return naming{n.Handler.WithGroup(name)} }

// sensitive are attribute names of which the value is never written.
var sensitive = map[string]bool{"authorization": true, "proxy-authorization": true, "cookie": true,
	"set-cookie": true, "password": true, "token": true, "secret": true, "api_key": true, "apikey": true}

func maskHeaders(_ []string, a slog.Attr) slog.Attr {
	if sensitive[strings.ToLower(a.Key)] {
		return slog.String(a.Key, secret.Mask)
	}
	return a
}

// scrubber masks secrets in what is written, a line at a time.
type scrubber struct {
	mu   sync.Mutex
	w    io.Writer
	mask *Mask
}

func (s *scrubber) Write(line []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := s.w.Write(s.mask.Bytes(line)); err != nil {
		return 0, err
	}
	return len(line), nil
}

// StandardLog makes what libraries write to Go's standard log a line on w of
// their own words only. net/http quotes there what an API sent without being
// asked, which may repeat a credential, whole.
func StandardLog(w io.Writer) {
	log.SetFlags(0)
	log.SetPrefix("")
	log.SetOutput(unquoted{w})
}

// unquoted writes lines as far as their first quotation mark.
type unquoted struct{ w io.Writer }

func (u unquoted) Write(line []byte) (int, error) {
	text, _, _ := strings.Cut(strings.TrimRight(string(line), "\n"), "\n")
	text, _, quotes := strings.Cut(text, `"`)
	if quotes {
		text = strings.TrimRight(text, " ") + " …"
	}
	if _, err := io.WriteString(u.w, "fairlead: "+text+"\n"); err != nil {
		return 0, err
	}
	return len(line), nil
}
