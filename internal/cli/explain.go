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
		Short: "Show a unit's inputs and the exact request, without sending it",
		Long: `Explain shows what a unit asks for and where each input comes from, the request
that it would send upstream as HTTP and as a curl command, how the answer is
mapped, and the time-outs. It calls nothing and reads no secret: secrets stand
as *** with the name of their source. Inputs without a value are shown with
samples. Without UNIT it lists the units.`,
		Example: `  fairlead explain koyeb-sessions.yaml login-user
  fairlead explain capability.yaml   # what units there are
  fairlead explain capability.yaml weather-now latitude=48.85 longitude=2.35
  fairlead explain capability.yaml "GET /forecast" latitude=48.85`,
		Args:              named("FILE"),
		ValidArgsFunction: l.completeUnit,
		RunE: func(_ *cobra.Command, args []string) error {
			d, err := l.usable(args[0], s)
			if err != nil {
				return err
			}
			if len(args) == 1 {
				return failed(out.print(s, inspect(d, s)))
			}
			u, err := findUnit(d, args[1])
			if err != nil {
				return failed(err)
			}
			given, err := arguments(u, args[2:], "")
			if err != nil {
				return failed(err)
			}
			e := explain(d, u, given)
			for _, of := range u.SignsInAt() {
				e.SignedIn = append(e.SignedIn, "“"+of.Namespace+"”: "+s.signedIn(of))
			}
			return failed(out.print(s, e))
		},
	}
	l.flags(cmd)
	out.flag(cmd, "text", "json")
	return cmd
}

// explanation is what is known of a unit before it runs. Its fields are what -o json
// prints, and its text says the same.
type explanation struct {
	Document    string    `json:"document"`
	Title       string    `json:"title"`
	Unit        string    `json:"unit"`
	Kind        string    `json:"kind"`
	Description string    `json:"description"`
	Inputs      []input   `json:"inputs"`
	LeavesOut   bool      `json:"leavesOutOthers"` // what is no input, without strict inputs
	Steps       []step    `json:"steps"`
	Requests    []request `json:"requests"`
	Credentials []string  `json:"credentials"`
	SignedIn    []string  `json:"signedIn,omitempty"` // this user, at the APIs where people sign in
	Asks        []string  `json:"asks"`
	Samples     []string  `json:"samples"` // names of inputs that stand with sample values
	Answer      []string  `json:"answer"`
	Limits      limits    `json:"limits"`
	Sending     []sending `json:"sending"` // what the document says of it
	Connections string    `json:"connections"`
}

// input is an input of a unit, for people and as data.
type input struct {
	Name     string `json:"name"`
	In       string `json:"in"`
	Type     string `json:"type"`
	Required bool   `json:"required"`
	Feeds    string `json:"feeds"`
	Origin   string `json:"origin"`
}

// step is a step of a flow.
type step struct {
	Name   string   `json:"name"`
	Does   string   `json:"does"`
	After  []string `json:"after"`            // the steps whose results it reads
	AtMost string   `json:"atMost,omitempty"` // how long it may run; “call --trace” says how long it does
}

// request is what a unit would send.
type request struct {
	Target  string `json:"target"`
	Step    string `json:"step,omitempty"`
	Waits   bool   `json:"waits,omitempty"` // for what earlier steps give, which is left out
	Problem string `json:"problem,omitempty"`
	HTTP    string `json:"http,omitempty"` // as HTTP/1.1 text
	Curl    string `json:"curl,omitempty"`
}

// limits are those of a call.
type limits struct {
	Connect     string `json:"connect"`
	FirstAnswer string `json:"firstAnswer"`
	Idle        string `json:"idle"`
	Call        string `json:"call"`
	Answer      string `json:"answer"`
}

func explain(d *host.Document, u *plan.Unit, args engine.Args) *explanation {
	most := upstream.Limits{}.WithDefaults()
	e := &explanation{Document: d.Name, Title: d.Model.Name(), Unit: u.ID, Kind: u.Kind, Description: u.Description,
		Inputs: []input{}, LeavesOut: leavesOut(u),
		Steps: stepList(u), Requests: []request{}, Credentials: credentials(u), Asks: questions(u),
		Samples: []string{}, Answer: answerLines(u),
		Limits: limits{most.Connect.String(), most.Header.String(), most.Idle.String(), most.Call.String(),
			budget.SizeText(most.Response)},
		Sending: sendings(u), Connections: protocols(u)}
	for i, in := range u.Inputs {
		e.Inputs = append(e.Inputs, inputOf(u, in))
		if in.Required && args.Values[i].IsAbsent() && in.Place != plan.InPlan && in.Schema.Default.IsAbsent() {
			args.Values[i] = engine.Sample(in.Name, in.Schema)
			e.Samples = append(e.Samples, in.Name)
		}
		if in.Secret && !args.Values[i].IsAbsent() {
			args.Values[i] = value.Of(secret.Mask)
		}
		args.Values[i] = maskMembers(in, args.Values[i])
	}
	previews := engine.Previews(u, args)
	if u.Role == plan.LoginRole && u.Kind != "operation" {
		previews = nil // it sends nothing: the sign-in page does
	}
	for _, p := range previews {
		r := request{Target: p.Target, Step: p.Step, Waits: p.Waits && p.Problem == "", Problem: p.Problem}
		if p.Request != nil && p.Problem == "" {
			r.HTTP, r.Curl = render(p.Request)
		}
		e.Requests = append(e.Requests, r)
	}
	return e
}

func inputOf(u *plan.Unit, in *plan.Input) input {
	place := in.Place.String()
	if u.Kind != "operation" && in.Place != plan.InPlan {
		place = "argument"
		if in.Place == plan.AsBody {
			place = "argument (the body)"
		}
	}
	return input{in.Name, place, in.Schema.Type, in.Required, in.Feeds, in.Origin}
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

func (e *explanation) text(b *bytes.Buffer) {
	fmt.Fprintf(b, "%s %s of %s\n", e.Kind, e.Unit, e.Title)
	if e.Description != "" {
		fmt.Fprintf(b, "%s\n", e.Description)
	}
	b.WriteString("\nInputs\n")
	if len(e.Inputs) == 0 {
		b.WriteString("  none\n")
	}
	for _, in := range e.Inputs {
		must := "optional"
		if in.Required {
			must = "required"
		}
		fmt.Fprintf(b, "  %-24s %-20s %-9s %-9s", in.Name, in.In, cmp.Or(in.Type, "any"), must)
		if in.Feeds != "" {
			fmt.Fprintf(b, " → %s", in.Feeds)
		}
		fmt.Fprintf(b, "  (%s)\n", origins[in.Origin])
	}
	if e.LeavesOut {
		b.WriteString("  Other query parameters and members of a body are left out (serve --strict-inputs refuses them).\n")
	}
	if len(e.Asks) > 0 {
		section(b, "The user of an MCP client is asked", e.Asks)
	}
	if len(e.Steps) > 0 {
		b.WriteString("\nSteps (those that wait for none of each other run side by side; “fairlead call --trace” times them)\n")
	}
	for _, st := range e.Steps {
		fmt.Fprintf(b, "  %-16s %s", st.Name, st.Does)
		if st.AtMost != "" {
			fmt.Fprintf(b, ", at most %s", st.AtMost)
		}
		if len(st.After) > 0 {
			fmt.Fprintf(b, ", after %s", strings.Join(st.After, ", "))
		}
		b.WriteByte('\n')
	}
	for _, r := range e.Requests {
		r.text(b)
	}
	if len(e.Samples) > 0 {
		fmt.Fprintf(b, "\nSample values stand for %s.\n", strings.Join(e.Samples, ", "))
	}
	section(b, "Credentials", e.Credentials)
	if len(e.SignedIn) > 0 {
		section(b, "Signed in", e.SignedIn)
	}
	section(b, "Answer", e.Answer)
	for _, s := range e.Sending {
		section(b, "Sending of "+s.Target, s.lines())
	}
	fmt.Fprintf(b, "\nTime-outs: connect %s, first answer %s, idle %s, whole call %s; an answer of at most %s (flags of serve change them)\n",
		e.Limits.Connect, e.Limits.FirstAnswer, e.Limits.Idle, e.Limits.Call, e.Limits.Answer)
	fmt.Fprintf(b, "Connections: %s\n", e.Connections)
}

func section(b *bytes.Buffer, title string, lines []string) {
	fmt.Fprintf(b, "\n%s\n", title)
	for _, line := range lines {
		fmt.Fprintf(b, "  %s\n", line)
	}
}

// leavesOut reports whether callers may send what the unit does not pass on: those of
// MCP tools may not, and a whole body passes as it comes.
func leavesOut(u *plan.Unit) bool {
	return u.Kind == "operation" &&
		!slices.ContainsFunc(u.Inputs, func(in *plan.Input) bool { return in.Place == plan.AsBody })
}

// protocols says with which HTTP the APIs of a unit are called, and how they are reached.
func protocols(u *plan.Unit) string {
	text := protocol(u)
	for _, s := range u.Steps {
		if s.Kind == plan.CallStep && s.Call.Request.Connection != nil {
			text += s.Call.Request.Connection.Text()
			break
		}
	}
	return text
}

func protocol(u *plan.Unit) string {
	for _, s := range u.Steps {
		if s.Kind == plan.CallStep && s.Call.Request.Policy.HTTP2 {
			return "HTTP/2 where " + s.Call.Request.Target + " takes it, as the document says"
		}
	}
	return "HTTP/1.1 (--http2, or x-fairlead: {http2: true} on the API, offers HTTP/2)"
}

// questions says what a user is asked before the unit runs.
func questions(u *plan.Unit) []string {
	lines := []string{}
	for _, q := range u.Ask {
		names := make([]string, len(q.Inputs))
		for i, in := range q.Inputs {
			names[i] = u.Inputs[in].Name
		}
		lines = append(lines, fmt.Sprintf("for %s, when the caller leaves it out: %s", strings.Join(names, ", "),
			q.Message.Source()))
	}
	if u.Confirm {
		lines = append(lines, "whether to go ahead")
	}
	return lines
}

// stepList lists the steps of a flow; a plain call has none.
func stepList(u *plan.Unit) []step {
	steps, most := []step{}, upstream.Limits{}.WithDefaults()
	for _, st := range u.Steps {
		if st.Name == "" {
			continue
		}
		s := step{Name: st.Name, After: []string{}}
		switch st.Kind {
		case plan.CallStep:
			s.Does = "calls " + st.Call.Request.Target
			s.AtMost = cmp.Or(st.Call.Request.Policy.Timeout.Total, most.Call).String()
		case plan.LookupStep:
			s.Does = "looks up " + st.Lookup.Match
		case plan.ScriptStep:
			s.Does, s.AtMost = "runs "+st.Script.File, cmp.Or(st.Script.Timeout, time.Minute).String()
		}
		for _, i := range st.After {
			s.After = append(s.After, u.Steps[i].Name)
		}
		steps = append(steps, s)
	}
	return steps
}

var origins = map[string]string{"declared": "declared", "with": "from the with block",
	"operation": "from the called operation", "path": "from the path", "template": "from a template"}

func (r *request) text(b *bytes.Buffer) {
	b.WriteString("\nRequest")
	if r.Step != "" {
		fmt.Fprintf(b, " of step %s", r.Step)
	}
	fmt.Fprintf(b, " (%s)", r.Target)
	if r.Waits {
		b.WriteString(", without what earlier steps give")
	}
	b.WriteByte('\n')
	if r.Problem != "" {
		fmt.Fprintf(b, "  %s\n", r.Problem)
		return
	}
	for line := range strings.SplitSeq(strings.TrimRight(r.HTTP, "\n"), "\n") {
		fmt.Fprintf(b, "  %s\n", line)
	}
	fmt.Fprintf(b, "\n  %s\n", strings.ReplaceAll(r.Curl, "\n", "\n  "))
}

func credentials(u *plan.Unit) (lines []string) {
	if u.CallerAuthorization && u.Kind != "tool" {
		lines = append(lines, "a REST caller's own Authorization header goes upstream")
	}
	lines = append(lines, sessionLines(u)...)
	for _, s := range u.Secrets {
		if s.ForAuth && (u.Role == plan.RefreshRole || u.Role == plan.LogoutRole) {
			continue // which is never sent
		}
		var names []string
		for _, r := range s.Refs {
			from := "environment"
			if r.Location != "" {
				from = r.Location
			}
			names = append(names, r.Key+" ("+from+")")
		}
		line := "*** is " + strings.Join(names, " or ")
		switch {
		case s.ForAuth && u.Signs:
			line += ", where there is none of these"
		case s.ForAuth && u.CallerAuthorization && u.Kind != "tool":
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

// sessionLines say which sessions a unit is sent in, and what it does to one.
func sessionLines(u *plan.Unit) (lines []string) {
	seen := map[*plan.Session]bool{}
	say := func(s *plan.Session) {
		if s == nil || seen[s] {
			return
		}
		seen[s] = true
		if s.ForPeople() {
			lines = append(lines, "then the session of “"+s.Namespace+"” that the caller has signed in to "+
				"(at /connect, or by “fairlead login”)")
		}
		if s.Service != nil {
			lines = append(lines, "then the session of the service account of “"+s.Namespace+"”")
		}
	}
	if u.Role != plan.LoginRole {
		for _, st := range u.Steps {
			if st.Kind == plan.CallStep {
				say(st.Call.Session)
			}
		}
	}
	if len(lines) > 0 && !u.CallerAuthorization || u.Kind == "tool" && len(lines) > 0 {
		lines[0] = strings.TrimPrefix(lines[0], "then ")
	}
	if does := roleLines[u.Role]; does != "" && u.Kind != "operation" {
		lines = append(lines, does)
	}
	return lines
}

// roleLines say what a tool does to the session of its API.
var roleLines = map[plan.Role]string{
	plan.LoginRole: "it sends the user to the sign-in page: no password passes a model, and what is asked for there is " +
		"no argument",
	plan.RefreshRole: "it renews the caller's session, and no other credential",
	plan.ReplaceRole: "the token that it answers takes the place of the one in the caller's session",
	plan.LogoutRole:  "it ends the caller's session, and no other credential",
}

func answerLines(u *plan.Unit) (lines []string) {
	switch {
	case u.Role != plan.NoRole && u.Kind != "operation":
		lines = append(lines, "whether the caller is signed in, and what the document shows of the session")
		return lines
	case u.Model == nil || len(u.Model.Outputs) == 0 && len(u.Model.Mappings) == 0, u.Output.Identity() &&
		len(u.Mappings) == 0:
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
		if s.Call == nil {
			continue
		}
		for _, path := range s.Call.Secrets {
			lines = append(lines, path.String()+" is a credential")
		}
		for _, name := range slices.Concat(s.Call.SecretHeaders, s.Call.SecretCookies) {
			lines = append(lines, name+" of its header is a credential")
		}
	}
	for _, path := range u.Secret {
		lines = append(lines, path.String()+" of what callers get is a credential")
	}
	return lines
}
