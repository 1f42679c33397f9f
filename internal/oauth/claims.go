package oauth

import (
	"math"
	"strings"
	"time"

	"github.com/fairlead/fairlead/internal/value"
)

// Leeway is how far the clock of an authorization server may be off.
const Leeway = time.Minute

// NumericDate reads a time of RFC 7519 section 2. It is not ok when there is
// something else.
func NumericDate(v value.Value) (at time.Time, present, ok bool) {
	if v.IsAbsent() {
		return time.Time{}, false, true
	}
	seconds, ok := v.Float64()
	const maximum = 1 << 38 // the year 10680
	if !ok || math.IsNaN(seconds) || seconds < 0 {
		return time.Time{}, true, false
	}
	return time.Unix(int64(min(seconds, maximum)), 0), true, true
}

// Texts returns the strings of an array, or the one that v is.
func Texts(v value.Value) (list []string) {
	if v.Kind() == value.String {
		return []string{v.Text()}
	}
	if v.Kind() != value.Array {
		return nil
	}
	for i := range v.Len() {
		if item := v.At(i); item.Kind() == value.String {
			list = append(list, item.Text())
		}
	}
	return list
}

// Text is the text of a string, "" for anything else.
func Text(v value.Value) string {
	if v.Kind() != value.String {
		return ""
	}
	return v.Text()
}

// IsScope reports whether text is a scope-token of RFC 6749 section 3.3.
func IsScope(text string) bool {
	return text != "" && !strings.ContainsFunc(text,
		func(r rune) bool { return r <= ' ' || r > '~' || r == '"' || r == '\\' })
}
