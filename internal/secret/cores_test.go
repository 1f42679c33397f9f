package secret

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestMasker_findsTheSameInLongTexts: where a secret stands in a long text, it is found
// as in a short one, and nothing else is.
func TestMasker_findsTheSameInLongTexts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var m Masker
		secrets := rapid.SliceOfN(rapid.StringMatching(`[a-f0-9]{4,12}`), 1, 8).Draw(t, "secrets")
		for _, one := range secrets {
			m.Add(one)
		}
		fill := rapid.StringMatching(`[g-z "{}:,=]{0,40}`).Draw(t, "fill")
		padding := strings.Repeat(fill+" ", 1+longText/(len(fill)+1))
		at := rapid.IntRange(0, len(padding)).Draw(t, "at")
		if got := m.Mask(padding); got != padding {
			t.Fatalf("something is found in %q", padding)
		}
		one := rapid.SampledFrom(secrets).Draw(t, "one")
		if got := m.Mask(padding[:at] + one + padding[at:]); strings.Contains(got, one) || !strings.Contains(got, Mask) {
			t.Fatalf("%s stands in %q", one, got)
		}
	})
}
