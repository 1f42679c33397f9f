package cli

import (
	_ "embed"
	"fmt"

	"github.com/spf13/cobra"
)

// first is the document that “fairlead new” writes.
//
//go:embed first.yaml
var first []byte

func newCommand(s Streams) *cobra.Command {
	return &cobra.Command{
		Use:   "new [FILE]",
		Short: "Write a first document, with comments, that serves at once",
		Long: `New writes a small document with comments: an API that it consumes, and the REST
and MCP servers that it exposes. It serves at once; change it from there.
Without FILE it is capability.yaml. A file that exists is left alone.`,
		Example: `  fairlead new
  fairlead new weather.yaml && fairlead serve weather.yaml`,
		Args: single,
		RunE: func(_ *cobra.Command, args []string) error {
			name := optional(args)
			if name == "" {
				name = "capability.yaml"
			}
			if err := writeNew(name, first); err != nil {
				return failed(err)
			}
			fmt.Fprintf(s.Err, "%s is written. Next:\n  fairlead check %[1]s     # what would not work, and why\n  fairlead explain %[1]s   # what it offers\n  fairlead serve %[1]s     # REST and MCP, until Ctrl-C\n", name)
			return nil
		},
	}
}
