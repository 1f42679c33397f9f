package cli

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/fairlead/fairlead/internal/budget"
	"github.com/fairlead/fairlead/internal/engine"
	"github.com/fairlead/fairlead/internal/host"
	"github.com/fairlead/fairlead/internal/plan"
	"github.com/fairlead/fairlead/internal/secret"
	"github.com/fairlead/fairlead/internal/upstream"
	"github.com/fairlead/fairlead/internal/value"
)

func explainCommand(s Streams) *cobra.Command {
	var (
		l   loading
		out output
	)
	cmd := &cobra.Command{
		Use:   "explain FILE [UNIT] [name=value]...",
		Short: "Show a unit's inputs and the exact request it would send, without sending it",
		Long: `Explain shows what a unit asks for and where each input comes from, the request
that it would send upstream as HTTP and as a curl command, how the answer is
mapped, and the time-outs. It calls nothing and reads no secret: secrets stand as
*** with the name of their source. Inputs without a value are shown with samples.
Without UNIT it lists the units.`,
		Example: `  fairlead explain koyeb-sessions.yaml login-user body='{"email":"me@example.com","password":"…"}'
  fairlead explain crm.yaml "GET /customers/{id}" id=42`,
		Args:              cobra.MinimumNArgs(1),
		ValidArgsFunction: l.completeUnit,
		RunE: func(_ *cobra.Command, args []string) error {
			d, err := l.usable(args[0], s)
			if err != nil {
				return err
			}
			if len(args) == 1 {
				_, err = s.Out.Write(page(d))
				return failed(err)
			}
			u, err := findUnit(d, args[1])
			if err != nil {
				return failed(err)
			}
			given, err := arguments(u, args[2:], "")
			if err != nil {
				return failed(err)
			}
			e := explain(u, given)
			if out == "json" {
				_, err = fmt.Fprintln(s.Out, e.json(d).Indent())
			} else {
				_, err = s.Out.Write(e.text(d))
			}
			return failed(err)
		},
	}
	l.flags(cmd)
	out.flag(cmd, "text", "json")
	return cmd
}

// explanation is what is known of a unit before it runs.
type explanation struct {
	unit     *plan.Unit
	samples  []string // names of inputs that stand with sample values
	previews []preview
}

type preview struct {
	engine.Preview
	http string // the request as HTTP/1.1 text
	curl string
}

func explain(u *plan.Unit, args engine.Args) explanation {
	e := explanation{unit: u}
	for i, in := range u.Inputs {
		if in.Required && args.Values[i].IsAbsent() && in.Place != plan.InPlan && in.Schema.Default.IsAbsent() {
			args.Values[i] = engine.Sample(in.Name, in.Schema)
			e.samples = append(e.samples, in.Name)
		}
		if in.Secret && !args.Values[i].IsAbsent() {
			args.Values[i] = value.Of(secret.Mask)
		}
		args.Values[i] = maskMembers(in, args.Values[i])
	}
	for _, p := range engine.Previews(u, args) {
		v := preview{Preview: p}
		if p.Request != nil {
			v.http, v.curl = render(p.Request)
		}
		e.previews = append(e.previews, v)
	}
	return e
}

// maskMembers masks the members of an object that the document marks as secret.
func maskMembers(in *plan.Input, v value.Value) value.Value {
	if v.Kind() != value.Object || len(in.SecretMembers) == 0 {
		return v
	}
	masked := value.Map()
	for i := range v.Len() {
		item := v.At(i)
		if slices.Contains(in.SecretMembers, v.Name(i)) {
			item = value.Of(secret.Mask)
		}
		masked.Add(v.Name(i), item)
	}
	return masked
}

// render writes a request as HTTP text and as a curl command.
func render(r *http.Request) (text, curl string) {
	var body []byte
	if r.Body != nil {
		body, _ = io.ReadAll(r.Body)
	}
	var b, c bytes.Buffer
	fmt.Fprintf(&b, "%s %s HTTP/1.1\nHost: %s\n", r.Method, r.URL.RequestURI(), r.Host)
	fmt.Fprintf(&c, "curl -X %s %s", r.Method, shellQuote(r.URL.String()))
	for _, name := range slices.Sorted(maps.Keys(r.Header)) {
		for _, v := range r.Header[name] {
			fmt.Fprintf(&b, "%s: %s\n", name, v)
			fmt.Fprintf(&c, " \\\n  -H %s", shellQuote(name+": "+v))
		}
	}
	if len(body) > 0 {
		fmt.Fprintf(&b, "Content-Length: %d\n\n%s", len(body), body)
		fmt.Fprintf(&c, " \\\n  --data-binary %s", shellQuote(string(body)))
	}
	return b.String(), c.String()
}

func shellQuote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

func (e explanation) text(d *host.Document) []byte {
	var b bytes.Buffer
	u := e.unit
	fmt.Fprintf(&b, "%s %s of %s\n", u.Kind, u.ID, d.Model.Name())
	if u.Description != "" {
		fmt.Fprintf(&b, "%s\n", u.Description)
	}
	b.WriteString("\nInputs\n")
	if len(u.Inputs) == 0 {
		b.WriteString("  none\n")
	}
	for _, in := range u.Inputs {
		must := "optional"
		if in.Required {
			must = "required"
		}
		place := in.Place.String()
		if u.Kind != "operation" && in.Place != plan.InPlan {
			place = "argument"
			if in.Place == plan.AsBody {
				place = "argument (the body)"
			}
		}
		fmt.Fprintf(&b, "  %-24s %-20s %-9s %-9s", in.Name, place, orAny(in.Schema.Type), must)
		if in.Feeds != "" {
			fmt.Fprintf(&b, " → %s", in.Feeds)
		}
		fmt.Fprintf(&b, "  (%s)\n", origins[in.Origin])
	}
	if leavesOut(u) {
		b.WriteString("  Other query parameters and members of a body are left out (serve --strict-inputs refuses them).\n")
	}
	if lines := questions(u); len(lines) > 0 {
		b.WriteString("\nThe user of an MCP client is asked\n")
		for _, line := range lines {
			fmt.Fprintf(&b, "  %s\n", line)
		}
	}
	if steps := stepList(u); len(steps) > 0 {
		b.WriteString("\nSteps (those that wait for none of each other run side by side; “fairlead call --trace” times them)\n")
		for _, st := range steps {
			fmt.Fprintf(&b, "  %-16s %s", st.name, st.does)
			if st.most > 0 {
				fmt.Fprintf(&b, ", at most %s", st.most)
			}
			if len(st.after) > 0 {
				fmt.Fprintf(&b, ", after %s", strings.Join(st.after, ", "))
			}
			b.WriteByte('\n')
		}
	}
	for _, p := range e.previews {
		e.request(&b, p)
	}
	if len(e.samples) > 0 {
		fmt.Fprintf(&b, "\nSample values stand for %s.\n", strings.Join(e.samples, ", "))
	}
	b.WriteString("\nCredentials\n")
	for _, line := range credentials(u) {
		fmt.Fprintf(&b, "  %s\n", line)
	}
	b.WriteString("\nAnswer\n")
	for _, line := range answerLines(u) {
		fmt.Fprintf(&b, "  %s\n", line)
	}
	limits := upstream.Limits{}.WithDefaults()
	fmt.Fprintf(&b, "\nTime-outs: connect %s, first answer %s, whole call %s; an answer of at most %s (flags of serve change them)\n",
		limits.Connect, limits.Header, limits.Call, budget.SizeText(limits.Response))
	fmt.Fprintf(&b, "Connections: %s\n", protocols(u))
	return b.Bytes()
}

// leavesOut reports whether callers may send what the unit does not pass on: those of
// MCP tools may not, and a whole body passes as it comes.
func leavesOut(u *plan.Unit) bool {
	return u.Kind == "operation" && !slices.ContainsFunc(u.Inputs, func(in *plan.Input) bool { return in.Place == plan.AsBody })
}

// protocols says with which HTTP the APIs of a unit are called.
func protocols(u *plan.Unit) string {
	for _, s := range u.Steps {
		if s.Kind == plan.CallStep && s.Call.Request.Policy.HTTP2 {
			return "HTTP/2 where " + s.Call.Request.Target + " takes it, as the document says"
		}
	}
	return "HTTP/1.1 (--http2, or x-fairlead: {http2: true} on the API, offers HTTP/2)"
}

// questions says what a user is asked before the unit runs.
func questions(u *plan.Unit) (lines []string) {
	for _, q := range u.Ask {
		names := make([]string, len(q.Inputs))
		for i, in := range q.Inputs {
			names[i] = u.Inputs[in].Name
		}
		lines = append(lines, fmt.Sprintf("for %s, when the caller leaves it out: %s", strings.Join(names, ", "), q.Message.Source()))
	}
	if u.Confirm {
		lines = append(lines, "whether to go ahead")
	}
	return lines
}

// step is a step of a flow, for people.
type step struct {
	name, does string
	after      []string      // the steps whose results it reads
	most       time.Duration // how long it may run; “call --trace” says how long it does
}

// stepList lists the steps of a flow; a plain call has none.
func stepList(u *plan.Unit) (steps []step) {
	limits := upstream.Limits{}.WithDefaults()
	for _, st := range u.Steps {
		if st.Name == "" {
			continue
		}
		s := step{name: st.Name}
		switch st.Kind {
		case plan.CallStep:
			s.does, s.most = "calls "+st.Call.Request.Target, limits.Call
		case plan.LookupStep:
			s.does = "looks up " + st.Lookup.Match
		case plan.ScriptStep:
			s.does, s.most = "runs "+st.Script.File, cmp.Or(st.Script.Timeout, time.Minute)
		}
		for _, i := range st.After {
			s.after = append(s.after, u.Steps[i].Name)
		}
		steps = append(steps, s)
	}
	return steps
}

var origins = map[string]string{"declared": "declared", "with": "from the with block", "operation": "from the called operation", "path": "from the path", "template": "from a template"}

func (e explanation) request(b *bytes.Buffer, p preview) {
	b.WriteString("\nRequest")
	if p.Step != "" {
		fmt.Fprintf(b, " of step %s", p.Step)
	}
	fmt.Fprintf(b, " (%s)", p.Target)
	if p.Waits && p.Problem == "" {
		b.WriteString(", without what earlier steps give")
	}
	b.WriteByte('\n')
	if p.Problem != "" {
		fmt.Fprintf(b, "  %s\n", p.Problem)
		return
	}
	for _, line := range strings.Split(strings.TrimRight(p.http, "\n"), "\n") {
		fmt.Fprintf(b, "  %s\n", line)
	}
	fmt.Fprintf(b, "\n  %s\n", strings.ReplaceAll(p.curl, "\n", "\n  "))
}

func credentials(u *plan.Unit) (lines []string) {
	if u.CallerAuthorization && u.Kind != "tool" {
		lines = append(lines, "a REST caller's own Authorization header goes upstream")
	}
	for _, s := range u.Secrets {
		var names []string
		for _, r := range s.Refs {
			from := "environment"
			if r.Location != "" {
				from = r.Location
			}
			names = append(names, r.Key+" ("+from+")")
		}
		line := "*** is " + strings.Join(names, " or ")
		if s.ForAuth && u.CallerAuthorization && u.Kind != "tool" {
			line += ", when the caller sends none"
		}
		lines = append(lines, line)
	}
	if len(u.Written) > 0 {
		lines = append(lines, "*** stands in the document itself")
	}
	if len(lines) == 0 {
		lines = append(lines, "none")
	}
	return lines
}

func answerLines(u *plan.Unit) (lines []string) {
	switch {
	case u.Model == nil || len(u.Model.Outputs) == 0 && len(u.Model.Mappings) == 0, u.Output.Identity() && len(u.Mappings) == 0:
		lines = append(lines, "passed on as it comes")
	default:
		for _, m := range u.Model.Mappings {
			lines = append(lines, fmt.Sprintf("%s ← %s", m.Target, m.Value))
		}
		for _, o := range u.Model.Outputs {
			lines = append(lines, strings.TrimSpace(fmt.Sprintf("%s %s ← %s", o.Name, o.Type, orNone(o.Mapping))))
		}
	}
	for _, s := range u.Steps {
		if s.Call != nil {
			for _, path := range s.Call.Operation.Secrets {
				lines = append(lines, path+" is a credential")
			}
		}
	}
	return lines
}

func orAny(s string) string {
	if s == "" {
		return "any"
	}
	return s
}

func (e explanation) json(d *host.Document) value.Value {
	m := func(name, text string) value.Member { return value.Member{Name: name, Value: value.Of(text)} }
	requests := value.List()
	for _, p := range e.previews {
		r := value.Map(m("target", p.Target))
		for _, f := range []value.Member{m("step", p.Step), m("problem", p.Problem), m("http", p.http), m("curl", p.curl)} {
			if f.Value.Text() != "" {
				r.Add(f.Name, f.Value)
			}
		}
		requests.Append(r)
	}
	steps := value.List()
	for _, st := range stepList(e.unit) {
		after := value.List()
		for _, name := range st.after {
			after.Append(value.Of(name))
		}
		steps.Append(value.Map(m("name", st.name), m("does", st.does), value.Member{Name: "after", Value: after}, m("atMost", st.most.String())))
	}
	secrets := value.List()
	for _, line := range credentials(e.unit) {
		secrets.Append(value.Of(line))
	}
	asks := value.List()
	for _, line := range questions(e.unit) {
		asks.Append(value.Of(line))
	}
	samples := value.List()
	for _, name := range e.samples {
		samples.Append(value.Of(name))
	}
	return value.Map(m("document", d.Name), m("unit", e.unit.ID), m("kind", e.unit.Kind), value.Member{Name: "inputs", Value: inputList(e.unit)},
		value.Member{Name: "steps", Value: steps}, value.Member{Name: "requests", Value: requests}, value.Member{Name: "credentials", Value: secrets}, value.Member{Name: "asks", Value: asks}, value.Member{Name: "samples", Value: samples})
}
