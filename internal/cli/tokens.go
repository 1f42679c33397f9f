package cli

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/fairlead/fairlead/internal/adapter/mcp"
	"github.com/fairlead/fairlead/internal/host"
	"github.com/fairlead/fairlead/internal/plan"
	"github.com/fairlead/fairlead/internal/schema"
	"github.com/fairlead/fairlead/internal/value"
)

const estimator = "bytes of UTF-8 / 4, rounded up"

// estimate is about how many tokens a text of so many bytes is. Every model
// counts differently; four bytes a token is what JSON and English come to.
func estimate(size int) int { return (size + 3) / 4 }

func tokensCommand(s Streams) *cobra.Command {
	var (
		l   loading
		o   host.MCPOptions
		out output

		readOnly bool
	)
	cmd := &cobra.Command{
		Use:   "tokens [FILE|-]",
		Short: "Estimate what tools cost a model, and say what to trim",
		Long: `Tokens estimates what an MCP server costs a model: tools/list, which most
clients put before every conversation, tool by tool, and the answers of the
tools. It says what to trim. Tokens are an estimate:
` + estimator + `. A typical answer is estimated from
outputParameters, with texts of 20 characters and lists of 10 items; without
them it is unknown.`,
		Example: `  fairlead tokens capability.yaml
  fairlead tokens capability.yaml --search-above 40   # with what serve is given
  fairlead tokens -o json capability.yaml`,
		Args:              single,
		ValidArgsFunction: completeDocument,
		RunE: func(cmd *cobra.Command, args []string) error {
			path := optional(args)
			d, err := l.usable(path, s)
			if err != nil {
				return err
			}
			var bills []*bill
			for _, server := range d.Plan.Servers {
				if server.Type != "mcp" {
					continue
				}
				b, err := newBill(cmd.Context(), d, server, o, readOnly)
				if err != nil {
					return failed(err)
				}
				bills = append(bills, b)
			}
			if bills == nil {
				return failed(fmt.Errorf("%s serves no MCP server; “fairlead check” says why", d.Name))
			}
			if out == "json" {
				_, err = fmt.Fprintln(s.Out, billsJSON(d, bills).Indent())
				return failed(err)
			}
			var text bytes.Buffer
			for i, b := range bills {
				if i > 0 {
					text.WriteByte('\n')
				}
				b.write(&text)
			}
			_, err = s.Out.Write(text.Bytes())
			return failed(err)
		},
	}
	l.flags(cmd)
	mcpFlags(cmd, &o, &readOnly)
	out.flag(cmd, "text", "json")
	return cmd
}

// bill is what one MCP server costs.
type bill struct {
	namespace      string
	legacy, modern int // bytes of the result of tools/list, by era
	tools          []toolCost
	trim           []string
}

// toolCost is what one tool costs, in tokens.
type toolCost struct {
	mcp.Listed
	entry, description, inputs, output int
	typical                            int // of an answer; -1 when nothing says how it looks
	most                               int
}

// eras are requests for tools/list of both eras, a line each.
const eras = `{"jsonrpc":"2.0","id":1,"method":"tools/list"}
{"jsonrpc":"2.0","id":2,"method":"tools/list","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}}
`

func newBill(ctx context.Context, d *host.Document, server *plan.Server, o host.MCPOptions, readOnly bool) (*bill,
	error) {
	c := o.Config(d.Plan, server, readOnly)
	c.Version, c.Page = Version(), 1<<20
	h := mcp.New(c)
	defer h.Close()
	b := &bill{namespace: server.Namespace}
	var answers bytes.Buffer
	if err := h.ServeStdio(ctx, strings.NewReader(eras), &answers); err != nil {
		return nil, err
	}
	for i, line := range strings.Split(strings.TrimSpace(answers.String()), "\n") {
		answer, err := value.Parse([]byte(line))
		if err != nil {
			return nil, fmt.Errorf("list tools: %w", err)
		}
		*[]*int{&b.legacy, &b.modern}[i] = len(answer.Get("result").Text())
	}
	for _, l := range h.Listed() {
		b.tools = append(b.tools, costOf(l))
	}
	slices.SortStableFunc(b.tools, func(x, y toolCost) int { return cmp.Compare(y.entry, x.entry) })
	b.advise(d)
	return b, nil
}

func costOf(l mcp.Listed) toolCost {
	entry, _ := value.Parse(l.Entry) // it is ours
	part := func(name string) int {
		if v := entry.Get(name); !v.IsAbsent() {
			return estimate(len(v.Text()))
		}
		return 0
	}
	c := toolCost{Listed: l, entry: estimate(len(l.Entry)), description: part("description"),
		inputs: part("inputSchema"), output: part("outputSchema"),
		typical: -1, most: estimate(l.MaxChars)}
	if size := typicalAnswer(l.Unit); size > 0 {
		c.typical = min(estimate(size), c.most)
	}
	return c
}

// What a typical answer is made of, in characters and items.
const (
	typicalText  = 22
	typicalDigit = 6
	typicalItems = 10
)

// typicalAnswer is how many characters of JSON an answer of the unit has, as far
// as its outputs say; 0 when they say nothing.
func typicalAnswer(u *plan.Unit) int {
	if u.Result != nil {
		return typical(u.Result)
	}
	if u.Model == nil || u.Output.Identity() || len(u.Model.Outputs) == 0 {
		return 0
	}
	return typicalText // one scalar
}

func typical(s *schema.Schema) int {
	if s == nil {
		return typicalText
	}
	switch s.Type {
	case "integer", "number", "boolean":
		return typicalDigit
	case "array":
		return 2 + typicalItems*(typical(s.Items)+1)
	case "object":
		size := 2
		for _, p := range s.Properties {
			size += len(p.Name) + 4 + typical(p.Schema)
		}
		return size
	}
	return typicalText
}
