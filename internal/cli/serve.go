package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/fairlead/fairlead/internal/budget"
	"github.com/fairlead/fairlead/internal/compile"
	"github.com/fairlead/fairlead/internal/diag"
	"github.com/fairlead/fairlead/internal/engine"
	"github.com/fairlead/fairlead/internal/event"
	"github.com/fairlead/fairlead/internal/host"
	"github.com/fairlead/fairlead/internal/observe"
	"github.com/fairlead/fairlead/internal/script"
	"github.com/fairlead/fairlead/internal/secret"
	"github.com/fairlead/fairlead/internal/session"
	"github.com/fairlead/fairlead/internal/upstream"
)

// running are the flags of every command that calls APIs.
type running struct {
	loading
	keeping
	noSessions bool
	sandbox    bool
	logLevel   string
	logFormat  string
	observing  *observing // nil for commands that do not serve
	calling

	memory  int64 // bytes for all calls; 0 is a part of what the machine has
	watched bool  // a control server shows what happens, although no document declares one
}

// flags are those of a command that keeps sessions in the usual place, unless it is
// told otherwise.
func (r *running) flags(cmd *cobra.Command, usual string) {
	r.loading.flags(cmd)
	r.keeping.flags(cmd, usual)
	f := cmd.Flags()
	f.BoolVar(&r.noSessions, "no-sessions", false,
		"run documents as they are written, without the sessions that they or their overlays declare")
	f.BoolVar(&r.sandbox, "sandbox", false, "answer in place of Koyeb's account API: no account, no network")
	r.logLevel = "warn"
	choose(cmd, &r.logLevel, "log-level", "", "least `LEVEL` of log lines on standard error: debug, info, warn, error", "debug", "info", "warn", "error")
	r.logFormat = "text"
	choose(cmd, &r.logFormat, "log-format", "", "write log lines as `FORMAT`: text or json", "text", "json")
	r.calling.flags(cmd, &r.loading)
	f.Var(size{&r.memory}, "max-memory",
		"what all calls may hold together for bodies and answers, as 2GiB or a number of bytes (default half of what the machine has)")
	f.Var(size{&r.limits.Response}, "max-response", "largest answer of an API, as 64MiB or a number of bytes")
	f.Var(size{&r.limits.Request}, "max-request", "largest body of a caller, as 64MiB or a number of bytes")
}

// options are those of loading, and whether there are sessions.
func (r *running) options() (compile.Options, error) {
	o, err := r.loading.options()
	o.NoSessions = r.noSessions
	return o, err
}

// beside is what the process takes beside what calls hold, in bytes.
const beside = 128 << 20

// pool is the memory that all calls hold together.
func (r *running) pool() *budget.Pool {
	if r.memory > 0 {
		limitHeap(min(budget.Available()/8*7, 2*r.memory+beside))
		return budget.NewPool(r.memory)
	}
	return budget.NewPool(budget.Available() / 2)
}

// machine is what runs units: client, secrets, engine, and the sandbox if there is one.
type machine struct {
	documents []*host.Document
	engine    *engine.Engine
	client    *upstream.Client
	secrets   *secret.Store
	vault     *session.Vault
	scripts   *script.Pool
	log       *slog.Logger
	out       outputs
	stderr    io.Writer // standard error, by the queue of the log
	hides     *observe.Mask
	level     *observe.Level
	logs      observe.LogOptions
	says      *slog.Logger                    // what is said whatever the level of the log
	view      *observe.View                   // what the control server shows; nil when nobody looks
	written   atomic.Pointer[[]secret.String] // credentials that stand in documents
	headers   []secret.String                 // of what is sent to a collector
	events    *event.Stream
	sandbox   *sandboxed
	pool      *budget.Pool // of the memory of all calls
	host      atomic.Pointer[host.Host]
}

// start reads the documents and makes what runs them. The caller closes it.
func (r *running) start(ctx context.Context, paths []host.Found, s Streams) (*machine, error) {
	o, err := r.options()
	if err != nil {
		return nil, err
	}
	client, err := r.client()
	if err != nil {
		return nil, err
	}
	m := &machine{scripts: newScripts(), pool: r.pool()}
	m.open(r, s)
	s.Err = m.stderr
	r.warn(s.Err)
	getenv := os.LookupEnv
	if r.sandbox {
		if m.sandbox, err = openSandbox(); err != nil {
			m.close()
			return nil, failed(err)
		}
		o.Hosts, getenv = m.sandbox.hosts(), m.sandbox.getenv
	}
	if err = m.read(ctx, r, paths, o, s); err == nil {
		err = r.unmatchedUpstream(m.documents)
	}
	if err == nil {
		err = r.unmatched(m.documents)
	}
	if err != nil {
		m.close()
		return nil, err
	}
	m.secrets = host.NewSecrets(getenv)
	m.mask(m.documents)
	if err := m.observe(r, s); err != nil {
		m.close()
		return nil, err
	}
	client.Egress.Own = m.isControl
	m.client = upstream.New(client)
	m.engine = engine.New(m.client, m.secrets, m.scripts, m.events)
	if m.vault, err = r.keeping.open(ctx, s, m.log, r.sandbox); err != nil {
		m.close()
		return nil, failed(err)
	}
	m.engine.KeepSessions(m.vault)
	return m, nil
}

// known is what the log masks: the secrets that were handed out, and credentials
// that stand in documents.
func (m *machine) known() []secret.String {
	written := m.written.Load()
	if written == nil {
		return nil // no document was read yet
	}
	return append(append(m.secrets.Known(), *written...), m.headers...)
}

// mask makes the log mask the credentials that stand in documents, besides those
// of the documents before them: requests may still run on these.
func (m *machine) mask(documents []*host.Document) {
	var written []secret.String
	if earlier := m.written.Load(); earlier != nil {
		written = slices.Clone(*earlier)
	}
	for _, d := range documents {
		if d.Plan == nil {
			continue
		}
		for _, u := range d.Plan.Running() {
			for _, w := range u.Written {
				if !slices.Contains(written, w.Text) {
					written = append(written, w.Text)
				}
			}
		}
	}
	m.written.Store(&written)
}

func (m *machine) read(ctx context.Context, r *running, paths []host.Found, o compile.Options, s Streams) error {
	var others []string
	for f := range compileAll(ctx, paths, r.read(s), o, m.scripts, func() {}) {
		switch {
		case f.err != nil:
			return failed(f.err)
		case f.Folder != "" && f.doc.IsOther():
			others = append(others, f.Path)
		default:
			m.documents = append(m.documents, f.doc)
		}
	}
	if len(others) > 0 {
		fmt.Fprintf(s.Err, "fairlead: %s\n", leftOut(others))
	}
	if m.sandbox == nil || slices.ContainsFunc(m.documents, m.sandbox.standsInFor) {
		return nil
	}
	return failed(errors.New("--sandbox stands in for Koyeb's account API only, and no document consumes https://app.koyeb.com; use --upstream URL for another stand-in"))
}

func (m *machine) close() {
	m.scripts.Close()
	if m.client != nil {
		m.client.Close()
	}
	if m.vault != nil {
		_ = m.vault.Close() // what it kept is stored
	}
	if m.sandbox != nil {
		m.sandbox.close()
	}
	m.out.close()
}

func serveCommand(s Streams) *cobra.Command {
	var (
		run            running
		config         host.Config
		front          front
		ports          string
		strict, asJSON bool
		op             operating
	)
	cmd := &cobra.Command{
		Use:   "serve [FILE|DIR|-]...",
		Short: "Serve documents over REST and MCP",
		Long: `Serve opens the REST and MCP servers that the documents expose and runs until
it is stopped. Without an argument it serves the built-in document, Koyeb
sessions; “-” reads a document from standard input, a folder means all documents
below it. SIGHUP reads the documents and secrets again, and so does --watch when
they change; SIGTERM finishes what runs, within --drain, and ends. Commands
such as “fairlead status” show what goes on, where --control lets them.`,
		Example: `  fairlead serve --sandbox
  fairlead serve capability.yaml --upstream weather=https://staging.example.com
  fairlead serve . --ports auto --json   # all documents below this folder`,
		ValidArgsFunction: completeDocuments,
		RunE: func(cmd *cobra.Command, args []string) error {
			config.AutoPorts = ports == "auto"
			if strings.EqualFold(config.MCP.CredentialHeader, "Authorization") {
				return failed(errors.New("--mcp-credential-header must name another header: an MCP caller's Authorization is for Fairlead and never goes upstream"))
			}
			keys, err := run.keys()
			if err != nil {
				return failed(err)
			}
			if len(keys) > 0 {
				config.MCP.StateKey = keys[0]
			}
			return serve(cmd, s, &run, config, &front, &op, args, strict, asJSON)
		},
	}
	run.flags(cmd, keptInMemory)
	run.observing = &observing{}
	run.observing.flags(cmd, "text")
	configFlag(cmd)
	f := cmd.Flags()
	f.StringVar(&config.Default, "default", "", "let the MCP server of this `NAME` (its namespace) answer on /mcp where several share a port")
	_ = cmd.RegisterFlagCompletionFunc("default", run.completeNames(offeredNames, ""))
	f.StringVar(&config.Listen, "listen", "", "bind every server to this `HOST` (0.0.0.0 is everybody) instead of what documents say")
	choose(cmd, &ports, "ports", "", "`WHICH` ports: as-declared, or auto for free ones", "as-declared", "auto")
	f.BoolVar(&strict, "strict", false, "do not start when there is any warning")
	f.BoolVar(&config.Strict, "strict-inputs", false,
		"let REST servers refuse query parameters and members of bodies that are no inputs")
	f.BoolVar(&asJSON, "json", false, "print one line of JSON on standard output when every server accepts requests")
	f.Var(pages{&config.Origins}, "allow-origin", "let browser pages of this `ORIGIN` use the MCP servers, and send requests to the REST servers")
	f.StringSliceVar(&config.Hosts, "allow-host", nil, "let servers answer to this `NAME`, too, that of a proxy before them, and to no other but addresses and localhost")
	f.StringVar(&config.MCP.CredentialHeader, "mcp-credential-header", "", "let MCP callers bring the API's credential in this `HEADER` (on trusted networks; their Authorization never goes upstream)")
	front.flags(cmd)
	op.flags(cmd)
	mcpFlags(cmd, &config.MCP, &config.ReadOnly)
	return cmd
}

func serve(cmd *cobra.Command, s Streams, r *running, config host.Config, front *front, op *operating, args []string,
	strict, asJSON bool) error {
	ctx := cmd.Context()
	token, err := op.token()
	if err != nil {
		return failed(err)
	}
	r.watched = op.control != host.ControlAddress{}
	list := func() ([]host.Found, error) {
		if len(args) == 0 {
			return []host.Found{{}}, nil
		}
		return host.Expand(args)
	}
	paths, err := list()
	if err != nil {
		return failed(err)
	}
	m, err := r.start(ctx, paths, s)
	if err != nil {
		return err
	}
	defer m.close()
	s.Err = m.stderr
	observe.StandardLog(s.Err)
	outliveReaders()
	going, stop := context.WithCancel(ctx)
	defer stop()
	go giveBack(going)
	config.Documents = m.documents
	host.Collide(config)
	grants, err := front.granted()
	if err != nil {
		return failed(err)
	}
	if unmatched := host.Share(m.documents, nil, grants); len(unmatched) > 0 {
		return failed(errors.New("--grant: " + strings.Join(unmatched, "; ")))
	}
	if err := m.admit(s, strict); err != nil {
		return failed(fmt.Errorf("not started: %w", err))
	}
	if err := unmatchedNamespace("--default", config.Default, m.documents); err != nil {
		return err
	}
	config.Secrets, config.Logger, config.Events, config.Version = m.secrets, m.log, m.events, Version()
	config.Pool, config.Audit = m.pool, m.out.audit
	config.Invoker, config.Forwarder = m.engine, m.engine
	config.Limits.Drain, config.Limits.Linger = op.drainOf(r.limits), op.linger
	config.Limits.Request, config.Client = r.limits.Request, m.client.Errands()
	if err := front.config(&config, r.sandbox, m.log); err != nil {
		return failed(err)
	}
	if config.Sessions, err = m.sessions(config.MCP.StateKey); err != nil {
		return failed(err)
	}
	config.TakeAny, config.Control, config.ControlToken = op.reload == "any", op.control, token
	config.Gates = m.client.Gates
	config.Missing, config.Reach, config.Stops = m.unsetOf, m.client.Reach, m.stops(op.drainOf(r.limits))
	again := &reloader{m: m, s: s, r: r, list: list, strict: strict}
	config.Process = again.process(cmd)
	h, problems, err := host.Open(config)
	if err != nil {
		return failed(err)
	}
	m.host.Store(h)
	printProblems(s, problems)
	if strict && len(problems) > 0 {
		h.Close()
		return errFindings
	}
	warnUnmatched(s.Err, m.documents, config.MCP)
	for _, problem := range host.UnreadFiles(ctx, m.secrets, m.documents) {
		fmt.Fprintf(s.Err, "fairlead: what needs this secret fails until it is there: %s\n", problem)
	}
	ctx, cancel := context.WithCancel(ctx)
	var serving atomic.Pointer[[]*host.Document]
	serving.Store(&m.documents)
	again.collide, again.refuse = func(documents []*host.Document) {
		h.Collide(documents)
		host.Share(documents, *serving.Load(), grants)
	}, h.Refuse
	again.update = func(documents []*host.Document) (host.Updated, error) {
		u := h.Update(documents)
		serving.Store(&documents)
		printProblems(s, u.Problems)
		if err := config.Front.TLS.Refresh(); err != nil {
			fmt.Fprintf(s.Err, "fairlead: the certificate before it stays in force: %s\n", err)
		}
		return u, nil
	}
	defer again.run(ctx, op.watch)()
	var asking sync.WaitGroup
	defer asking.Wait()
	asking.Go(func() { m.sayClosed(ctx, h) })
	defer cancel()
	// Listeners queue connections from here on, so the line may be printed before Serve accepts.
	m.started(s, h.Adapters())
	switch {
	case asJSON || r.logFormat != "json":
		printReady(s, m, h, h.Redirects(ctx), front, op, token, asJSON)
	case h.TakesToken() && op.tokenFile == "":
		m.says.Warn("nobody learns the token of the control server from records: give it one with --control-token-file")
	}
	go host.TrimMemory()
	if err := h.Serve(ctx); err != nil {
		return failed(err)
	}
	return nil
}

// printProblems says what could not be served.
func printProblems(s Streams, problems []error) {
	for _, err := range problems {
		fmt.Fprintf(s.Err, "fairlead: %s\n", err)
	}
}

// admit prints what is wrong with the documents and decides whether they are served.
func (m *machine) admit(s Streams, strict bool) error {
	served, findings := 0, 0
	sum := newSummary(len(m.documents) > manyDocuments)
	for _, d := range m.documents {
		if sum.add(d); !sum.short {
			_ = printDiagnostics(s.Err, d, diag.Warning) // a full disk keeps nobody from serving
		}
		served += d.Served()
		findings += d.Diags.Count(diag.Warning) + d.Diags.Count(diag.Error)
	}
	if sum.short {
		sum.print(s.Err, "\nTo see more: “fairlead check FILE” for one document, “fairlead check --all” for every finding.\n\n")
	}
	switch {
	case strict && findings > 0:
		return failed(fmt.Errorf("%s and --strict; correct them, or start without it",
			count(findings, "finding")))
	case served == 0:
		return failed(errors.New("nothing can be served; the findings say why"))
	}
	return nil
}

// outliveReaders lets the process go on when nobody reads its log or standard
// output any more. What is written there is lost.
func outliveReaders() { signal.Ignore(syscall.SIGPIPE) }
