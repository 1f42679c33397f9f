package cli

import (
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/fairlead/fairlead/capabilities"
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
func (l *loading) completeUnit(_ *cobra.Command, args []string, typed string) (found []cobra.Completion, _ cobra.ShellCompDirective) {
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
			found = append(found, cobra.CompletionWithDesc(u.Name, u.Description))
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
	_ = cmd.RegisterFlagCompletionFunc(name, cobra.FixedCompletions(kinds, cobra.ShellCompDirectiveNoFileComp)) // the flag is there
}
