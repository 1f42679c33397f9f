package wire

import (
	"bytes"
	"strconv"
	"strings"
)

// WithoutMark is text without a byte order mark, which some programs put before
// everything they write.
func WithoutMark(text []byte) []byte { return bytes.TrimPrefix(text, []byte("\xEF\xBB\xBF")) }

// Quote quotes what a caller sent, without repeating much of it.
func Quote(s string) string {
	if len(s) > 100 {
		s = strings.ToValidUTF8(s[:100], "") + "…"
	}
	return `"` + s + `"`
}

// Shorten shortens text to about max bytes, at the end of a character.
func Shorten(text string, max int) string {
	if len(text) <= max {
		return strings.ToValidUTF8(text, "\uFFFD")
	}
	return strings.ToValidUTF8(text[:max], "") + "… (" + strconv.Itoa(len(text)) + " bytes in all)"
}
