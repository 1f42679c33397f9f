package adapter

import (
	"errors"
	"io"
	"net/http"
	"os"
	"sync/atomic"
	"time"
)

// How long callers may take: so long without any progress, and for a whole body
// so long and a second more for each second's worth of bytes.
const (
	patience   = 30 * time.Second
	leastSpeed = 32 << 10  // bytes in a second
	piece      = 256 << 10 // bytes that are written with one deadline
)

// Body is a request body that comes in time or fails: the caller gets so long for
// all of it, which is at most size bytes. When it has come, nothing is left of
// that on the connection.
type Body struct {
	io.ReadCloser
	w     http.ResponseWriter
	size  int64
	begun bool
	late  atomic.Bool
}

// NewBody returns the body of r, of at most so many bytes.
func NewBody(w http.ResponseWriter, r *http.Request, most int64) *Body {
	size := r.ContentLength
	if size < 0 {
		size = most
	}
	return &Body{ReadCloser: r.Body, w: w, size: size}
}

func (b *Body) Read(p []byte) (int, error) {
	if !b.begun {
		b.begun = true
		readBy(b.w, time.Now().Add(patience+time.Duration(b.size/leastSpeed)*time.Second))
	}
	n, err := b.ReadCloser.Read(p)
	switch {
	case err == io.EOF:
		readBy(b.w, time.Time{}) // the server goes on to watch whether the caller leaves
	case errors.Is(err, os.ErrDeadlineExceeded):
		b.late.Store(true)
	}
	return n, err
}

// Late reports whether the body did not come in time; that of no body is false.
func (b *Body) Late() bool { return b != nil && b.late.Load() }

// Write writes an answer to a caller who reads on: it fails when a piece of it does
// not get away for so long.
func Write(w http.ResponseWriter, body []byte) error {
	for {
		next := body[:min(len(body), piece)]
		writeBy(w, time.Now().Add(patience))
		if _, err := w.Write(next); err != nil {
			return err
		}
		if body = body[len(next):]; len(body) == 0 {
			return nil
		}
	}
}

// The deadlines of a connection, as http.ResponseController sets them, but at no
// cost where there are none: a recorder has no connection.

func readBy(w http.ResponseWriter, end time.Time) {
	for {
		switch t := w.(type) {
		case interface{ SetReadDeadline(time.Time) error }:
			_ = t.SetReadDeadline(end) // of a connection that is gone, which reading tells
			return
		case interface{ Unwrap() http.ResponseWriter }:
			w = t.Unwrap()
		default:
			return
		}
	}
}

func writeBy(w http.ResponseWriter, end time.Time) {
	for {
		switch t := w.(type) {
		case interface{ SetWriteDeadline(time.Time) error }:
			_ = t.SetWriteDeadline(end) // as above
			return
		case interface{ Unwrap() http.ResponseWriter }:
			w = t.Unwrap()
		default:
			return
		}
	}
}
