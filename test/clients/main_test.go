// Package clients tests Fairlead with other people's programs: MCP clients from
// npm, the Go SDK's client, curl, and the official conformance suite. README.md
// says how to install them.
package clients

import (
	"os"
	"testing"

	"github.com/fairlead/fairlead/test/harness"
)

func TestMain(m *testing.M) { os.Exit(harness.Main(m)) }
