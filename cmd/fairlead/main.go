// Fairlead runs capability documents.
package main

import (
	"os"

	"github.com/fairlead/fairlead/internal/cli"
)

func main() {
	os.Exit(cli.Main(os.Args[1:], cli.Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}))
}
