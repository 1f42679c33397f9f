package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/fairlead/fairlead/internal/element"
)

func schemaCommand(s Streams) *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON Schema of documents, for editors",
		Long: `Schema prints the JSON Schema (2020-12) of capability documents of all versions.
Editors complete keys and show their documentation by it. It is as tolerant as
Fairlead: what it does not know is fine. “check” finds more. An editor finds it
by a line at the top of a document, which “fairlead new” writes:

  # yaml-language-server: $schema=capability.schema.json`,
		Example: `  fairlead schema > capability.schema.json`,
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintln(s.Out, element.Schema().Indent())
			return failed(err)
		},
	}
}
