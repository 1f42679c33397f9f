package oauth_test

import (
	"os"
	"testing"

	"github.com/fairlead/fairlead/internal/testkit/leak"
)

func TestMain(m *testing.M) { os.Exit(leak.Main(m)) }
