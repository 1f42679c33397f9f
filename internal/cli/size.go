package cli

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/fairlead/fairlead/internal/budget"
)

// size is a flag for a number of bytes: 10MiB, 512KiB, or a plain number.
type size struct{ bytes *int64 }

func (s size) Type() string { return "SIZE" }

func (s size) String() string {
	if s.bytes == nil || *s.bytes == 0 {
		return ""
	}
	return strings.ReplaceAll(budget.SizeText(*s.bytes), " ", "")
}

func (s size) Set(text string) error {
	number, scale := strings.TrimSuffix(text, "B"), int64(1)
	for _, u := range budget.Units() {
		letter := strings.ToLower(u.Name[:1])
		for _, suffix := range []string{u.Name, strings.ToLower(u.Name), u.Name[:1], letter} {
			if head, ok := strings.CutSuffix(text, suffix); ok && scale == 1 {
				number, scale = head, u.Bytes
			}
		}
	}
	n, err := strconv.ParseInt(strings.TrimSpace(number), 10, 64)
	if err != nil || n <= 0 || n > math.MaxInt64/scale {
		return fmt.Errorf("want a size such as 2GiB, 64MiB, 512KiB or a number of bytes")
	}
	*s.bytes = n * scale
	return nil
}
