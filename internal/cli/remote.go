package cli

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"github.com/spf13/cobra"

	"github.com/fairlead/fairlead/internal/adapter/control"
	"github.com/fairlead/fairlead/internal/value"
)

func healthCommand(s Streams) *cobra.Command {
	var a asking
	var upstreams bool
	cmd := &cobra.Command{
		Use:   "health",
		Short: "Say whether a running process lives and is ready",
		Long: `Health asks a running process whether it lives, and whether it is ready: all of
its servers listen, and the secrets that let callers in can be read. It exits
with 0 when the process is ready, else with 1. The process needs a control
server: “fairlead serve --control 9901”, or one in its document. --control and
the variable FAIRLEAD_CONTROL say where that is.`,
		Example: `  fairlead health
  fairlead health -o json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var ready control.Readiness
			path := "/health/ready"
			if upstreams {
				path += "?upstreams=true"
			}
			status, more, err := a.read(cmd.Context(), s, "GET", path, nil, &ready, http.StatusServiceUnavailable)
			if err != nil {
				return err
			}
			if more {
				var b bytes.Buffer
				healthText(&b, &ready)
				if err := write(s, &b); err != nil {
					return err
				}
			}
			if status != http.StatusOK {
				return errFindings
			}
			return nil
		},
	}
	a.flags(cmd)
	cmd.Flags().BoolVar(&upstreams, "upstreams", false, "every consumed API must answer, too")
	return cmd
}

func healthText(b *bytes.Buffer, ready *control.Readiness) {
	started := 0
	for _, one := range ready.Adapters {
		if one.State == "started" {
			started++
		}
	}
	fmt.Fprintf(b, "Liveness:  UP\nReadiness: %s (%d/%d adapters started)\n", ready.Status, started,
		len(ready.Adapters))
	for _, one := range ready.Adapters {
		if one.State != "started" {
			fmt.Fprintf(b, "  %s %s, port %d: %s\n", one.Type, one.Namespace, one.Port, one.State)
		}
	}
	for _, text := range ready.Secrets {
		fmt.Fprintf(b, "  %s\n", text)
	}
	for _, u := range ready.Upstreams {
		if u.Reachable {
			fmt.Fprintf(b, "  %s answers in %.0f ms\n", u.Namespace, u.Millis)
		} else {
			fmt.Fprintf(b, "  %s cannot be reached: %s\n", u.Namespace, cmp.Or(u.Problem, "it does not answer"))
		}
	}
}

func statusCommand(s Streams) *cobra.Command {
	var a asking
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Show what a running process serves",
		Long: `Status shows what a running process serves: its version, documents, servers with
the requests that run, and what its reloads did. It exits with 0 whenever the
process answers.`,
		Example: `  fairlead status
  fairlead status -o json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var status control.Status
			_, more, err := a.read(cmd.Context(), s, "GET", "/status", nil, &status)
			if err != nil || !more {
				return err
			}
			var b bytes.Buffer
			statusText(&b, &status)
			return write(s, &b)
		},
	}
	a.flags(cmd)
	return cmd
}

func statusText(b *bytes.Buffer, v *control.Status) {
	fmt.Fprintf(b, "%s: %s\n", cmp.Or(v.Capability.Display, "Fairlead"), v.Status)
	fmt.Fprintf(b, "Engine:     %s %s (%s)\n", v.Engine.Name, v.Engine.Version, v.Engine.Go)
	fmt.Fprintf(b, "Uptime:     %s\n", uptime(time.Since(v.Began)))
	fmt.Fprintf(b, "Generation: %d, since %s; %s, %d refused\n", v.Generation.Number,
		v.Generation.Since.Local().Format(time.DateTime), count(v.Generation.Reloads, "reload"), v.Generation.Refusals)
	if v.Generation.LastRefusal != "" {
		fmt.Fprintf(b, "  refused: %s\n", v.Generation.LastRefusal)
	}
	b.WriteString("\nDocuments\n")
	w := tabwriter.NewWriter(b, 0, 0, 2, ' ', 0)
	for _, d := range v.Documents {
		fmt.Fprintf(w, "  %s\t%s\t%s, %d withheld\t%s, %s\n", d.Name, d.Display, count(d.Served, "unit"), d.Withheld,
			count(d.Errors, "error"), count(d.Warnings, "warning"))
	}
	_ = w.Flush() // into memory
	b.WriteString("\nServers\n")
	for _, one := range v.Adapters {
		fmt.Fprintf(w, "  %s\t%s\t%s\t%s\t%s\n", strings.ToUpper(one.Type), one.Namespace,
			cmp.Or(one.URL, "port "+strconv.Itoa(one.Port)), one.State, count(int(one.Running), "running request"))
	}
	_ = w.Flush()
	for _, text := range v.Missing {
		fmt.Fprintf(b, "\n%s\n", text)
	}
}

// uptime is a time without what nobody reads.
func uptime(d time.Duration) string {
	switch {
	case d >= 48*time.Hour:
		return fmt.Sprintf("%d days", int(d.Hours()/24))
	case d >= time.Hour:
		return d.Truncate(time.Minute).String()[:strings.Index(d.Truncate(time.Minute).String(), "m")+1]
	}
	return d.Truncate(time.Second).String()
}

func metricsCommand(s Streams) *cobra.Command {
	var a asking
	var filter string
	cmd := &cobra.Command{
		Use:   "metrics",
		Short: "Print the metrics of a running process",
		Long: `Metrics prints the metrics of a running process in Prometheus's text format.
--filter keeps the lines that match a regular expression, whatever the case.`,
		Example: `  fairlead metrics
  fairlead metrics --filter duration_seconds_count`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			pattern, err := regexp.Compile("(?i)" + filter)
			if err != nil {
				return fmt.Errorf("--filter: %w", err)
			}
			p, err := a.place()
			if err != nil {
				return err
			}
			text, _, err := p.get(cmd.Context(), "GET", "/metrics", nil)
			if err != nil {
				return err
			}
			lines := []string{}
			for line := range strings.Lines(string(text)) {
				if pattern.MatchString(line) {
					lines = append(lines, strings.TrimRight(line, "\n"))
				}
			}
			if a.out == "json" {
				out, err := json.MarshalIndent(map[string][]string{"lines": lines}, "", "  ")
				if err != nil {
					return failed(err)
				}
				lines = []string{string(out)}
			}
			for _, line := range lines {
				if _, err := fmt.Fprintln(s.Out, line); err != nil {
					return failed(err)
				}
			}
			return nil
		},
	}
	a.flags(cmd)
	cmd.Flags().StringVar(&filter, "filter", "", "only lines that match this regular `EXPRESSION`")
	return cmd
}

func tracesCommand(s Streams) *cobra.Command {
	var a asking
	var operation, status string
	cmd := &cobra.Command{
		Use:   "traces [ID]",
		Short: "List the last traces of a running process, or show one",
		Long: `Traces lists the last traces of a running process, the newest first. With an ID,
which answers to callers and lines of the log name, it shows the spans of one.`,
		Example: `  fairlead traces
  fairlead traces --status error
  fairlead traces -o json`,
		Args: single,
		RunE: func(cmd *cobra.Command, args []string) error {
			var b bytes.Buffer
			if len(args) == 1 {
				var t control.Trace
				_, more, err := a.read(cmd.Context(), s, "GET", "/traces/"+url.PathEscape(args[0]), nil, &t)
				if err != nil || !more {
					return err
				}
				fmt.Fprintf(&b, "%s  %s  %.1f ms  %s\n", t.TraceID, t.Operation, t.Millis, t.Status)
				spanTree(&b, t.Spans)
				return write(s, &b)
			}
			var list struct{ Traces []control.Trace }
			query := url.Values{"operation": {operation}, "status": {status}}
			_, more, err := a.read(cmd.Context(), s, "GET", "/traces?"+query.Encode(), nil, &list)
			if err != nil || !more {
				return err
			}
			w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
			for _, t := range list.Traces {
				fmt.Fprintf(w, "%s\t%s\t%s\t%.1f ms\t%s\t%s\n", t.Timestamp.Local().Format(time.TimeOnly), t.TraceID,
					t.Status,
					t.Millis, count(t.SpanCount, "span"), t.Operation)
			}
			_ = w.Flush() // into memory
			return write(s, &b)
		},
	}
	a.flags(cmd)
	cmd.Flags().StringVar(&operation, "operation", "", "only those whose operation holds this `TEXT`")
	cmd.Flags().StringVar(&status, "status", "", "only those that ended so: `STATUS` ok or error")
	return cmd
}

// spanTree shows spans below those that they are part of, in the order in which
// they began.
func spanTree(b *bytes.Buffer, spans []control.Span) {
	there := map[string]bool{}
	for _, s := range spans {
		there[s.SpanID] = true
	}
	var walk func(parent string, depth int)
	walk = func(parent string, depth int) {
		children := []control.Span{}
		for _, s := range spans {
			if s.ParentID == parent || parent == "" && !there[s.ParentID] {
				children = append(children, s)
			}
		}
		slices.SortStableFunc(children, func(x, y control.Span) int { return x.Began.Compare(y.Began) })
		for _, s := range children {
			fmt.Fprintf(b, "%s%s  %.1f ms  %s", strings.Repeat("  ", depth+1), s.Name, s.Millis, s.Status)
			if s.Error != "" {
				fmt.Fprintf(b, "  %s", s.Error)
			}
			b.WriteByte('\n')
			if depth < 64 && s.SpanID != "" {
				walk(s.SpanID, depth+1)
			}
		}
	}
	walk("", 0)
}

func scriptingCommand(s Streams) *cobra.Command {
	var a asking
	var set []string
	cmd := &cobra.Command{
		Use:   "scripting",
		Short: "Show what scripts of a running process may do, or allow less",
		Long: `Scripting shows what the scripts of a running process may do. --set changes
enabled, timeout (milliseconds), statementLimit, allowedLanguages (with commas).
They can only be made tighter; a restart goes back to what the documents say.`,
		Example: `  fairlead scripting
  fairlead scripting -o json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			method, body := "GET", any(nil)
			if len(set) > 0 {
				wanted := map[string]any{}
				for _, one := range set {
					name, text, _ := strings.Cut(one, "=")
					wanted[name] = text
					if n, err := strconv.Atoi(text); err == nil {
						wanted[name] = n
					} else if truth, err := strconv.ParseBool(text); err == nil {
						wanted[name] = truth
					} else if name == "allowedLanguages" {
						wanted[name] = strings.Split(text, ",")
					}
				}
				method, body = "PUT", wanted
			}
			var now control.Scripting
			_, more, err := a.read(cmd.Context(), s, method, "/scripting", body, &now)
			if err != nil || !more {
				return err
			}
			var b bytes.Buffer
			fmt.Fprintf(&b, "Enabled:         %t\nTimeout:         %d ms\nStatement limit: %d\nLanguages:       %s\n",
				now.Enabled,
				now.Timeout, now.StatementLimit, cmp.Or(strings.Join(now.AllowedLanguages, ", "), "all"))
			fmt.Fprintf(&b, "Runs:            %d, %d failed, %.1f ms on average\n", now.Stats.TotalExecutions,
				now.Stats.TotalErrors,
				now.Stats.AverageDurationMs)
			return write(s, &b)
		},
	}
	a.flags(cmd)
	cmd.Flags().StringArrayVar(&set, "set", nil, "allow scripts less: `NAME=VALUE`")
	return cmd
}

func reloadCommand(s Streams) *cobra.Command {
	var a asking
	cmd := &cobra.Command{
		Use:   "reload",
		Short: "Let a running process read its documents and secrets again",
		Long: `Reload lets a running process read its documents and secrets again, as SIGHUP
does. A document that would withhold what is served and still stands in its text
is refused, unless the process runs with --reload any. It exits with 1 when
anything was refused. It needs the control token, or a Unix socket.`,
		Example: `  fairlead reload
  fairlead reload -o json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var done control.Reloaded
			status, more, err := a.read(cmd.Context(), s, "POST", "/config/reload", nil, &done, http.StatusConflict)
			if err != nil {
				return err
			}
			if more {
				var b bytes.Buffer
				fmt.Fprintf(&b, "%s: %s, generation %d\n", done.Outcome, count(done.Documents, "document"),
					done.Generation)
				for _, problem := range done.Problems {
					fmt.Fprintf(&b, "  %s\n", problem)
				}
				if err := write(s, &b); err != nil {
					return err
				}
			}
			if status != http.StatusOK {
				return errFindings
			}
			return nil
		},
	}
	a.flags(cmd)
	return cmd
}

func logsCommand(s Streams) *cobra.Command {
	var a asking
	var follow bool
	var least, set string
	cmd := &cobra.Command{
		Use:   "logs [LOGGER]",
		Short: "Show the log of a running process, or change its level",
		Long: `Logs shows the last lines of the log of a running process, the oldest first, and
with --follow those to come. --set-level changes the least level that it writes
until it ends; that needs the control token, or a Unix socket. There is one
logger, fairlead.`,
		Example: `  fairlead logs
  fairlead logs --level warn -o json
  fairlead logs --set-level debug`,
		Args: single,
		RunE: func(cmd *cobra.Command, args []string) error {
			name := "fairlead"
			if len(args) > 0 {
				name = args[0]
			}
			path := "/logs/" + url.PathEscape(name)
			if set != "" {
				var now control.Logger
				_, more, err := a.read(cmd.Context(), s, "PUT", path, map[string]string{"level": set}, &now)
				if err == nil && more {
					_, err = fmt.Fprintf(s.Out, "%s writes %s and above\n", now.Name, now.Level)
				}
				return err
			}
			query := "?" + url.Values{"level": {least}}.Encode()
			var logger control.Logger
			_, more, err := a.read(cmd.Context(), s, "GET", path+query, nil, &logger)
			if err != nil {
				return err
			}
			if more {
				for _, record := range slices.Backward(logger.Records) {
					if _, err := fmt.Fprintln(s.Out, lineOf(record)); err != nil {
						return failed(err)
					}
				}
			}
			if !follow {
				return nil
			}
			return a.follow(cmd.Context(), s, "/logs/stream"+query)
		},
	}
	a.flags(cmd)
	f, levels := cmd.Flags(), []string{"debug", "info", "warn", "error"}
	f.BoolVarP(&follow, "follow", "f", false, "go on with what comes, until Ctrl-C")
	f.Var(&choice{&least, levels}, "level", "only lines of this `LEVEL` and above: debug, info, warn, error")
	f.Var(&choice{&set, levels}, "set-level", "let the process write this `LEVEL` and above: debug, info, warn, error")
	return cmd
}

// follow prints a stream of events until it ends, or the user has seen enough.
func (a *asking) follow(ctx context.Context, s Streams, path string) error {
	p, err := a.place()
	if err != nil {
		return err
	}
	resp, err := p.ask(ctx, "GET", path, nil)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return failed(fmt.Errorf("%s answers %s", p.name, resp.Status))
	}
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		data, ok := strings.CutPrefix(lines.Text(), "data: ")
		if !ok {
			continue
		}
		if a.out != "json" {
			data = lineOf([]byte(data))
		}
		if _, err := fmt.Fprintln(s.Out, data); err != nil {
			return failed(err)
		}
	}
	if err := lines.Err(); err != nil && ctx.Err() == nil {
		return failed(fmt.Errorf("the log of %s broke off: %w", p.name, err))
	}
	return nil
}

// lineOf is a record of the log for people: time, level, message, attributes.
func lineOf(record []byte) string {
	v, err := value.Parse(record)
	if err != nil || v.Kind() != value.Object {
		return string(record)
	}
	at := v.Get("time").Text()
	if t, err := time.Parse(time.RFC3339Nano, at); err == nil {
		at = t.Local().Format("15:04:05.000")
	}
	text := fmt.Sprintf("%s %-5s %s", at, v.Get("level").Text(), v.Get("msg").Text())
	for i := range v.Len() {
		if name := v.Name(i); name != "time" && name != "level" && name != "msg" {
			text += " " + name + "=" + v.At(i).Text()
		}
	}
	return strings.Map(func(c rune) rune { // what an API wrote must not steer the terminal
		if unicode.IsControl(c) {
			return ' '
		}
		return c
	}, text)
}
