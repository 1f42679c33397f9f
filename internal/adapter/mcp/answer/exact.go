package answer

import (
	"bytes"
	"strconv"
	"strings"

	"github.com/fairlead/fairlead/internal/value"
)

// Programs in JavaScript read every number as a float64 and hand on what that
// prints: 9007199254740993 becomes 9007199254740992, 1e400 null.

// maxExact is the largest integer up to which float64 has all of them.
const maxExact = 1<<53 - 1

// surelyExact is how many characters a number without exponent may have that
// float64 always keeps.
const surelyExact = 15

// rounds reports whether valid JSON has a number that a float64 does not keep.
func rounds(text []byte) bool {
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '"':
			i++
			for text[i] != '"' {
				if text[i] == '\\' {
					i++
				}
				i++
			}
		case c >= '0' && c <= '9':
			start := i
			for i++; i < len(text) && isNumeric(text[i]); i++ {
			}
			if !keeps(text[start:i]) {
				return true
			}
			i--
		}
	}
	return false
}

// isNumeric reports whether a character stands in numbers.
func isNumeric(c byte) bool {
	return c >= '0' && c <= '9' || c == '.' || c == 'e' || c == 'E' || c == '+' || c == '-'
}

// isExact reports whether all numbers of v are what a float64 keeps.
func isExact(v value.Value) bool {
	switch v.Kind() {
	case value.Number:
		return keeps([]byte(v.Text()))
	case value.Array, value.Object:
		for i := range v.Len() {
			if !isExact(v.At(i)) {
				return false
			}
		}
	}
	return true
}

// keeps reports whether the float64 nearest to a number is printed with its value.
func keeps(number []byte) bool {
	exponent := bytes.ContainsAny(number, "eE")
	if len(number) <= surelyExact && !exponent {
		return true
	}
	text := strings.TrimPrefix(string(number), "-")
	if !exponent && !strings.Contains(text, ".") {
		n, err := strconv.ParseInt(text, 10, 64)
		return err == nil && n <= maxExact
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return false
	}
	digits, point, ok := decimal(text)
	printed, at, _ := decimal(strconv.FormatFloat(f, 'e', -1, 64))
	return ok && digits == printed && (point == at || digits == "")
}

// decimal is a number as its significant digits and where the point stands before
// the first of them; not ok when the exponent is out of all bounds.
func decimal(text string) (digits string, point int, ok bool) {
	mantissa, exponent, _ := strings.Cut(strings.ToLower(text), "e")
	if exponent != "" {
		var err error
		if point, err = strconv.Atoi(exponent); err != nil {
			return "", 0, false
		}
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	digits = strings.TrimLeft(whole+fraction, "0")
	point += len(whole) - (len(whole) + len(fraction) - len(digits))
	return strings.TrimRight(digits, "0"), point, true
}
