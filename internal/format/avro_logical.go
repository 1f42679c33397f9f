package format

import (
	"fmt"
	"math/big"
	"strings"
	"time"

	"github.com/twmb/avro"

	"github.com/fairlead/fairlead/internal/value"
)

const (
	dateLayout  = "2006-01-02"
	timeLayout  = "15:04:05.999999999"
	localLayout = dateLayout + "T" + timeLayout
	// maxDecimal is how many bytes the digits of a decimal may take.
	maxDecimal = 1024
)

// logicalLong gives an int or long the form people write its logical type in:
// RFC 3339 dates, times and instants. What lies outside it, and an unknown
// logical type, stays a number.
func logicalLong(t *avroType, n int64) value.Value {
	var at time.Time
	layout := time.RFC3339Nano
	switch t.logical {
	case "date":
		at, layout = time.Unix(0, 0).AddDate(0, 0, int(min(max(n, -1e6), 4e6))), dateLayout
	case "time-millis":
		return timeOfDay(n, time.Millisecond)
	case "time-micros":
		return timeOfDay(n, time.Microsecond)
	case "timestamp-millis":
		at = time.UnixMilli(n)
	case "timestamp-micros":
		at = time.UnixMicro(n)
	case "timestamp-nanos":
		at = time.Unix(0, n)
	case "local-timestamp-millis":
		at, layout = time.UnixMilli(n), localLayout
	case "local-timestamp-micros":
		at, layout = time.UnixMicro(n), localLayout
	case "local-timestamp-nanos":
		at, layout = time.Unix(0, n), localLayout
	default:
		return value.Int(n)
	}
	if at = at.UTC(); at.Year() < 0 || at.Year() > 9999 {
		return value.Int(n)
	}
	return value.Of(at.Format(layout))
}

func timeOfDay(n int64, unit time.Duration) value.Value {
	if n < 0 || n >= int64(24*time.Hour/unit) {
		return value.Int(n)
	}
	return value.Of(time.Unix(0, 0).UTC().Add(time.Duration(n) * unit).Format(timeLayout))
}

// logicalBytes is a decimal as a number with all its decimals, a UUID or a
// duration (ISO 8601) as its text, anything else as base64.
func (r *avroReader) logicalBytes(t *avroType, b []byte) (value.Value, error) {
	switch {
	case t.logical == "decimal":
		if len(b) > maxDecimal {
			return value.Value{}, r.fail("a decimal has too many digits")
		}
		return value.Num(decimal(b, t.scale)), nil
	case t.logical == "uuid" && len(b) == 16:
		return value.Of(fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])), nil
	case t.logical == "duration" && len(b) == 12:
		return value.Of(avro.DurationFromBytes(b).String()), nil
	}
	return base64Value(b), nil
}

// decimal writes a big-endian two's complement integer of 10^-scale units.
func decimal(b []byte, scale int) string {
	n := new(big.Int).SetBytes(b)
	if len(b) > 0 && b[0] >= 0x80 {
		n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(8*len(b))))
	}
	if scale == 0 {
		return n.String()
	}
	sign := ""
	if n.Sign() < 0 {
		sign = "-"
	}
	digits := n.Abs(n).String()
	if missing := scale + 1 - len(digits); missing > 0 {
		digits = strings.Repeat("0", missing) + digits
	}
	point := len(digits) - scale
	return sign + digits[:point] + "." + digits[point:]
}
