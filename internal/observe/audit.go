package observe

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/fairlead/fairlead/internal/event"
)

// Audit writes who changed what: two lines for each run of a unit that is not
// read-only, one before it begins and one when it is over. A run whose first line
// cannot be written must not begin. Lines are JSON objects; none is left out.
type Audit struct {
	mask  *Mask
	queue chan *audited
	stop  chan struct{}
	done  chan struct{}

	mu   sync.Mutex // of what follows, which the writer uses
	file string     // "" for a stream that somebody else opened
	to   io.Writer
	torn bool // the last line may not be whole
}

// audited is a line on its way.
type audited struct {
	text    []byte
	written chan error // takes one
}

// Deed is what an audit line tells.
type Deed struct {
	Request    string
	Trace      string
	Principal  string
	Capability string
	Server     string
	Adapter    string
	Unit       string
	Arguments  []string // names of what the caller gave, never a value

	// When it is over:
	Outcome string // done, failed, or unclear: the API may have done it
	Status  int    // for an HTTP caller
	Failed  string // the kind of the failure
	Took    time.Duration
}

// The outcomes of a deed.
const (
	Done    = "done"
	Failed  = "failed"
	Unclear = "unclear"
)

// auditPatience is how long a run waits for its line to be written.
const auditPatience = 2 * time.Second

// mostAudited is how many lines wait at most.
const mostAudited = 1024

var errAuditStuck = errors.New("write audit: nobody takes the lines")

// OpenAudit appends audit lines to a file, which it makes for its owner alone; a
// mask hides secrets in them.
func OpenAudit(file string, mask *Mask) (*Audit, error) {
	f, err := openLines(file)
	if err != nil {
		return nil, fmt.Errorf("open audit: %w", err)
	}
	a := newAudit(f, mask)
	a.file = file
	return a, nil
}

// NewAudit writes audit lines to w.
func NewAudit(w io.Writer, mask *Mask) *Audit { return newAudit(w, mask) }

func newAudit(w io.Writer, mask *Mask) *Audit {
	a := &Audit{mask: mask, to: w, queue: make(chan *audited, mostAudited), stop: make(chan struct{}),
		done: make(chan struct{})}
	go a.run()
	return a
}

func openLines(file string) (*os.File, error) {
	const own = 0o600
	return os.OpenFile(file, os.O_APPEND|os.O_CREATE|os.O_WRONLY, own)
}

// Begin writes the line before a deed. It must not be done when that fails.
func (a *Audit) Begin(d *Deed) error { return a.write("begun", d) }

// End writes the line after it.
func (a *Audit) End(d *Deed) error { return a.write("ended", d) }

func (a *Audit) write(what string, d *Deed) error {
	l := line{format: JSON}
	l.begin(time.Now())
	l.word("audit", what)
	l.word("id", d.Request)
	l.word("principal", d.Principal)
	l.word("capability", d.Capability)
	l.word("server", d.Server)
	l.word("adapter", d.Adapter)
	l.word("unit", d.Unit)
	l.words("arguments", d.Arguments)
	l.word("trace", d.Trace)
	if d.Outcome != "" {
		l.word("outcome", d.Outcome)
		l.number("status", int64(d.Status))
		l.word("failed", d.Failed)
		l.milliseconds("ms", d.Took)
	}
	l.end()
	one := &audited{text: l.text, written: make(chan error, 1)}
	late := time.NewTimer(auditPatience)
	defer late.Stop()
	select {
	case a.queue <- one:
	case <-late.C:
		return errAuditStuck
	}
	select {
	case err := <-one.written:
		return err
	case <-late.C:
		return errAuditStuck
	}
}

// run writes what waits, as many lines as there are with one call.
func (a *Audit) run() {
	defer close(a.done)
	for {
		select {
		case one := <-a.queue:
			a.flush(one)
			continue
		default:
		}
		select {
		case one := <-a.queue:
			a.flush(one)
		case <-a.stop:
			return
		}
	}
}

func (a *Audit) flush(first *audited) {
	batch, text := []*audited{first}, first.text
	for more := true; more && len(text) < mostAtOnce; {
		select {
		case one := <-a.queue:
			batch, text = append(batch, one), append(text, one.text...)
		default:
			more = false
		}
	}
	err := a.put(a.mask.Bytes(text))
	for _, one := range batch {
		one.written <- err
	}
}

func (a *Audit) put(text []byte) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.torn {
		text = append([]byte{'\n'}, text...)
	}
	n, err := a.to.Write(text)
	if a.torn = n > 0 && text[n-1] != '\n'; err != nil {
		return fmt.Errorf("write audit: %w", err)
	}
	return nil
}

// Reopen opens the file anew, for who has moved it away. With an error the old one
// stays in use.
func (a *Audit) Reopen() error {
	if a == nil || a.file == "" {
		return nil
	}
	f, err := openLines(a.file)
	if err != nil {
		return fmt.Errorf("open audit: %w", err)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	old := a.to
	a.to, a.torn = f, false
	if c, ok := old.(io.Closer); ok {
		return c.Close()
	}
	return nil
}

// Close writes what waits. Nobody may write afterwards.
func (a *Audit) Close() error {
	if a == nil {
		return nil
	}
	close(a.stop)
	late := time.NewTimer(auditPatience)
	defer late.Stop()
	select {
	case <-a.done:
	case <-late.C:
		return errAuditStuck
	}
	if c, ok := a.to.(io.Closer); ok && a.file != "" {
		return c.Close()
	}
	return nil
}

// Listener makes exchanges known, of which deeds tell who called; it hears nothing
// itself.
func (a *Audit) Listener() event.Listener {
	return event.Listener{Kinds: event.Exchanges, Hear: func(context.Context, event.Event) {}}
}
