package cli

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"regexp"
	"runtime"
	"slices"

	"github.com/spf13/cobra"

	"github.com/fairlead/fairlead/internal/event"
	"github.com/fairlead/fairlead/internal/host"
	"github.com/fairlead/fairlead/internal/observe"
	"github.com/fairlead/fairlead/internal/plan"
	"github.com/fairlead/fairlead/internal/upstream"
)

// observing are the flags of what operators see of a command that serves.
type observing struct {
	stdio      bool   // standard output belongs to MCP
	access     string // format of access lines, or off
	accessFile string
	audit      string // file, or - for standard output
}

func (o *observing) flags(cmd *cobra.Command, access string) {
	o.access = access
	choose(cmd, &o.access, "access-log", "", "write a line for each call, as `FORMAT`: text, json or off", "text", "json", "off")
	f := cmd.Flags()
	f.StringVar(&o.accessFile, "access-log-file", "",
		"append these lines to this `FILE` instead of standard error; SIGHUP opens it anew")
	where := "this `FILE`, or to standard output with -"
	if o.stdio {
		where = "this `FILE`"
	}
	f.StringVar(&o.audit, "audit", "",
		"append who changed what, as JSON lines, to "+where+"; what cannot be noted is not done")
}

// outputs are where the process writes lines.
type outputs struct {
	lines  *observe.Queue // the log, and what else goes to standard error
	access *observe.Queue // access lines, when they go elsewhere
	batch  *observe.Batch // of them, wherever they go
	file   *observe.File  // where they go
	audit  *observe.Audit // nil when nothing is audited

	exporter *observe.Exporter // of traces and metrics; nil when nothing is sent
}

// open makes the log. What else is written to standard error goes its way, so that
// nobody waits for who reads that; in JSON each line of it is a record.
func (m *machine) open(r *running, s Streams) {
	var least slog.Level
	_ = least.UnmarshalText([]byte(r.logLevel)) // the flag allows nothing else
	m.level, m.hides = observe.NewLevel(least), observe.NewMask(m.known)
	m.out.lines = observe.NewQueue(s.Err, m.hides)
	m.logs = observe.LogOptions{Format: formats[r.logFormat], Level: m.level, Mask: m.hides}
	said := m.logs
	said.Level = slog.LevelInfo // whatever the log's is: a person would read it, too
	m.says, m.stderr = said.Logger(m.out.lines), m.out.lines
	if r.logFormat == "json" {
		m.stderr = observe.Records(m.says)
	}
}

// observe makes what hears of the process: the log, access lines, the audit, and what
// the control server shows.
func (m *machine) observe(r *running, s Streams) error {
	level, mask := m.level, m.hides
	telemetry, notes, err := observe.NewTelemetry(os.LookupEnv, m.declared())
	m.headers = telemetry.Secrets()
	sends := r.observing != nil && telemetry.Sends()
	if r.watched || m.control() != nil || sends {
		m.view = observe.NewView(mask, level)
		if c := m.control(); c != nil {
			m.view.Traces.Keep(c.Observability.Buffer)
		}
	}
	format := m.logs
	if m.view != nil {
		format.Lines = m.view.Lines
	}
	m.log = format.Logger(m.out.lines)
	listeners := []event.Listener{level.Listener(m.log)}
	if o := r.observing; o != nil {
		if err := m.out.openAccess(o, mask); err != nil {
			return err
		}
		if m.out.batch != nil {
			listeners = append(listeners, observe.Access(m.out.batch, formats[o.access]))
		}
		audit, err := openAudit(o, s, mask)
		if err != nil {
			return err
		}
		m.out.audit = audit
		if m.out.audit != nil {
			listeners = append(listeners, m.out.audit.Listener())
		}
	}
	if err != nil && r.observing != nil { // OpenTelemetry asks to go on without what cannot be read
		m.log.Warn("a variable of OpenTelemetry does not count", "cause", err.Error())
	}
	if m.view == nil {
		m.events = event.To(listeners...)
		return nil
	}
	for _, note := range notes {
		m.log.Warn(note)
	}
	m.view.Metrics.Process(Version())
	m.view.Metrics.Observe("fairlead.log.lines.lost", "", "Lines of logs that nobody read.", true, nil,
		func() []observe.Sample { return []observe.Sample{{Value: float64(m.out.lost())}} })
	listeners = append(listeners, m.view.Listeners()...)
	if sends {
		m.out.exporter = observe.NewExporter(observe.ExporterConfig{Telemetry: telemetry, Version: Version(),
			Client: upstream.NewPlainClient(nil), Metrics: m.view.Metrics, Mask: mask, Logger: m.log})
		m.view.Metrics.Observe("fairlead.telemetry.lost", "", "Exchanges of which the spans were left out.", true, nil,
			func() []observe.Sample { return []observe.Sample{{Value: float64(m.out.exporter.Lost())}} })
		listeners = append(listeners, m.out.exporter.Listener())
	}
	m.events = event.Trace(telemetry.Tracing, listeners...)
	m.countGenerations()
	m.view.Metrics.Gauge("http.server.active_requests", "", "Requests and messages that run.",
		func() float64 { return float64(m.events.Active()) })
	return nil
}

// formats are those of lines, by the words of the flags.
var formats = map[string]observe.Format{"text": observe.Text, "json": observe.JSON}

// declared is what the documents say of telemetry: the first control server does.
func (m *machine) declared() observe.Declared {
	d := observe.Declared{Sampling: 1}
	if len(m.documents) == 1 && m.documents[0].Model != nil {
		d.Service = m.documents[0].Model.Name()
	}
	if c := m.control(); c != nil {
		d.Sampling, d.B3, d.Endpoint = c.Observability.Sampling, c.Observability.Propagation == "b3", ""
		endpoint, ok := fromVariables(c.Observability.Endpoint)
		if ok && !c.Observability.Off {
			d.Endpoint = endpoint
		}
		if c.Observability.Off {
			d.Sampling = 0
		}
	}
	return d
}

// placeholders are the {{X}} of a text.
var placeholders = regexp.MustCompile(`\{\{\s*([A-Za-z_][A-Za-z0-9_]*)\s*\}\}`)

// fromVariables fills a text with variables of the environment; ok is false when one
// of them is not set.
func fromVariables(text string) (filled string, ok bool) {
	ok = true
	return placeholders.ReplaceAllStringFunc(text, func(one string) string {
		v, set := os.LookupEnv(placeholders.FindStringSubmatch(one)[1])
		ok = ok && set
		return v
	}), ok
}

// started writes the first line of a process that serves: what runs, where, and which
// credentials are there, by their names. Who looks at a terminal is told so by printReady.
func (m *machine) started(s Streams, adapters []host.Adapter) {
	if color(s.Err) {
		return
	}
	var listeners, there, missing []string
	units := 0
	for _, a := range adapters {
		units += len(a.Units)
		if one := a.Type + " " + a.URL; len(listeners) < mostListed && !slices.Contains(listeners, one) {
			listeners = append(listeners, one)
		}
	}
	for _, d := range m.documents {
		if d.Plan == nil {
			continue
		}
		slots := [][]plan.SecretSlot{}
		for _, server := range d.Plan.Servers {
			slots = append(slots, guarding(server))
		}
		for _, u := range d.Plan.Running() {
			slots = append(slots, u.Secrets)
		}
		for _, slot := range slices.Concat(slots...) {
			list := &missing
			if name := variables(slot.Refs); name == "" || m.has(slot.Refs) {
				list = &there
			}
			if name := slot.Refs[0].Name; !slices.Contains(*list, name) {
				*list = append(*list, name)
			}
		}
	}
	slices.Sort(there)
	slices.Sort(missing)
	m.says.Info("started", "version", Version(), "go", runtime.Version(), "documents", len(m.documents), "units", units,
		"servers", len(adapters), "listeners", listeners,
		"credentials", there, "missing", missing)
}

// mostListed is how many servers the first line names.
const mostListed = 20

// openAccess opens where access lines go.
func (o *outputs) openAccess(flags *observing, mask *observe.Mask) (err error) {
	to := o.lines
	switch {
	case flags.access == "off":
		return nil
	case flags.accessFile != "":
		if o.file, err = observe.OpenFile(flags.accessFile); err != nil {
			return failed(fmt.Errorf("--access-log-file: %w", err))
		}
		o.access = observe.NewQueue(o.file, mask)
		to = o.access
	}
	o.batch = observe.NewBatch(to)
	return nil
}

func openAudit(flags *observing, s Streams, mask *observe.Mask) (*observe.Audit, error) {
	switch {
	case flags.audit == "":
		return nil, nil
	case flags.audit == "-" && flags.stdio:
		return nil, failed(errors.New("--audit: standard output belongs to MCP here; name a file"))
	case flags.audit == "-":
		return observe.NewAudit(s.Out, mask), nil
	}
	audit, err := observe.OpenAudit(flags.audit, mask)
	if err != nil {
		return nil, failed(fmt.Errorf("--audit: %w", err))
	}
	return audit, nil
}

// reopen opens files anew, for who has moved them away.
func (o *outputs) reopen() error { return errors.Join(o.file.Reopen(), o.audit.Reopen()) }

func (o *outputs) lost() (lines int64) {
	for _, q := range []*observe.Queue{o.lines, o.access} {
		if q != nil {
			lines += q.Lost()
		}
	}
	return lines
}

// close writes what waits.
func (o *outputs) close() {
	o.exporter.Close()
	o.batch.Flush()
	_ = o.audit.Close() // nobody is there to tell
	if o.access != nil {
		o.access.Close()
		_ = o.file.Close() // as above
	}
	if o.lines != nil {
		o.lines.Close()
	}
}
