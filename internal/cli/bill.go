package cli

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/fairlead/fairlead/internal/adapter/mcp"
	"github.com/fairlead/fairlead/internal/diag"
	"github.com/fairlead/fairlead/internal/format"
	"github.com/fairlead/fairlead/internal/host"
	"github.com/fairlead/fairlead/internal/plan"
	"github.com/fairlead/fairlead/internal/value"
)

// write prints the bill for people.
func (b *bill) write(w *bytes.Buffer) {
	fmt.Fprintf(w, "MCP %s: %s (tokens are an estimate: %s)\n\n", b.namespace, count(len(b.tools), "tool"), estimator)
	fmt.Fprintf(w, "%-24s %8s %8s\n", "tools/list", "tokens", "bytes")
	fmt.Fprintf(w, "%-24s %8d %8d\n", "  up to 2025-11-25", estimate(b.legacy), b.legacy)
	fmt.Fprintf(w, "%-24s %8d %8d\n\n", "  2026-07-28", estimate(b.modern), b.modern)
	width := utf8.RuneCountInString("tool")
	for _, c := range b.tools {
		width = max(width, utf8.RuneCountInString(c.Name))
	}
	fmt.Fprintf(w, "%-*s %8s   of it: %11s %8s %8s   answer: %8s %8s\n", width, "tool", "tokens", "description",
		"inputs", "output", "typical", "at most")
	for _, c := range b.tools {
		answer := "unknown"
		if c.typical >= 0 {
			answer = fmt.Sprint(c.typical)
		}
		fmt.Fprintf(w, "%-*s %8d   %18d %8d %8d   %16s %8d\n", width, c.Name, c.entry, c.description, c.inputs,
			c.output, answer, c.most)
	}
	if len(b.trim) > 0 {
		w.WriteString("\nTo trim\n")
		for _, line := range b.trim {
			fmt.Fprintf(w, "  %s\n", line)
		}
	}
}

// billsJSON is what write says, as data. An answer that nothing describes has
// no typical cost.
func billsJSON(d *host.Document, bills []*bill) value.Value {
	number := func(name string, n int) value.Member {
		return value.Member{Name: name, Value: value.Int(int64(n))}
	}
	servers := value.List()
	for _, b := range bills {
		size := func(bytes int) value.Value {
			return value.Map(number("tokens", estimate(bytes)), number("bytes", bytes))
		}
		tools, trim := value.List(), value.List()
		for _, c := range b.tools {
			answer := value.Map()
			if c.typical >= 0 {
				answer.Add("typical", value.Int(int64(c.typical)))
			}
			answer.Add("most", value.Int(int64(c.most)))
			tools.Append(value.Map(value.Member{Name: "name", Value: value.Of(c.Name)}, number("tokens", c.entry),
				number("description", c.description),
				number("inputSchema", c.inputs), number("outputSchema", c.output),
				value.Member{Name: "answer", Value: answer}))
		}
		for _, line := range b.trim {
			trim.Append(value.Of(line))
		}
		servers.Append(value.Map(value.Member{Name: "namespace", Value: value.Of(b.namespace)},
			value.Member{Name: "list", Value: value.Map(value.Member{Name: "2025-11-25", Value: size(b.legacy)},
				value.Member{Name: "2026-07-28", Value: size(b.modern)})},
			value.Member{Name: "tools", Value: tools}, value.Member{Name: "trim", Value: trim}))
	}
	return value.Map(value.Member{Name: "title", Value: value.Of(d.Model.Name())},
		value.Member{Name: "estimator", Value: value.Of(estimator)},
		value.Member{Name: "servers", Value: servers})
}

// From here on something is worth a word, in tokens and tools.
const (
	longDescription = 100
	longInputs      = 250
	manyTools       = 40
)

// advise says what to trim, the most costly first.
func (b *bill) advise(d *host.Document) {
	say := func(format string, args ...any) { b.trim = append(b.trim, fmt.Sprintf(format, args...)) }
	if n := len(b.tools); n > manyTools {
		say("%d tools are more than models choose well from (about %d): --search-above %d lists four tools that find them instead, --allow-tools and --deny-tools leave some out", n, manyTools, manyTools)
		if tags := b.tags(); tags != "" {
			say("clients may ask for a part: %s", tags)
		}
	}
	unused := map[diag.Range]bool{}
	for _, g := range d.Diags {
		if g.Code == diag.InputUnused.ID {
			unused[g.Range] = true
		}
	}
	passed := 0
	for _, c := range b.tools {
		if c.description > longDescription {
			say("%s: its description is %d tokens; say in a sentence what it does and when to use it", c.Name,
				c.description)
		}
		if c.inputs > longInputs {
			say("%s: its inputs are %d tokens%s; fix some in a with block, or shorten their descriptions", c.Name,
				c.inputs, costlyInputs(c.Unit))
		}
		if c.Unit.Model != nil {
			for _, p := range c.Unit.Model.Inputs {
				if unused[p.Node.Where("name")] {
					say("%s: the input %s feeds nothing; remove it", c.Name, p.Name)
				}
			}
		}
		if c.typical < 0 && !c.Local && c.Unit.Output.Identity() && reads(c.Unit) {
			passed++
		}
	}
	if passed > 0 {
		say("%s the whole answer of the API on, cut at the cap: choose the fields that a model needs with outputParameters, or set x-fairlead: {maxChars: N}", passes(passed))
	}
}

// reads reports whether a unit's answer is data that somebody wants to read: bytes
// and the answers of writes need no mapping.
func reads(u *plan.Unit) bool {
	return u.ReadOnly() && !slices.ContainsFunc(u.Steps, func(s *plan.Step) bool {
		return s.Kind == plan.CallStep && s.Call.Format == format.Binary
	})
}

func passes(tools int) string {
	if tools == 1 {
		return "1 tool passes"
	}
	return fmt.Sprintf("%d tools pass", tools)
}

// costlyInputs names the optional inputs that cost most.
func costlyInputs(u *plan.Unit) string {
	type cost struct {
		name string
		size int
	}
	var all []cost
	for _, in := range u.Inputs {
		if in.Place != plan.InPlan && !in.Required && in.Schema != nil {
			all = append(all, cost{in.Name, estimate(len(mcp.AppendSchema(nil, in.Schema)))})
		}
	}
	slices.SortStableFunc(all, func(a, b cost) int { return b.size - a.size })
	var words []string
	for _, c := range all[:min(len(all), 3)] {
		words = append(words, fmt.Sprintf("%s %d", c.name, c.size))
	}
	if words == nil {
		return ""
	}
	return " (optional: " + strings.Join(words, ", ") + ")"
}

// tags says what the tool sets of the most common tags cost.
func (b *bill) tags() string {
	cost, tools := map[string]int{}, map[string]int{}
	var names []string
	for _, c := range b.tools {
		for _, tag := range c.Unit.Tags {
			if tools[tag]++; tools[tag] == 1 {
				names = append(names, tag)
			}
			cost[tag] += c.entry
		}
	}
	names = slices.DeleteFunc(names, func(tag string) bool { return tools[tag] == len(b.tools) })
	slices.SortStableFunc(names, func(x, y string) int { return cmp.Or(tools[y]-tools[x], strings.Compare(x, y)) })
	var words []string
	for _, tag := range names[:min(len(names), 5)] {
		words = append(words, fmt.Sprintf("?tags=%s is %s, %d tokens", tag, count(tools[tag], "tool"), cost[tag]))
	}
	return strings.Join(words, "; ")
}
