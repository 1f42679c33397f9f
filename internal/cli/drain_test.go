package cli

import (
	"testing"
	"time"

	"github.com/fairlead/fairlead/internal/upstream"
)

// TestDrain_lastsAsLongAsACall: semantics 6.5.
func TestDrain_lastsAsLongAsACall(t *testing.T) {
	for call, want := range map[time.Duration]time.Duration{0: 65 * time.Second, 5 * time.Minute: 5*time.Minute +
		5*time.Second} {
		if got := drain(upstream.Limits{Call: call}); got != want {
			t.Errorf("with --call-timeout %s: %s, want %s", call, got, want)
		}
	}
}
