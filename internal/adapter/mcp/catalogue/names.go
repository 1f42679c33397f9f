package catalogue

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"
)

// maxName is the longest name that every client accepts.
const maxName = 64

// naming is what a name is for.
type naming uint8

const (
	ofTool     naming = iota // begins with a letter or _, which one vendor's models demand
	ofArgument               // may have dots
)

// safeNames makes names that every client accepts, one for each of names: letters,
// digits, _ and -, and . in those of arguments, 1 to 64 of them, no two alike. A name
// that is fine already stays as it is; what others become depends on their text and
// order only.
func safeNames(names []string, of naming) []string {
	safe := make([]string, len(names))
	taken := map[string]bool{}
	for i, name := range names {
		if s := sanitize(name, of); s == name && !taken[name] && name != "" {
			safe[i], taken[name] = name, true
		}
	}
	for i, name := range names {
		if safe[i] != "" {
			continue
		}
		base := sanitize(name, of)
		if base == "" {
			base = [...]string{ofTool: "tool", ofArgument: "arg"}[of]
		}
		try := base
		for n := 2; taken[try]; n++ {
			suffix := "_" + strconv.Itoa(n)
			try = base[:min(len(base), maxName-len(suffix))] + suffix
		}
		safe[i], taken[try] = try, true
	}
	return safe
}

// sanitize makes _ of each run of characters that not everybody accepts, and
// the end of a long name a hash of it. Before a tool's name that begins with a digit
// it puts _; dashes there it leaves out.
func sanitize(name string, of naming) string {
	var b strings.Builder
	gap := false
	for _, c := range name {
		first, digit := of == ofTool && b.Len() == 0, c >= '0' && c <= '9'
		switch {
		case first && c == '-':
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', digit, c == '_', c == '-', c == '.' && of == ofArgument:
			if first && digit || gap && b.Len() > 0 {
				b.WriteByte('_')
			}
			b.WriteRune(c)
			gap = false
		default:
			gap = true
		}
	}
	if b.Len() <= maxName {
		return b.String()
	}
	sum := sha256.Sum256([]byte(name))
	return b.String()[:maxName-9] + "_" + hex.EncodeToString(sum[:4])
}
