package format

import (
	"slices"

	"github.com/fairlead/fairlead/internal/budget"
)

// writeFunc writes as JSON text what a decodeFunc makes of a body.
type writeFunc func(body []byte, left *allowance, out *jsonText) error

// jsonText is JSON text on its way.
type jsonText struct {
	text  []byte
	meter *budget.Meter
	held  int64 // of the capacity of text
	limit int64 // of its length
}

func (t *jsonText) reset() { t.text = t.text[:0] }

// reserve makes room when there is little: as much as the whole body will need, if it
// goes on as it did in its first read bytes. Growing little by little would leave
// several times the text behind as garbage.
func (t *jsonText) reserve(read, body int64) { t.text = roomFor(t.text, read, body, t.limit) }

func roomFor(text []byte, read, body, limit int64) []byte {
	if cap(text)-len(text) >= little {
		return text
	}
	whole := float64(len(text)) * float64(body) / float64(max(read, 1))
	return slices.Grow(text, max(int(min(whole*1.05, float64(limit)))-len(text), len(text)/4)+2*little)
}

// little is the room for a row, in bytes; a larger one makes it itself.
const little = 4 << 10

// grown takes the memory that text has grown by.
func (t *jsonText) grown() error {
	if int64(len(t.text)) > t.limit {
		return budget.ErrTooLong
	}
	if size := int64(cap(t.text)); size > t.held {
		if !t.meter.Hold(size - t.held) {
			return t.meter.Err()
		}
		t.held = size
	}
	return nil
}
