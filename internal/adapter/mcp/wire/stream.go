package wire

import (
	"net/http"
	"sync"
	"time"

	"github.com/fairlead/fairlead/internal/adapter"
)

// Sink takes whole JSON-RPC messages, from any goroutine; false means that
// nobody reads any more.
type Sink interface {
	Send(message []byte) bool
	// Alive sends what keeps an idle connection open.
	Alive() bool
}

// largestKept is the most bytes of a buffer that a stream keeps.
const largestKept = 64 << 10

// Stream is an HTTP answer as server-sent events. It begins with the first message.
type Stream struct {
	W       http.ResponseWriter
	Control *http.ResponseController
	mu      sync.Mutex
	buf     []byte
	Open    bool
}

func (s *Stream) Send(message []byte) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.buf = append(append(append(s.buf[:0], "event: message\ndata: "...), message...), "\n\n"...)
	return s.write()
}

func (s *Stream) Alive() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.buf = append(s.buf[:0], ": alive\n\n"...)
	return s.write()
}

func (s *Stream) write() bool {
	if !s.Open {
		s.Open = true
		header := s.W.Header()
		header.Set("Content-Type", "text/event-stream")
		header.Set("Cache-Control", "no-store")
		header.Set("X-Accel-Buffering", "no")
		s.W.WriteHeader(http.StatusOK)
	}
	if cap(s.buf) > largestKept {
		defer func() { s.buf = nil }()
	}
	if adapter.Write(s.W, s.buf) != nil || s.Control.Flush() != nil {
		return false
	}
	_ = s.Control.SetWriteDeadline(time.Time{}) // a stream may last longer than any answer
	return true
}
