// Package cli is the fairlead command.
package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"
	"time"
	"unicode"

	"github.com/spf13/cobra"

	"github.com/fairlead/fairlead/internal/compile"
	"github.com/fairlead/fairlead/internal/diag"
	"github.com/fairlead/fairlead/internal/host"
	"github.com/fairlead/fairlead/internal/observe"
)

// Exit codes.
const (
	exitFine   = 0
	exitFailed = 1 // findings, or something went wrong
	exitUsage  = 2 // the command line is wrong
)

// Streams are where a command reads and writes.
type Streams struct {
	In       io.Reader
	Out, Err io.Writer
}

// failure carries the exit code of an error. A silent failure has said all it has to say.
type failure struct {
	code   int
	silent bool
	error
}

func (f failure) Unwrap() error { return f.error }

var errFindings = failure{code: exitFailed, silent: true, error: errors.New("findings")}

// Main runs the command line and returns the exit code: 0 fine, 1 findings or
// failure, 2 wrong usage. Interrupt and SIGTERM end long-running commands in order,
// a second one of them at once.
func Main(args []string, s Streams) int {
	tuneGC()
	observe.StandardLog(s.Err)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(signals)
	go func() {
		<-signals
		cancel()
		second := <-signals
		said := make(chan struct{})
		go func() {
			fmt.Fprintf(s.Err, "fairlead: ended at once by a second signal (%s); what still ran was cut off\n", second)
			close(said)
		}()
		select {
		case <-said:
		case <-time.After(time.Second): // nobody reads it
		}
		os.Exit(exitFailed)
	}()
	return Run(ctx, args, s)
}

// Run is Main with the caller's context instead of signals.
func Run(ctx context.Context, args []string, s Streams) int {
	root := newRoot(s)
	root.SetArgs(serving(root, args))
	cmd, err := root.ExecuteContextC(ctx)
	var f failure
	switch {
	case err == nil:
		return exitFine
	case !errors.As(err, &f):
		fmt.Fprintf(s.Err, "fairlead: %s\nRun “%s --help” for usage.\n", err, cmd.CommandPath())
		return exitUsage
	case !f.silent:
		fmt.Fprintf(s.Err, "fairlead: %s\n", steady(err.Error()))
	}
	return f.code
}

// steady is text, perhaps of an API, that cannot steer a terminal.
func steady(text string) string {
	return strings.Map(func(c rune) rune {
		if unicode.IsControl(c) && c != '\n' && c != '\t' {
			return ' '
		}
		return c
	}, text)
}

// serving is args, with serve before a document that stands in the place of a
// command: images of capabilities are started so.
func serving(root *cobra.Command, args []string) []string {
	if len(args) == 0 || strings.HasPrefix(args[0], "-") {
		return args
	}
	if c, _, err := root.Find(args); err == nil && c != root {
		return args
	}
	if info, err := os.Stat(args[0]); err != nil || info.IsDir() {
		return args
	}
	return append([]string{"serve"}, args...)
}

// failed makes err the reason to exit with 1.
func failed(err error) error {
	if err == nil {
		return nil
	}
	return failure{code: exitFailed, error: err}
}

// Version is the version of the engine, from the build information.
func Version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" || info.Main.Version == "(devel)" {
		return "0.1.0-dev"
	}
	return info.Main.Version
}

func newRoot(s Streams) *cobra.Command {
	root := &cobra.Command{
		Use:   "fairlead",
		Short: "Run capability documents: YAML that says which HTTP APIs to call and which REST and MCP servers to offer",
		Long: `Fairlead runs capability documents: YAML that says which HTTP APIs a capability
consumes and which REST and MCP servers it exposes. Without a document it runs
the built-in one, Koyeb sessions.`,
		Example: `  fairlead serve --sandbox            # the built-in document, no account needed
  fairlead new                        # a first document, capability.yaml
  fairlead check capability.yaml      # what of it would not work, and why
  fairlead serve capability.yaml      # REST and MCP, until Ctrl-C`,
		Version:           Version(),
		SilenceErrors:     true,
		SilenceUsage:      true,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error { return configure(cmd, s) },
	}
	root.SetIn(s.In)
	root.SetOut(s.Out)
	root.SetErr(s.Err)
	root.SetVersionTemplate("fairlead {{.Version}}\n")
	root.SetUsageTemplate(strings.ReplaceAll(root.UsageTemplate(), "Flags.FlagUsages ", "Flags.FlagUsagesWrapped 80 "))
	root.AddCommand(serveCommand(s), mcpCommand(s), configCommand(s), checkCommand(s), newCommand(s), suggestCommand(s),
		explainCommand(s), callCommand(s), inspectCommand(s), loginCommand(s), logoutCommand(s), sessionsCommand(s),
		tokensCommand(s),
		schemaCommand(s), versionCommand(s), workerCommand(s), manCommand(), healthCommand(s), statusCommand(s),
		metricsCommand(s),
		tracesCommand(s), logsCommand(s), scriptingCommand(s), reloadCommand(s))
	return root
}

// loading are the flags of every command that reads documents.
type loading struct {
	overlays  []string
	noOverlay bool
	allow     []string
	upstream  []string
}

func (l *loading) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringArrayVar(&l.overlays, "overlay", nil, "apply this OpenAPI Overlay `FILE` (besides NAME.overlay.yaml)")
	f.BoolVar(&l.noOverlay, "no-overlay", false, "do not apply NAME.overlay.yaml")
	f.StringArrayVar(&l.allow, "allow-path", nil, "let documents read files below this `DIR` too")
	f.StringArrayVar(&l.upstream, "upstream", nil, "call this consumed API elsewhere, or all of them: `[NAMESPACE=]URL`")
	_ = cmd.RegisterFlagCompletionFunc("upstream", l.completeNames(consumedNames, "="))
}

func (l *loading) read(s Streams) host.ReadOptions {
	return host.ReadOptions{Overlays: l.overlays, NoOverlay: l.noOverlay, Allow: l.allow, Stdin: s.In}
}

func (l *loading) options() (compile.Options, error) {
	o := compile.Options{Upstream: map[string]*url.URL{}}
	for _, text := range l.upstream {
		namespace, address := splitUpstream(text)
		u, err := url.Parse(address)
		if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			return o, fmt.Errorf("--upstream %s: want [NAMESPACE=]URL with http or https", text)
		}
		o.Upstream[namespace] = u
	}
	return o, nil
}

// splitUpstream reads [NAMESPACE=]URL.
func splitUpstream(text string) (namespace, address string) {
	if head, rest, ok := strings.Cut(text, "="); ok && !strings.Contains(head, "/") {
		return head, rest
	}
	return "", text
}

// load reads and compiles one document.
func (l *loading) load(path string, s Streams) (*host.Document, error) {
	o, err := l.options()
	if err != nil {
		return nil, err
	}
	src, err := host.Read(path, l.read(s))
	if err != nil {
		return nil, failed(err)
	}
	d := host.Compile(src, o)
	return d, l.unmatchedUpstream([]*host.Document{d})
}

// optional is the document that a command may name, "" for the built-in one.
func optional(args []string) string {
	if len(args) == 0 {
		return ""
	}
	return args[0]
}

// usable is load for a command that needs a plan: a document without one is
// printed with its diagnostics and fails.
func (l *loading) usable(path string, s Streams) (*host.Document, error) {
	d, err := l.load(path, s)
	if err != nil {
		return nil, err
	}
	if d.Plan == nil {
		if err := printDiagnostics(s.Err, d, diag.Warning); err != nil {
			return nil, failed(err)
		}
		return nil, failed(fmt.Errorf("%s cannot be used", d.Name))
	}
	return d, nil
}

// printDiagnostics writes what has at least the severity, with excerpts.
func printDiagnostics(w io.Writer, d *host.Document, least diag.Severity) error {
	var list diag.List
	for _, g := range d.Diags {
		if g.Severity >= least {
			list = append(list, g)
		}
	}
	return list.WriteText(w, d.Text, diag.Style{Color: color(w)})
}

// color reports whether w is a terminal that wants colour (NO_COLOR, see no-color.org).
func color(w io.Writer) bool {
	if q, ok := w.(*observe.Queue); ok {
		w = q.Unwrap()
	}
	f, ok := w.(*os.File)
	if !ok || os.Getenv("NO_COLOR") != "" || os.Getenv("TERM") == "dumb" {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// output is the flag -o.
type output string

func (o *output) flag(cmd *cobra.Command, kinds ...string) {
	choose(cmd, (*string)(o), "output", "o", "output `FORMAT`: "+strings.Join(kinds, ", "), kinds...)
}

// view is what a command shows: as text, or its exported fields as data.
type view interface{ text(b *bytes.Buffer) }

// print writes v in the format that the flag asks for.
func (o *output) print(s Streams, v view) error {
	var b bytes.Buffer
	if *o == "json" {
		text := json.NewEncoder(&b)
		text.SetEscapeHTML(false)
		text.SetIndent("", "  ")
		if err := text.Encode(v); err != nil {
			return err
		}
	} else {
		v.text(&b)
		b = *bytes.NewBufferString(steady(b.String()))
	}
	_, err := s.Out.Write(b.Bytes())
	return err
}

// choice is a flag with a closed set of values.
type choice struct {
	value *string
	kinds []string
}

func (c *choice) String() string {
	if c.value == nil {
		return ""
	}
	return *c.value
}
func (c *choice) Type() string { return strings.Join(c.kinds, "|") }
func (c *choice) Set(text string) error {
	for _, k := range c.kinds {
		if k == text {
			*c.value = text
			return nil
		}
	}
	return fmt.Errorf("want one of %s", strings.Join(c.kinds, ", "))
}
