package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/fairlead/fairlead/internal/budget"
	"github.com/fairlead/fairlead/internal/engine"
	"github.com/fairlead/fairlead/internal/event"
	"github.com/fairlead/fairlead/internal/host"
	"github.com/fairlead/fairlead/internal/observe"
	"github.com/fairlead/fairlead/internal/session"
	"github.com/fairlead/fairlead/internal/value"
)

func callCommand(s Streams) *cobra.Command {
	var (
		run                   running
		object, authorization string
		trace                 bool
	)
	cmd := &cobra.Command{
		Use:   "call FILE UNIT [name=value]...",
		Short: "Run one unit and print its answer",
		Long: `Call runs one unit of a document, as a REST caller or agent would, and prints
the answer. A unit is named by its tool or operation name, or by “METHOD path”.
A value that begins with @ is read from that file. The built-in document is
koyeb-sessions.yaml.`,
		Example: `  fairlead call koyeb-sessions.yaml "POST /v1/v1/account/login" --sandbox \
    body='{"email":"demo@fairlead.example","password":"not-a-real-password"}'
  fairlead call capability.yaml weather-now latitude=48.85 longitude=2.35
  fairlead call capability.yaml "GET /forecast" \
    --json '{"latitude": 48.85, "longitude": 2.35}'`,
		Args:              named("FILE", "UNIT"),
		ValidArgsFunction: run.loading.completeUnit,
		RunE: func(cmd *cobra.Command, args []string) error {
			m, err := run.start(cmd.Context(), []host.Found{{Path: args[0]}}, s)
			if err != nil {
				return err
			}
			defer m.close()
			ctx, heard := cmd.Context(), &observe.Trace{}
			if trace {
				ctx = event.Listen(ctx, heard.Listener())
				defer printTrace(s.Err, heard)
			}
			return m.call(ctx, s, args[1], args[2:], object, authorization, run.keeping.flagged())
		},
	}
	run.flags(cmd, keptForUser)
	cmd.Flags().StringVar(&object, "json", "", "inputs as a JSON `OBJECT`")
	cmd.Flags().StringVar(&authorization, "authorization", "", "act with this Authorization `HEADER` of your own, as a REST caller may")
	cmd.Flags().BoolVar(&trace, "trace", false, "print when each step began and how long it took")
	return cmd
}

// printTrace writes the steps and attempts of a run as tables.
func printTrace(w io.Writer, t *observe.Trace) {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	steps, attempts := t.Steps(), t.Attempts()
	if len(steps) == 0 {
		return // it failed before
	}
	start := steps[0].Began
	short := func(d time.Duration) time.Duration { return d.Round(10 * time.Microsecond) }
	fmt.Fprintln(table, "began\ttook\tstep\tdoes\t")
	for _, s := range steps {
		failed := ""
		if e, ok := s.Err.(*engine.Error); ok {
			failed = "failed: " + e.Title
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", short(s.Began.Sub(start)), short(s.Took), s.Name, s.Doing, failed)
	}
	table.Flush()
	if len(attempts) == 0 {
		return
	}
	fmt.Fprintln(table, "\nsent\theader\tread\trequest\tanswer\t")
	for _, a := range attempts {
		answer := fmt.Sprintf("%d, %d bytes", a.Status, a.Received)
		if a.Status == 0 {
			answer = "none"
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s %s\t%s\n", short(a.Began.Sub(start)), short(a.Header), short(a.Took),
			a.Method, a.Target, answer)
	}
	table.Flush()
}

func (m *machine) call(ctx context.Context, s Streams, name string, words []string, object,
	authorization, kept string) error {
	d := m.documents[0]
	if d.Plan == nil {
		_ = printDiagnostics(s.Err, d, 0)
		return failed(fmt.Errorf("%s cannot be used", d.Name))
	}
	u, err := findUnit(d, name)
	if err != nil {
		return failed(err)
	}
	args, err := arguments(u, words, object)
	if err != nil {
		return failed(err)
	}
	if names := missing(u, args); len(names) > 0 {
		return failed(fmt.Errorf("%s needs %s; “fairlead explain %s %s” shows its inputs", u.Name,
			strings.Join(names, ", "), d.Name, quoteWord(name)))
	}
	args.Authorization, args.Principal = authorization, session.Local()
	args.Budget = budget.NewCall(m.pool)
	defer args.Budget.End()
	result, failure := m.engine.Invoke(ctx, u, args)
	if failure != nil {
		if failure.SignIn != nil {
			failure.Detail = "Run: fairlead login " + d.Name + kept + "."
		}
		return printFailure(s, failure)
	}
	defer result.Close()
	body, failure := shown(result, m.engine.Limits().Response)
	if failure != nil {
		return printFailure(s, failure)
	}
	if v, err := value.Parse(body); err == nil && !result.Binary {
		_, err = fmt.Fprintln(s.Out, v.Indent())
		return failed(err)
	}
	_, err = s.Out.Write(body)
	return failed(err)
}

// shown is an answer as an agent gets it: without what must not be shown, unless it
// is bytes, or that of a REST operation.
func shown(result *engine.Result, limit int64) ([]byte, *engine.Error) {
	if result.Raw == nil || result.Binary {
		body, failure := result.Bytes(limit)
		return result.Masked(body), failure
	}
	body, failure := result.AppendRaw(nil, limit)
	return result.Masked(body), failure
}

func printFailure(s Streams, e *engine.Error) error {
	if e.Kind == engine.Answered && len(e.Body) > 0 {
		if v, err := value.Parse(e.Body); err == nil {
			fmt.Fprintln(s.Out, v.Indent())
		} else {
			fmt.Fprintf(s.Out, "%s\n", e.Body)
		}
	}
	text := e.Error()
	if e.Detail != "" {
		text += ". " + e.Detail
	}
	return failed(errors.New(text))
}

func quoteWord(s string) string {
	if strings.ContainsAny(s, " {}") {
		return "'" + s + "'"
	}
	return s
}
