package compile

import (
	"strconv"
	"strings"
)

// sizeUnits are those of a binary size, longest first.
var sizeUnits = []struct {
	suffix string
	bytes  float64
}{{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"B", 1}, {"", 1}}

// parseSize reads a number of bytes with an optional unit.
func parseSize(text string) (int64, bool) {
	for _, u := range sizeUnits {
		number, ok := strings.CutSuffix(strings.TrimSpace(text), u.suffix)
		if !ok {
			continue
		}
		n, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
		if err == nil && n >= 0 && n*u.bytes < 1<<62 {
			return int64(n * u.bytes), true
		}
		return 0, false
	}
	return 0, false
}
