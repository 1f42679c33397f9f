package budget

import (
	"errors"
	"io"
	"slices"
)

// FirstRead is what is held for a body before any of it has come, in bytes: who
// announces much has not sent it yet.
const FirstRead = 64 << 10

// ErrTooLong is that of a body of more bytes than its limit.
var ErrTooLong = errors.New("read body: larger than the limit")

// ReadAll appends what r has to buf: at most limit bytes, more are ErrTooLong.
// length is how many they will be, -1 when nobody knows. m holds what buf grows
// by. Of any error what had come is returned, too.
func ReadAll(m *Meter, buf []byte, r io.Reader, length, limit int64) ([]byte, error) {
	if length > limit {
		return buf, ErrTooLong
	}
	start := len(buf)
	held := min(length, FirstRead) + 1
	if length < 0 {
		held = 512
	}
	if !m.Hold(held) {
		return buf, m.Err()
	}
	buf = slices.Grow(buf, int(held))
	for {
		n, err := r.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		switch {
		case int64(len(buf)-start) > limit:
			return buf, ErrTooLong
		case err == io.EOF:
			return buf, nil
		case err != nil:
			return buf, err
		case len(buf) < cap(buf):
			continue
		}
		more := int64(len(buf))
		if rest := length - int64(len(buf)-start); rest > 0 {
			more = min(3*more, rest+1) // it was announced, and much of it has come
		}
		if !m.Hold(int64(len(buf)) + more) {
			return buf, m.Err()
		}
		m.Free(held) // which is copied
		held = int64(len(buf)) + more
		buf = slices.Grow(buf, int(more))
	}
}
