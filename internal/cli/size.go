package cli

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// units are what a number of bytes may be given and told in, largest first.
var units = []struct {
	name  string
	bytes int64
}{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}}

// size is a flag for a number of bytes: 10MiB, 512KiB, or a plain number.
type size struct{ bytes *int64 }

func (s size) Type() string { return "size" }

func (s size) String() string {
	if s.bytes == nil || *s.bytes == 0 {
		return ""
	}
	return strings.ReplaceAll(bytesText(*s.bytes), " ", "")
}

func (s size) Set(text string) error {
	number, scale := strings.TrimSuffix(text, "B"), int64(1)
	for _, u := range units {
		letter := strings.ToLower(u.name[:1])
		for _, suffix := range []string{u.name, strings.ToLower(u.name), u.name[:1], letter} {
			if head, ok := strings.CutSuffix(text, suffix); ok && scale == 1 {
				number, scale = head, u.bytes
			}
		}
	}
	n, err := strconv.ParseInt(strings.TrimSpace(number), 10, 64)
	if err != nil || n <= 0 || n > math.MaxInt64/scale {
		return fmt.Errorf("want a size such as 64MiB, 512KiB or a number of bytes")
	}
	*s.bytes = n * scale
	return nil
}

// bytesText tells a number of bytes in the largest unit that gives a whole number.
func bytesText(n int64) string {
	for _, u := range units {
		if n >= u.bytes && n%u.bytes == 0 {
			return fmt.Sprintf("%d %s", n/u.bytes, u.name)
		}
	}
	return fmt.Sprintf("%d bytes", n)
}
