package cli

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/fairlead/fairlead/internal/host"
	"github.com/fairlead/fairlead/internal/plan"
)

func inspectCommand(s Streams) *cobra.Command {
	var (
		l   loading
		out output
	)
	cmd := &cobra.Command{
		Use:   "inspect [FILE|-]",
		Short: "Say what a document gives: operations, tools and their hints",
		Long: `Inspect prints what a document offers, as its published page would: title,
operations with method and path, MCP tools with their hints, and what is
withheld.`,
		Example: `  fairlead inspect capability.yaml
  fairlead inspect -o json capability.yaml`,
		Args:              single,
		ValidArgsFunction: completeDocument,
		RunE: func(_ *cobra.Command, args []string) error {
			path := optional(args)
			d, err := l.usable(path, s)
			if err != nil {
				return err
			}
			return failed(out.print(s, inspect(d, s)))
		},
	}
	l.flags(cmd)
	out.flag(cmd, "text", "json")
	return cmd
}

// inventory is what a document gives. Its fields are what -o json prints, and its text
// says the same.
type inventory struct {
	Title       string     `json:"title"`
	Operations  int        `json:"operations"` // that the document consumes
	Description string     `json:"description"`
	Version     string     `json:"version"`
	Tags        []string   `json:"tags,omitempty"`
	Modified    string     `json:"modified,omitempty"`
	Consumes    []consumed `json:"consumes"`
	Exposes     []exposed  `json:"exposes"`
	Withheld    []withheld `json:"withheld"`
}

// consumed is an API.
type consumed struct {
	Namespace string `json:"namespace"`
	BaseURI   string `json:"baseUri"`
	Withheld  string `json:"withheld,omitempty"` // why it is
	SignIn    string `json:"signIn,omitempty"`   // where people sign in: whether this user is
}

// exposed is a server.
type exposed struct {
	Type      string `json:"type"`
	Namespace string `json:"namespace"`
	Port      int    `json:"port"`
	Transport string `json:"transport,omitempty"` // where it is not HTTP
	Units     []unit `json:"units"`
}

// unit is a route, a tool, a resource or a prompt.
type unit struct {
	Method      string  `json:"method,omitempty"`
	Path        string  `json:"path,omitempty"`
	Name        string  `json:"name,omitempty"`
	Tool        string  `json:"tool,omitempty"`
	Resource    string  `json:"resource,omitempty"`
	URI         string  `json:"uri,omitempty"`
	Prompt      string  `json:"prompt,omitempty"`
	Description string  `json:"description"`
	Hints       *hints  `json:"hints,omitempty"`
	Inputs      []input `json:"inputs,omitzero"`
}

// hints are those of a tool.
type hints struct {
	ReadOnly    *bool `json:"readOnly,omitempty"`
	Destructive *bool `json:"destructive,omitempty"`
	Idempotent  *bool `json:"idempotent,omitempty"`
	OpenWorld   *bool `json:"openWorld,omitempty"`
}

// withheld is what is not served.
type withheld struct {
	Kind string `json:"kind"`
	Name string `json:"name"`
}

func inspect(d *host.Document, s Streams) *inventory {
	info := d.Model.Info
	p := &inventory{Title: d.Model.Name(), Description: info.Description, Version: d.Model.Version.String(),
		Tags: info.Tags, Modified: info.Modified,
		Consumes: []consumed{}, Exposes: []exposed{}, Withheld: []withheld{}}
	for _, c := range d.Model.Consumes {
		for _, r := range c.Resources {
			p.Operations += len(r.Operations)
		}
	}
	for _, u := range d.Plan.Upstreams {
		c := consumed{Namespace: u.Namespace, BaseURI: u.URL, Withheld: u.Problem}
		for _, of := range d.Plan.Sessions {
			if of.Namespace == u.Namespace && of.ForPeople() {
				c.SignIn = s.signedIn(of)
			}
		}
		p.Consumes = append(p.Consumes, c)
	}
	for _, s := range d.Plan.Servers {
		e := exposed{Type: s.Type, Namespace: s.Namespace, Port: s.Model.Port, Units: []unit{}}
		if s.Model.Transport == "stdio" {
			e.Transport = s.Model.Transport
		}
		for _, r := range s.Routes {
			e.Units = append(e.Units, unit{Method: r.Method, Path: r.Path, Name: r.Unit.Name,
				Description: r.Unit.Description})
		}
		for _, t := range s.Tools {
			h := hints(t.Hints)
			e.Units = append(e.Units, unit{Tool: t.Name, Description: t.Description, Hints: &h,
				Inputs: callersInputs(t)})
		}
		for _, r := range s.Resources {
			e.Units = append(e.Units, unit{Resource: r.Name, URI: r.URI})
		}
		for _, p := range s.Prompts {
			e.Units = append(e.Units, unit{Prompt: p.Name})
		}
		p.Exposes = append(p.Exposes, e)
	}
	for _, w := range d.Plan.Withheld {
		p.Withheld = append(p.Withheld, withheld{w.Kind, w.Name})
	}
	return p
}

// callersInputs are the inputs of a unit that somebody gives.
func callersInputs(u *plan.Unit) []input {
	list := []input{}
	for _, in := range u.Inputs {
		if in.Place != plan.InPlan {
			list = append(list, inputOf(u, in))
		}
	}
	return list
}

func (p *inventory) text(b *bytes.Buffer) {
	fmt.Fprintf(b, "%s: %s\n", p.Title, count(p.Operations, "operation"))
	if p.Description != "" {
		fmt.Fprintf(b, "%s\n", strings.TrimSpace(p.Description))
	}
	fmt.Fprintf(b, "\nspecification %s", p.Version)
	if len(p.Tags) > 0 {
		fmt.Fprintf(b, ", tags %s", strings.Join(p.Tags, ", "))
	}
	if p.Modified != "" {
		fmt.Fprintf(b, ", modified %s", p.Modified)
	}
	b.WriteString("\n\nConsumes\n")
	for _, u := range p.Consumes {
		fmt.Fprintf(b, "  %-28s %s\n", u.Namespace, u.BaseURI)
		if u.Withheld != "" {
			fmt.Fprintf(b, "  %-28s withheld: %s\n", "", u.Withheld)
		}
		if u.SignIn != "" {
			fmt.Fprintf(b, "  %-28s people sign in; %s\n", "", u.SignIn)
		}
	}
	for _, s := range p.Exposes {
		fmt.Fprintf(b, "\n%s %s%s\n", strings.ToUpper(s.Type), s.Namespace, s.place())
		for _, u := range s.Units {
			u.text(b)
		}
	}
	if len(p.Withheld) > 0 {
		b.WriteString("\nWithheld (“fairlead check” says why)\n")
	}
	for _, w := range p.Withheld {
		fmt.Fprintf(b, "  %s %s\n", w.Kind, w.Name)
	}
}

// place says where a server is reached.
func (s *exposed) place() string {
	switch {
	case s.Transport != "":
		return ", on standard input and output"
	case s.Port == 0:
		return ", on a free port"
	default:
		return fmt.Sprintf(", port %d", s.Port)
	}
}

func (u *unit) text(b *bytes.Buffer) {
	switch {
	case u.Tool != "":
		fmt.Fprintf(b, "  %-28s %-40s %s\n", u.Tool, u.Description, u.Hints.words())
	case u.Resource != "":
		fmt.Fprintf(b, "  %-28s resource %s\n", u.Resource, u.URI)
	case u.Prompt != "":
		fmt.Fprintf(b, "  %-28s prompt\n", u.Prompt)
	default:
		fmt.Fprintf(b, "  %-7s %-44s %s\n", u.Method, u.Path, u.Description)
	}
}

// words are the hints that hold, in words.
func (h *hints) words() string {
	var words []string
	for _, hint := range []struct {
		is   *bool
		word string
	}{{h.ReadOnly, "read-only"}, {h.Destructive, "destructive"}, {h.Idempotent, "idempotent"}} {
		if hint.is != nil && *hint.is {
			words = append(words, hint.word)
		}
	}
	return strings.Join(words, ", ")
}
