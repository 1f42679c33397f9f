package cli

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/fairlead/fairlead/internal/host"
	"github.com/fairlead/fairlead/internal/plan"
	"github.com/fairlead/fairlead/internal/secret"
	"github.com/fairlead/fairlead/internal/value"
)

// printReady says where the servers are: for people on standard error, or as
// one line of JSON on standard output.
func printReady(s Streams, m *machine, h *host.Host, redirects []host.Redirect, front *front, op *operating,
	token secret.String, asJSON bool) {
	adapters, own := h.Adapters(), h.Control()
	if !h.TakesToken() || op.tokenFile != "" {
		token = secret.String{}
	}
	if asJSON {
		list := value.List()
		for _, a := range adapters {
			one := value.Map(value.Member{Name: "capability", Value: value.Of(a.Capability)},
				value.Member{Name: "type", Value: value.Of(a.Type)},
				value.Member{Name: "namespace", Value: value.Of(a.Namespace)},
				value.Member{Name: "url", Value: value.Of(a.URL)})
			if len(a.SignsIn) > 0 {
				needs := value.Map(value.Member{Name: "units", Value: texts(a.SignsIn)})
				if a.SignInPage != "" {
					needs.Add("page", value.Of(a.SignInPage))
				} else {
					needs.Add("nobody", value.Of(a.Nobody))
				}
				one.Add("signIn", needs)
			}
			list.Append(one)
		}
		line := value.Map(value.Member{Name: "event", Value: value.Of("ready")},
			value.Member{Name: "adapters", Value: list})
		if front.public != nil {
			line.Add("public", value.Of(front.public.String()))
		}
		if len(redirects) > 0 {
			list := value.List()
			for _, r := range redirects {
				list.Append(value.Map(value.Member{Name: "for", Value: value.Of(r.For)},
					value.Member{Name: "server", Value: value.Of(r.Server)},
					value.Member{Name: "url", Value: value.Of(r.URL)}))
			}
			line.Add("redirects", list)
		}
		if own != "" {
			line.Add("control", value.Of(own))
		}
		if !token.IsEmpty() {
			line.Add("controlToken", value.Of(token.Reveal()))
		}
		if m.sandbox != nil {
			line.Add("sandbox", m.sandbox.json())
		}
		fmt.Fprintf(s.Out, "%s\n", line.AppendJSON(nil))
		return
	}
	served, leftOut, withheld := 0, 0, 0
	for _, a := range adapters {
		served += len(a.Units)
		leftOut += a.LeftOut
	}
	for _, d := range m.documents {
		withheld += d.Withheld()
	}
	fmt.Fprintf(s.Err, "Fairlead %s serves %s.\n", Version(), count(served, "unit"))
	if leftOut > 0 {
		fmt.Fprintf(s.Err, "%s left out by --read-only, --allow-tools or --deny-tools.\n", count(leftOut, "unit"))
	}
	if withheld > 0 {
		fmt.Fprintf(s.Err, "%s withheld; “fairlead check” says why.\n", count(withheld, "unit"))
	}
	capability := ""
	for i, a := range adapters {
		if i == manyDocuments {
			fmt.Fprintf(s.Err, "\n… and %s; “fairlead serve --json” lists them all\n",
				count(len(adapters)-i, "more server"))
			break
		}
		if a.Capability != capability {
			capability = a.Capability
			fmt.Fprintf(s.Err, "\n%s\n", capability)
		}
		fmt.Fprintf(s.Err, "  %-5s %s\n", strings.ToUpper(a.Type), a.URL)
		for i, u := range a.Units {
			if i == 12 || i == 3 && len(adapters) > manyDocuments {
				fmt.Fprintf(s.Err, "          … and %d more; “fairlead inspect” lists them\n", len(a.Units)-i)
				break
			}
			fmt.Fprintf(s.Err, "          %s\n", u)
		}
	}
	for i, r := range redirects {
		if i == manyDocuments {
			fmt.Fprintf(s.Err, "\n… and %s; “fairlead serve --json” lists them all\n",
				count(len(redirects)-i, "more redirect address"))
			break
		}
		fmt.Fprintf(s.Err, "\nRedirect address of %s, for %s to know:\n  %s\n", r.For, r.Server, r.URL)
	}
	printOpen(s.Err, adapters)
	front.print(s.Err)
	printSignIns(s.Err, adapters)
	printControl(s.Err, own, token)
	if len(m.documents) > manyDocuments { // of few, the findings say it
		ungranted := host.Ungranted(m.documents)
		for i, text := range ungranted {
			if i == mostUnset {
				fmt.Fprintf(s.Err, "\nLikewise %s; --grants FILE takes a list.\n",
					count(len(ungranted)-i, "more secret"))
				break
			}
			fmt.Fprintf(s.Err, "\n%s.\n", text)
		}
	}
	unset := m.unset()
	for i, text := range unset {
		if i == mostUnset {
			fmt.Fprintf(s.Err, "\nNot set either: %s; “fairlead explain FILE UNIT” says which a unit needs.\n",
				count(len(unset)-i, "more variable"))
			break
		}
		fmt.Fprintf(s.Err, "\n%s\n", text)
	}
	if m.sandbox != nil {
		m.sandbox.print(s.Err, adapters)
	}
	fmt.Fprintln(s.Err, "\nStop with Ctrl-C.")
}

func texts(all []string) value.Value {
	list := value.List()
	for _, text := range all {
		list.Append(value.Of(text))
	}
	return list
}

// printOpen names the servers that other machines reach.
func printOpen(w io.Writer, adapters []host.Adapter) {
	var open []string
	for _, a := range adapters {
		if a.Network {
			open = append(open, strings.ToUpper(a.Type)+" "+a.Namespace)
		}
	}
	if len(open) > manyDocuments {
		open = append(open[:manyDocuments:manyDocuments], fmt.Sprintf("%d more", len(open)-manyDocuments))
	}
	if len(open) > 0 {
		fmt.Fprintf(w, "\nOpen to the network: other machines can connect to %s.\n", strings.Join(open, ", "))
	}
}

// printSignIns says what acts for whoever has signed in, and where that is.
func printSignIns(w io.Writer, adapters []host.Adapter) {
	said := map[string]bool{}
	for _, a := range adapters {
		if len(a.SignsIn) == 0 || said[a.SignInPage+a.Nobody+a.Capability] {
			continue
		}
		said[a.SignInPage+a.Nobody+a.Capability] = true
		if len(said) > manyDocuments {
			break
		}
		fmt.Fprintf(w, "\nFor whoever has signed in: %s (%s).\n", listed(a.SignsIn), a.Namespace)
		if a.SignInPage != "" {
			fmt.Fprintf(w, "Sign in at %s, or where a tool asks for it.\n", a.SignInPage)
		} else {
			fmt.Fprintln(w, "Nobody can sign in: "+a.Nobody)
		}
	}
}

// printControl says where the process's own control server is, and with which
// token things are changed.
func printControl(w io.Writer, own string, token secret.String) {
	if own != "" {
		fmt.Fprintf(w, "\nControl server: %s (“fairlead status --control %s”)\n", own, own)
	}
	if !token.IsEmpty() {
		fmt.Fprintf(w, "\nWhat changes something there takes this token, or that of --control-token-file: %s\n",
			token.Reveal())
	}
}

// mostUnset is how many variables without a value are named at the start.
const mostUnset = 8

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// unset says which environment variables are not set and what that means.
func (m *machine) unset() []string { return m.unsetOf(m.documents) }

// unsetOf is unset for other documents.
func (m *machine) unsetOf(documents []*host.Document) []string {
	needs := map[string][]string{} // by variables
	var order []string
	own := map[string]bool{}        // a caller may bring the credential
	session := map[string]bool{}    // all of them do with a session
	shut := map[string][]string{}   // servers, by variables
	agrees := map[string][]string{} // APIs at which people sign in by OAuth, by variables
	for _, d := range documents {
		if d.Plan == nil {
			continue
		}
		for _, server := range d.Plan.Servers {
			for _, slot := range guarding(server) {
				if key := variables(slot.Refs); key != "" && !m.has(slot.Refs) {
					shut[key] = append(shut[key], server.Namespace)
				}
			}
		}
		for _, one := range d.Plan.Sessions {
			if one.OAuth == nil {
				continue
			}
			for _, u := range []*plan.Unit{one.OAuth.Server, one.OAuth.Client, one.OAuth.Proof} {
				for _, slot := range u.Secrets {
					if key := variables(slot.Refs); key != "" && !m.has(slot.Refs) {
						agrees[key] = append(agrees[key], one.Namespace)
					}
				}
			}
		}
		units := d.Plan.Units()
		for _, one := range d.Plan.Sessions {
			if one.Service != nil {
				units = append(units, one.Service)
			}
		}
		for _, u := range units {
			for _, slot := range u.Secrets {
				key := variables(slot.Refs)
				if key == "" || m.has(slot.Refs) {
					continue
				}
				if needs[key] == nil {
					order, session[key] = append(order, key), true
				}
				if !slices.Contains(needs[key], u.Name) {
					needs[key] = append(needs[key], u.Name)
				}
				session[key] = session[key] && u.Signs && slot.ForAuth
				own[key] = own[key] || u.CallerAuthorization && u.Kind != "tool" && slot.ForAuth
			}
		}
	}
	var lines []string
	for _, key := range slices.Sorted(maps.Keys(shut)) {
		lines = append(lines, fmt.Sprintf("%s is not set: %s will let nobody in. Set it and start again.", key,
			listed(shut[key])))
	}
	for _, key := range slices.Sorted(maps.Keys(agrees)) {
		lines = append(lines, fmt.Sprintf("%s is not set: nobody can sign in at %s. Set it and start again.", key,
			listed(agrees[key])))
	}
	for _, key := range order {
		text := fmt.Sprintf("%s is not set: %s will answer that the credential is missing. Set it and start again.",
			key, listed(needs[key]))
		if session[key] {
			text = fmt.Sprintf("%s is not set: %s will answer that nobody is signed in, to whoever has not.", key,
				listed(needs[key]))
		}
		if own[key] {
			text += "\nREST callers who send their own Authorization header do not need it."
		}
		lines = append(lines, text)
	}
	return lines
}

// guarding are the secrets that callers of a server must know.
func guarding(s *plan.Server) []plan.SecretSlot {
	if s.Auth == nil {
		return nil
	}
	return s.Auth.Secrets
}

// listed tells names, and of many the first ones.
func listed(names []string) string {
	if len(names) > mostNamed {
		names = append(names[:mostNamed:mostNamed], fmt.Sprintf("%d more", len(names)-mostNamed))
	}
	return strings.Join(names, ", ")
}

func (m *machine) has(refs []secret.Ref) bool {
	return slices.ContainsFunc(refs, m.secrets.InEnvironment)
}

// variables names the environment variables of refs, "" when they come from elsewhere.
func variables(refs []secret.Ref) string {
	var names []string
	for _, r := range refs {
		if r.Location != "" {
			return ""
		}
		names = append(names, r.Key)
	}
	return strings.Join(names, " or ")
}
