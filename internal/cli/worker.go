package cli

import (
	"os"

	"github.com/spf13/cobra"

	"github.com/fairlead/fairlead/internal/script"
)

const workerName = "internal-worker"

// workerCommand is what the process of a script runs: this binary again.
func workerCommand(s Streams) *cobra.Command {
	return &cobra.Command{
		Use:    workerName,
		Short:  "Run scripts for another fairlead process",
		Hidden: true,
		Args:   cobra.NoArgs,
		RunE:   func(*cobra.Command, []string) error { return failed(script.Work(s.In, s.Out)) },
	}
}

// newScripts makes the pool of worker processes; none starts before a script runs.
func newScripts() *script.Pool {
	self, err := os.Executable()
	if err != nil {
		self = os.Args[0]
	}
	return script.NewPool(script.Config{Command: []string{self, workerName}})
}
