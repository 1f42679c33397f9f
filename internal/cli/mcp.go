package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/fairlead/fairlead/internal/adapter"
	"github.com/fairlead/fairlead/internal/adapter/mcp"
	"github.com/fairlead/fairlead/internal/diag"
	"github.com/fairlead/fairlead/internal/engine"
	"github.com/fairlead/fairlead/internal/host"
	"github.com/fairlead/fairlead/internal/observe"
	"github.com/fairlead/fairlead/internal/plan"
	"github.com/fairlead/fairlead/internal/session"
)

func mcpCommand(s Streams) *cobra.Command {
	var (
		run       running
		o         host.MCPOptions
		namespace string
		readOnly  bool
		watch     bool
		reload    string
	)
	cmd := &cobra.Command{
		Use:   "mcp [FILE|-]",
		Short: "Serve a document's MCP server on standard input and output",
		Long: `Mcp speaks the Model Context Protocol on standard input and output, for clients
that start their servers as processes. Nothing but MCP is written to standard
output; it ends when standard input ends, or on SIGTERM, and what runs has
finished. SIGHUP reads the document again. Without FILE it serves the built-in
document, Koyeb sessions. The configuration of a client says:

  {"mcpServers": {"weather": {"command": "fairlead",
    "args": ["mcp", "/path/to/capability.yaml"], "env": {"WEATHER_KEY": "…"}}}}`,
		Example: `  fairlead mcp capability.yaml
  fairlead mcp --sandbox`,
		Args:              single,
		ValidArgsFunction: completeDocument,
		RunE: func(cmd *cobra.Command, args []string) error {
			path := optional(args)
			if path == "-" {
				return failed(errors.New("mcp reads MCP from standard input, so the document must be a file"))
			}
			m, err := run.start(cmd.Context(), []host.Found{{Path: path}}, s)
			if err != nil {
				return err
			}
			defer m.close()
			s := s
			s.Err = m.stderr
			observe.StandardLog(s.Err)
			outliveReaders()
			d := m.documents[0]
			_ = printDiagnostics(s.Err, d, diag.Error) // a full disk keeps nobody from serving
			server, err := mcpServer(d, namespace)
			if err != nil {
				return failed(err)
			}
			warnUnmatched(s.Err, m.documents, o)
			c := o.Config(d.Plan, server, readOnly)
			c.Invoker, c.Version, c.Logger, c.Events, c.Pool, c.Drain = forLocal{m.engine}, Version(), m.log, m.events, m.pool,
				drain(run.limits)
			c.Capability = d.Model.Name()
			if m.out.audit != nil {
				c.Invoker = host.Audited(c.Invoker, m.out.audit, m.events)
			}
			sessions, err := m.sessions(nil)
			if err != nil {
				return failed(err)
			}
			pages := host.NewLocalPages(sessions, m.log, d)
			defer pages.Close()
			c.SignIns = pages
			h := mcp.New(c)
			defer h.Close()
			pages.Tell(h.SignedIn)
			ctx, cancel := context.WithCancel(cmd.Context())
			defer cancel()
			again := &reloader{m: m, s: s, r: &run, collide: func([]*host.Document) {},
				list: func() ([]host.Found, error) { return []host.Found{{Path: path}}, nil }}
			again.update = func(documents []*host.Document) (host.Updated, error) {
				next, err := mcpServer(documents[0], namespace)
				if err == nil && reload != "any" {
					err = host.Lost([]*plan.Server{server}, documents[0])
				}
				if err == nil {
					server = next
					h.Update(documents[0].Plan, next)
					pages.Update(documents[0])
				}
				return host.Updated{Changed: err == nil}, err
			}
			wait := again.run(ctx, watch)
			defer func() {
				cancel()
				wait()
			}()
			return failed(h.ServeStdio(ctx, s.In, s.Out))
		},
	}
	run.flags(cmd, keptForUser)
	run.observing = &observing{stdio: true}
	run.observing.flags(cmd, "off")
	configFlag(cmd)
	mcpFlags(cmd, &o, &readOnly)
	reloadFlags(cmd, &watch, &reload)
	cmd.Flags().StringVar(&namespace, "namespace", "", "serve the MCP server of this `NAMESPACE` (default the first)")
	_ = cmd.RegisterFlagCompletionFunc("namespace", run.completeNames(offeredNames, ""))
	return cmd
}

// mcpFlags are the flags of commands that serve MCP.
func mcpFlags(cmd *cobra.Command, o *host.MCPOptions, readOnly *bool) {
	f := cmd.Flags()
	f.BoolVar(readOnly, "read-only", false, "serve only what changes nothing")
	f.BoolVar(&o.ConfirmDestructive, "confirm-destructive", false,
		"let agents confirm every destructive tool and resource")
	f.Var(&patterns{&o.Allow}, "allow-tools", "offer agents only these tools: names, tag:NAME, hint:NAME")
	f.Var(&patterns{&o.Deny}, "deny-tools", "keep these tools from agents: names, tag:NAME, hint:NAME")
	f.Var(amount{&o.MaxChars}, "max-chars", "characters of a tool's answer (default 40000)")
	f.Var(amount{&o.SearchAbove}, "search-above",
		"with more tools than this, offer search_tools instead of all (default off)")
}

// patterns is a flag with a list of patterns for tools.
type patterns struct{ to *[]string }

func (p *patterns) String() string {
	if p.to == nil {
		return ""
	}
	return strings.Join(*p.to, ",")
}
func (p *patterns) Type() string { return "PATTERNS" }
func (p *patterns) Set(text string) error {
	for one := range strings.SplitSeq(text, ",") {
		one = strings.TrimSpace(one)
		if err := adapter.CheckPattern(one); err != nil {
			return err
		}
		*p.to = append(*p.to, one)
	}
	return nil
}

// warnUnmatched tells of patterns that match nothing: a misspelt
// one keeps nothing away.
func warnUnmatched(w io.Writer, documents []*host.Document, o host.MCPOptions) {
	var servers []*plan.Server
	for _, d := range documents {
		if d.Plan != nil {
			servers = append(servers, d.Plan.Servers...)
		}
	}
	for _, pattern := range mcp.Unallowed(o.Allow, servers) {
		fmt.Fprintf(w, "fairlead: “%s” of --allow-tools matches no tool or resource\n", pattern)
	}
	for _, pattern := range mcp.Undenied(o.Deny, servers) {
		fmt.Fprintf(w, "fairlead: “%s” of --deny-tools matches no tool, resource or prompt\n", pattern)
	}
}

// mcpServer picks the MCP server of a document.
func mcpServer(d *host.Document, namespace string) (*plan.Server, error) {
	if d.Plan != nil {
		for _, s := range d.Plan.Servers {
			if s.Type == "mcp" && (namespace == "" || s.Namespace == namespace) {
				return s, nil
			}
		}
	}
	if namespace != "" {
		return nil, unmatchedNamespace("--namespace", namespace, []*host.Document{d})
	}
	return nil, fmt.Errorf("%s serves no MCP server; “fairlead check” says why", d.Name)
}

// forLocal runs units for the person who has started the process.
type forLocal struct{ adapter.Invoker }

func (f forLocal) Invoke(ctx context.Context, u *plan.Unit, args engine.Args) (*engine.Result, *engine.Error) {
	args.Principal = session.Local()
	return f.Invoker.Invoke(ctx, u, args)
}
