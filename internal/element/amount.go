package element

import (
	"strconv"
	"strings"
	"time"

	"github.com/fairlead/fairlead/internal/value"
)

// Amount reads a text of the kinds Time, Rate and Share: as nanoseconds, as
// nanoseconds from one to the next, and as percent. want says how it is written;
// ok is false when it is not, or is of another kind.
func (k Kind) Amount(text string) (amount value.Value, want string, ok bool) {
	text = strings.TrimSpace(text)
	switch k {
	case Time:
		d, err := time.ParseDuration(text)
		return value.Int(int64(d)), "a time such as 500ms, 30s or 2m", err == nil && d > 0
	case Rate:
		count, per, _ := strings.Cut(text, "/")
		if per = strings.TrimSpace(per); per != "" && !strings.ContainsAny(per[:1], "0123456789") {
			per = "1" + per
		}
		n, err := strconv.ParseFloat(strings.TrimSpace(count), 64)
		d, bad := time.ParseDuration(per)
		ok = err == nil && bad == nil && n > 0 && d > 0 && float64(d)/n >= 1
		if ok {
			amount = value.Int(int64(float64(d) / n))
		}
		return amount, "a rate such as 10/s, 600/m or 100/15m", ok
	case Share:
		n, err := strconv.Atoi(strings.TrimSpace(strings.TrimSuffix(text, "%")))
		return value.Int(int64(n)), "a percentage such as 20%", err == nil && n > 0 && n <= 100
	}
	return value.Value{}, "", false
}
