package script

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/go-json-experiment/json"
)

// Between the pool and a worker go frames: four bytes with the length, most
// significant first, then that many bytes. The pool begins with a hello. A run
// is then a task and its context, answered by a reply and its result; context
// and result are plain JSON texts, an empty result is none.
type (
	hello struct {
		Memory int64 `json:"memory"`
	}
	task struct {
		Compile    bool     `json:"compile,omitempty"` // and do not run
		Language   string   `json:"language"`
		Sources    []string `json:"sources"`
		Statements int      `json:"statements"`
		Output     int      `json:"output"`
	}
	reply struct {
		Refused *SyntaxError `json:"refused,omitempty"`
		Failed  *ScriptError `json:"failed,omitempty"`
	}
)

// errFrame reports that the other side does not keep to this.
var errFrame = errors.New("malformed frame")

// smallFrame is the most that a hello or a reply may have.
const smallFrame = 64 << 10

// appendFrame appends a frame with payload to dst.
func appendFrame(dst, payload []byte) ([]byte, error) {
	if uint64(len(payload)) > 1<<32-1 {
		return dst, fmt.Errorf("write frame: %d bytes are too many", len(payload))
	}
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(payload)))
	return append(dst, payload...), nil
}

// appendMessage appends a frame with v as JSON to dst.
func appendMessage(dst []byte, v any) ([]byte, error) {
	payload, err := json.Marshal(v)
	if err != nil {
		return dst, fmt.Errorf("write frame: %w", err)
	}
	return appendFrame(dst, payload)
}

// readFrame reads one frame of at most limit bytes; io.EOF only at its start.
func readFrame(r *bufio.Reader, limit int64) ([]byte, error) {
	var head [4]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, err
	}
	n := int64(binary.BigEndian.Uint32(head[:]))
	if n > limit {
		return nil, fmt.Errorf("%w: %d bytes are more than %d", errFrame, n, limit)
	}
	payload := bytes.NewBuffer(make([]byte, 0, min(n, 1<<20))) // the length may be a lie
	if _, err := io.CopyN(payload, r, n); err != nil {
		return nil, fmt.Errorf("read frame: %w", noEOF(err))
	}
	return payload.Bytes(), nil
}

// readMessage reads a frame into v.
func readMessage(r *bufio.Reader, limit int64, v any) error {
	payload, err := readFrame(r, limit)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(payload, v); err != nil {
		return fmt.Errorf("%w: %w", errFrame, err)
	}
	return nil
}

// noEOF makes the end of input in the middle of something an error of its own.
func noEOF(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
