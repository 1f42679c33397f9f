package cli

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/fairlead/fairlead/internal/adapter/control"
	"github.com/fairlead/fairlead/internal/host"
	"github.com/fairlead/fairlead/internal/model"
	"github.com/fairlead/fairlead/internal/observe"
	"github.com/fairlead/fairlead/internal/secret"
	"github.com/fairlead/fairlead/internal/upstream"
)

// operating are the flags of how a process that serves is operated.
type operating struct {
	control       host.ControlAddress
	tokenFile     string
	watch         bool
	reload        string
	drain, linger time.Duration // 0 is the default
}

func (o *operating) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.Var(controlAddress{&o.control}, "control", "open a control server at this `ADDRESS`: a port of loopback, HOST:PORT, or unix:PATH")
	f.StringVar(&o.tokenFile, "control-token-file", "", "what changes something takes the token in this `FILE` (default a random one, printed at the start)")
	reloadFlags(cmd, &o.watch, &o.reload)
	f.Var(period{&o.drain}, "drain",
		"how long what runs may take once the process is told to end (default --call-timeout and 5s)")
	f.Var(period{&o.linger}, "stop-delay",
		"how long requests are taken once the process is told to end (default until none come, at most 1s)")
}

// reloadFlags are those of commands that read documents again.
func reloadFlags(cmd *cobra.Command, watch *bool, reload *string) {
	cmd.Flags().BoolVar(watch, "watch", false, "read documents and secrets again when their files change")
	choose(cmd, reload, "reload", "", "`WHICH` new documents a reload takes: safe refuses those that withhold what is served, any takes all", "safe", "any")
}

// drainOf is how long what runs may take to finish when the process is told to
// end: as long as a call may take, and what its answer needs besides.
func (o *operating) drainOf(l upstream.Limits) time.Duration {
	if o.drain > 0 {
		return o.drain
	}
	return drain(l)
}

func drain(l upstream.Limits) time.Duration { return l.WithDefaults().Call + 5*time.Second }

// token reads the control token, or makes one.
func (o *operating) token() (secret.String, error) {
	if o.tokenFile == "" {
		return secret.New(rand.Text()), nil
	}
	return readToken(o.tokenFile)
}

// leastToken is how many bytes a control token has at least.
const leastToken = 16

func readToken(file string) (secret.String, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return secret.String{}, fmt.Errorf("read --control-token-file: %w", err)
	}
	if text = bytes.TrimSpace(text); len(text) < leastToken {
		return secret.String{}, fmt.Errorf(
			"read --control-token-file: %s has %d bytes, want at least %d; make one with: openssl rand -hex 32", file,
			len(text), leastToken)
	}
	return secret.New(string(text)), nil
}

// controlAddress is a flag for where a control server is.
type controlAddress struct{ to *host.ControlAddress }

func (a controlAddress) Type() string { return "ADDRESS" }

func (a controlAddress) String() string {
	if a.to == nil {
		return ""
	}
	return a.to.String()
}

func (a controlAddress) Set(text string) (err error) {
	*a.to, err = host.ParseControlAddress(text)
	return err
}

// control is the first control server that the documents declare, nil for none.
func (m *machine) control() *model.Control {
	for _, d := range m.documents {
		if d.Plan == nil {
			continue
		}
		for _, s := range d.Plan.Servers {
			if s.Control != nil {
				return s.Control
			}
		}
	}
	return nil
}

// countGenerations makes what reloads did metrics.
func (m *machine) countGenerations() {
	now := func() (g control.Generation) {
		if h := m.host.Load(); h != nil {
			g = h.Generation()
		}
		return g
	}
	m.view.Metrics.Gauge("fairlead.generation", "", "Number of the documents in force, from 1.",
		func() float64 { return float64(now().Number) })
	m.view.Metrics.Gauge("fairlead.generation.since", "s", "When they came into force, as Unix time.",
		func() float64 { return float64(now().Since.UnixMilli()) / 1000 })
	m.view.Metrics.Observe("fairlead.reloads.refused", "", "Reloads of which something was refused.", true, nil,
		func() []observe.Sample { return []observe.Sample{{Value: float64(now().Refusals)}} })
}

// isControl reports whether an address is that of a control server of this process.
func (m *machine) isControl(to netip.AddrPort) bool {
	h := m.host.Load()
	return h != nil && h.IsControl(to)
}

// say writes a line for the operator without waiting for whoever reads it.
func (m *machine) say(format string, args ...any) {
	fmt.Fprintf(m.stderr, "fairlead: "+format+"\n", args...)
}

// stops says what the end waits for.
func (m *machine) stops(drain time.Duration) func(host.Stop) {
	return func(s host.Stop) {
		var running int64
		var where []string
		for _, a := range s.Running {
			running += a.Running
			where = append(where, fmt.Sprintf("%s %s: %d", strings.ToUpper(a.Type), a.Namespace, a.Running))
		}
		requests := count(int(running), "request")
		until := s.Until.Format("15:04:05")
		switch {
		case s.Over && running > 0:
			m.say("stopped; %s cut off (%s)", requests, strings.Join(where, ", "))
		case s.Over:
			m.say("stopped; nothing was cut off")
		case s.Began && running == 0:
			m.say("told to end; no request runs")
		case s.Began:
			m.say("told to end; waits for %s (%s) until %s, which is --drain %s; a second signal ends at once",
				requests,
				strings.Join(where, ", "), until, drain)
		case running > 0:
			m.say("still waits for %s (%s) until %s", requests, strings.Join(where, ", "), until)
		}
	}
}

// sayClosed says which servers let nobody in because of secrets that neither the
// environment nor files hold: reading those may take a while.
func (m *machine) sayClosed(ctx context.Context, h *host.Host) {
	elsewhere := func(r secret.Ref) bool { return r.Location != "" && !r.IsFile() }
	for _, problem := range h.Closed(ctx, elsewhere) {
		if ctx.Err() == nil {
			m.say("%s", problem)
		}
	}
}
