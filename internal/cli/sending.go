package cli

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/fairlead/fairlead/internal/plan"
	"github.com/fairlead/fairlead/internal/upstream"
)

// sending is how a document wants a call to be sent. Texts are empty where it says nothing.
type sending struct {
	Target  string `json:"target"`
	Timeout string `json:"timeout,omitempty"`
	Retry   string `json:"retry,omitempty"`
	Breaker string `json:"breaker,omitempty"`
	Limit   string `json:"limit,omitempty"`
}

// sendings are those of a unit of which the document says anything.
func sendings(u *plan.Unit) []sending {
	all := []sending{}
	for _, s := range u.Steps {
		if s.Call == nil {
			continue
		}
		r := s.Call.Request
		one := sending{r.Target, timeoutText(r.Policy.Timeout), retryText(r), breakerText(r.Policy.Breaker),
			limitText(r.Policy.Limit)}
		if len(one.lines()) > 0 && !slices.Contains(all, one) {
			all = append(all, one)
		}
	}
	return all
}

func (s sending) lines() (lines []string) {
	for _, text := range []string{s.Timeout, s.Retry, s.Breaker, s.Limit} {
		if text != "" {
			lines = append(lines, text)
		}
	}
	return lines
}

func timeoutText(t upstream.Timeout) string {
	var parts []string
	for _, part := range []struct {
		name string
		time time.Duration
	}{{"connect", t.Connect}, {"first byte", t.FirstByte}, {"idle", t.Idle}, {"whole call", t.Total}} {
		if part.time > 0 {
			parts = append(parts, part.name+" "+part.time.String())
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return "time-outs: " + strings.Join(parts, ", ")
}

func retryText(r *upstream.Request) string {
	p := r.Policy.Retry
	switch {
	case p == nil:
		return ""
	case p.Times == 0:
		return "never sent again"
	case !r.Repeatable():
		return "never sent again: done twice, a " + r.Method +
			" without an Idempotency-Key of the document's may do it twice"
	}
	on := make([]string, len(p.On))
	for i, status := range p.On {
		on[i] = fmt.Sprint(status)
	}
	return fmt.Sprintf("sent again up to %s without an answer or on %s, after %s to %s or Retry-After; %d%% of all calls at most",
		count(p.Times, "time"), strings.Join(on, ", "), p.Backoff, p.MaxBackoff, p.Budget)
}

func breakerText(b *upstream.Breaker) string {
	switch {
	case b == nil:
		return ""
	case b.Calls == 0:
		return "no breaker"
	}
	return fmt.Sprintf("held back for %s when %d%% of %d attempts or more fail within %s (%s)", b.Open, b.Failures,
		b.Calls, b.Window, b.Name)
}

func limitText(l *upstream.Limit) string {
	if l == nil {
		return ""
	}
	var parts []string
	if l.Every > 0 {
		text := "one attempt every " + l.Every.String()
		if l.Burst > 1 {
			text += fmt.Sprintf(", %d at once", l.Burst)
		}
		parts = append(parts, text)
	}
	if l.Concurrent > 0 {
		parts = append(parts, fmt.Sprintf("%d at a time", l.Concurrent))
	}
	if l.Learn {
		parts = append(parts, "as often as the API says")
	}
	if len(parts) == 0 {
		return "no limit"
	}
	return "at most " + strings.Join(parts, ", ") + "; waits up to " + l.Wait.String() + " for a turn"
}
