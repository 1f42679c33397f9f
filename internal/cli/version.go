package cli

import (
	"fmt"
	"runtime"

	"github.com/spf13/cobra"
)

func versionCommand(s Streams) *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Print the version",
		Long:    "Version prints the version of Fairlead and of Go, and the system of both.",
		Example: "  fairlead version",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintf(s.Out, "fairlead %s (%s, %s/%s)\n", Version(), runtime.Version(), runtime.GOOS,
				runtime.GOARCH)
			return failed(err)
		},
	}
}
