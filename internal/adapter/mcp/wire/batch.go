package wire

import (
	"bytes"
	"sync"
	"sync/atomic"

	"github.com/go-json-experiment/json/jsontext"
)

// maxBatch is the most messages of a batch.
const maxBatch = 100

// Batch runs serve on every message of the array body, a few at a time, and
// returns the array of their answers in order; nil when there are none.
func Batch(body []byte, serve func(message []byte) (answer []byte)) ([]byte, *Error) {
	var source []jsontext.Value
	dec := jsontext.NewDecoder(bytes.NewBuffer(body), readOptions...)
	_, err := dec.ReadToken()
	for err == nil && dec.PeekKind() != ']' {
		var v jsontext.Value
		if v, err = dec.ReadValue(); err == nil {
			source = append(source, v.Clone())
		}
	}
	if err == nil {
		_, err = dec.ReadToken()
	}
	switch {
	case err != nil || len(bytes.TrimSpace(body[dec.InputOffset():])) > 0:
		return nil, &Error{Code: CodeParse, Message: "Parse error: the body is not one JSON value in UTF-8"}
	case len(source) == 0:
		return nil, Invalid("the batch is empty")
	case len(source) > maxBatch:
		return nil, Invalid("the batch has more than 100 messages")
	}
	answers := make([][]byte, len(source))
	var next atomic.Int64
	var workers sync.WaitGroup
	for range min(8, len(source)) {
		workers.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(source); i = int(next.Add(1)) - 1 {
				answers[i] = serve(source[i])
			}
		})
	}
	workers.Wait()
	var out []byte
	for _, answer := range answers {
		if len(answer) == 0 {
			continue
		}
		out = append(append(out, ','), answer...)
	}
	if out == nil {
		return nil, nil
	}
	out[0] = '['
	return append(out, ']'), nil
}
