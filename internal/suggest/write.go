package suggest

import (
	"fmt"
	"strings"
	"unicode"

	"github.com/fairlead/fairlead/internal/value"
)

// list is places as YAML: one alone, or a list. Mappings are YAML already.
func list(places []string) string {
	written := make([]string, len(places))
	for i, place := range places {
		if written[i] = place; place[0] != '{' {
			written[i] = flow(place)
		}
	}
	if len(written) == 1 {
		return written[0]
	}
	return "[" + strings.Join(written, ", ") + "]"
}

// oneLine is a text for a comment: a name of the document ends no line of the overlay.
func oneLine(s string) string {
	return strings.Map(func(c rune) rune {
		if !unicode.IsPrint(c) {
			return ' '
		}
		return c
	}, s)
}

// text is a string as a YAML scalar of a block, flow one within brackets.
func text(s string) string { return scalar(s, "") }
func flow(s string) string { return scalar(s, ",[]{}") }

// scalar writes a string plainly where YAML reads that as the same string, else as JSON.
func scalar(s, special string) string {
	odd := func(c rune) bool { return !unicode.IsPrint(c) || strings.ContainsRune(special+"\\\"", c) }
	if s == "" || strings.ContainsAny(s[:1], "-?:,[]{}#&*!|<>'\"%@`= ") || strings.HasSuffix(s, " ") ||
		strings.Contains(s, ": ") || strings.HasSuffix(s, ":") || strings.Contains(s, " #") ||
		strings.ContainsFunc(s, odd) || isWordOfYAML(s) {
		return quotedText(s)
	}
	return s
}

// quotedText is a string as JSON writes it, and what YAML takes for a line end escaped.
func quotedText(s string) string {
	var b strings.Builder
	for _, c := range string(value.AppendString(nil, s)) {
		if unicode.IsPrint(c) {
			b.WriteRune(c)
		} else {
			fmt.Fprintf(&b, `\U%08x`, c)
		}
	}
	return b.String()
}

// isWordOfYAML reports whether YAML reads a plain text as something else than a string.
func isWordOfYAML(s string) bool {
	switch strings.ToLower(s) {
	case "true", "false", "yes", "no", "on", "off", "null", "~", "y", "n":
		return true
	}
	return strings.Trim(s, "0123456789.+-eExXoO_") == ""
}
