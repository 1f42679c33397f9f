package cli

import (
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/fairlead/fairlead/capabilities"
	"github.com/fairlead/fairlead/internal/compile"
	"github.com/fairlead/fairlead/internal/host"
	"github.com/fairlead/fairlead/internal/plan"
)

// documentFiles are the endings of files that documents may be.
var documentFiles = []cobra.Completion{"yaml", "yml", "json"}

// completeDocuments offers files for every argument.
func completeDocuments(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	return documentFiles, cobra.ShellCompDirectiveFilterFileExt
}

// completeDocument offers a file for the first argument, and nothing else.
func completeDocument(_ *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return documentFiles, cobra.ShellCompDirectiveFilterFileExt
}

// completeUnit offers a file, then its units, then the inputs of the unit.
func (l *loading) completeUnit(_ *cobra.Command, args []string, typed string) (found []cobra.Completion,
	_ cobra.ShellCompDirective) {
	if len(args) == 0 {
		if strings.HasPrefix(capabilities.Default, typed) && typed != "" {
			return []cobra.Completion{capabilities.Default}, cobra.ShellCompDirectiveDefault
		}
		return documentFiles, cobra.ShellCompDirectiveFilterFileExt
	}
	d, err := l.load(args[0], Streams{In: strings.NewReader(""), Out: io.Discard, Err: io.Discard})
	if err != nil || d.Plan == nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	if len(args) == 1 {
		for _, u := range d.Plan.Units() {
			name := u.Name
			if meant, err := findUnit(d, name); err != nil || meant != u {
				name = u.ID // another unit has the name
			}
			found = append(found, cobra.CompletionWithDesc(name, u.Description))
		}
		slices.Sort(found)
		return slices.Compact(found), cobra.ShellCompDirectiveNoFileComp
	}
	u, err := findUnit(d, args[1])
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	for _, in := range u.Inputs {
		given := slices.ContainsFunc(args[2:], func(word string) bool { return strings.HasPrefix(word, in.Name+"=") })
		if in.Place != plan.InPlan && !given {
			found = append(found, cobra.CompletionWithDesc(in.Name+"=", in.Schema.Description))
		}
	}
	return found, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
}

// choose adds a flag with a closed set of values, which completion offers. Without
// a value it has the first.
func choose(cmd *cobra.Command, value *string, name, short, usage string, kinds ...string) {
	if *value == "" {
		*value = kinds[0]
	}
	cmd.Flags().VarP(&choice{value, kinds}, name, short, usage)
	// the flag is there
	_ = cmd.RegisterFlagCompletionFunc(name, cobra.FixedCompletions(kinds, cobra.ShellCompDirectiveNoFileComp))
}

// consumedNames and offeredNames are the namespaces that flags name: of the APIs that
// documents consume, and of their MCP servers.
func consumedNames(d *host.Document) (names []string) {
	for _, u := range d.Plan.Upstreams {
		names = append(names, u.Namespace)
	}
	return names
}

func offeredNames(d *host.Document) (names []string) {
	for _, s := range d.Plan.Servers {
		if s.Type == "mcp" {
			names = append(names, s.Namespace)
		}
	}
	return names
}

// completeNames offers what names finds in the documents that are typed already,
// with the text that stands behind a name.
func (l *loading) completeNames(names func(*host.Document) []string, behind string) cobra.CompletionFunc {
	return func(_ *cobra.Command, args []string, _ string) (found []cobra.Completion, does cobra.ShellCompDirective) {
		if does = cobra.ShellCompDirectiveNoFileComp; behind != "" {
			does |= cobra.ShellCompDirectiveNoSpace
		}
		files := []host.Found{{}} // the built-in document
		if len(args) > 0 {
			files, _ = host.Expand(args) // none when one cannot be read
		}
		for _, f := range files {
			src, err := host.Read(f.Path, host.ReadOptions{NoOverlay: l.noOverlay, Stdin: strings.NewReader("")})
			if err != nil {
				continue
			}
			if d := host.Compile(src, compile.Options{}); d.Plan != nil {
				for _, name := range names(d) {
					found = append(found, name+behind)
				}
			}
		}
		slices.Sort(found)
		return slices.Compact(found), does
	}
}
