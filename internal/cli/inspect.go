package cli

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/fairlead/fairlead/internal/host"
	"github.com/fairlead/fairlead/internal/model"
	"github.com/fairlead/fairlead/internal/plan"
	"github.com/fairlead/fairlead/internal/value"
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
operations with method and path, MCP tools with their hints, and what is withheld.`,
		Example: `  fairlead inspect capability.yaml
  fairlead inspect -o json capability.yaml`,
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: completeDocument,
		RunE: func(_ *cobra.Command, args []string) error {
			path := optional(args)
			d, err := l.usable(path, s)
			if err != nil {
				return err
			}
			if out == "json" {
				_, err = fmt.Fprintln(s.Out, describe(d).Indent())
				return failed(err)
			}
			_, err = s.Out.Write(page(d))
			return failed(err)
		},
	}
	l.flags(cmd)
	out.flag(cmd, "text", "json")
	return cmd
}

// page describes a document for people.
func page(d *host.Document) []byte {
	var b bytes.Buffer
	info := d.Model.Info
	operations := 0
	for _, c := range d.Model.Consumes {
		for _, r := range c.Resources {
			operations += len(r.Operations)
		}
	}
	fmt.Fprintf(&b, "%s: %s\n", d.Model.Name(), count(operations, "operation"))
	if info.Description != "" {
		fmt.Fprintf(&b, "%s\n", strings.TrimSpace(info.Description))
	}
	fmt.Fprintf(&b, "\nspecification %s", d.Model.Version)
	if len(info.Tags) > 0 {
		fmt.Fprintf(&b, ", tags %s", strings.Join(info.Tags, ", "))
	}
	if info.Modified != "" {
		fmt.Fprintf(&b, ", modified %s", info.Modified)
	}
	b.WriteString("\n\nConsumes\n")
	for _, u := range d.Plan.Upstreams {
		fmt.Fprintf(&b, "  %-28s %s\n", u.Namespace, u.URL)
		if u.Problem != "" {
			fmt.Fprintf(&b, "  %-28s withheld: %s\n", "", u.Problem)
		}
	}
	for _, s := range d.Plan.Servers {
		fmt.Fprintf(&b, "\n%s %s%s\n", strings.ToUpper(s.Type), s.Namespace, port(s.Model))
		for _, r := range s.Routes {
			fmt.Fprintf(&b, "  %-7s %-44s %s\n", r.Method, r.Path, r.Unit.Description)
		}
		for _, t := range s.Tools {
			fmt.Fprintf(&b, "  %-28s %-40s %s\n", t.Name, t.Description, hintWords(t.Hints))
		}
		for _, r := range s.Resources {
			fmt.Fprintf(&b, "  %-28s resource %s\n", r.Name, r.URI)
		}
		for _, p := range s.Prompts {
			fmt.Fprintf(&b, "  %-28s prompt\n", p.Name)
		}
	}
	if len(d.Plan.Withheld) > 0 {
		b.WriteString("\nWithheld (“fairlead check” says why)\n")
		for _, w := range d.Plan.Withheld {
			fmt.Fprintf(&b, "  %s %s\n", w.Kind, w.Name)
		}
	}
	return b.Bytes()
}

func port(e *model.Expose) string {
	switch {
	case e.Transport == "stdio":
		return ", on standard input and output"
	case e.Port == 0:
		return ", on a free port"
	default:
		return fmt.Sprintf(", port %d", e.Port)
	}
}

// hintWords are the hints that hold, in words.
func hintWords(h model.Hints) string {
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

// describe is what page says, as data.
func describe(d *host.Document) value.Value {
	member := func(name string, v value.Value) value.Member { return value.Member{Name: name, Value: v} }
	text := func(name, s string) value.Member { return member(name, value.Of(s)) }
	consumes, exposes, withheld := value.List(), value.List(), value.List()
	for _, u := range d.Plan.Upstreams {
		c := value.Map(text("namespace", u.Namespace), text("baseUri", u.URL))
		if u.Problem != "" {
			c.Set("withheld", value.Of(u.Problem))
		}
		consumes.Append(c)
	}
	for _, s := range d.Plan.Servers {
		list := value.List()
		for _, r := range s.Routes {
			list.Append(value.Map(text("method", r.Method), text("path", r.Path), text("name", r.Unit.Name), text("description", r.Unit.Description)))
		}
		for _, t := range s.Tools {
			list.Append(value.Map(text("tool", t.Name), text("description", t.Description), member("hints", hintObject(t.Hints)), member("inputs", inputList(t))))
		}
		for _, r := range s.Resources {
			list.Append(value.Map(text("resource", r.Name), text("uri", r.URI)))
		}
		for _, p := range s.Prompts {
			list.Append(value.Map(text("prompt", p.Name)))
		}
		exposes.Append(value.Map(text("type", s.Type), text("namespace", s.Namespace), member("port", value.Int(int64(s.Model.Port))), member("units", list)))
	}
	for _, w := range d.Plan.Withheld {
		withheld.Append(value.Map(text("kind", w.Kind), text("name", w.Name)))
	}
	return value.Map(text("title", d.Model.Name()), text("description", d.Model.Info.Description), text("version", d.Model.Version.String()),
		member("consumes", consumes), member("exposes", exposes), member("withheld", withheld))
}

func hintObject(h model.Hints) value.Value {
	object := value.Map()
	for _, hint := range []struct {
		name string
		is   *bool
	}{{"readOnly", h.ReadOnly}, {"destructive", h.Destructive}, {"idempotent", h.Idempotent}, {"openWorld", h.OpenWorld}} {
		if hint.is != nil {
			object.Add(hint.name, value.Boolean(*hint.is))
		}
	}
	return object
}

func inputList(u *plan.Unit) value.Value {
	list := value.List()
	for _, in := range u.Inputs {
		if in.Place == plan.InPlan {
			continue
		}
		list.Append(value.Map(value.Member{Name: "name", Value: value.Of(in.Name)}, value.Member{Name: "in", Value: value.Of(in.Place.String())},
			value.Member{Name: "type", Value: value.Of(in.Schema.Type)}, value.Member{Name: "required", Value: value.Boolean(in.Required)},
			value.Member{Name: "feeds", Value: value.Of(in.Feeds)}, value.Member{Name: "origin", Value: value.Of(in.Origin)}))
	}
	return list
}
