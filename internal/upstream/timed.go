package upstream

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
	"time"
)

// TimeoutError says that the time of a call was up. That of connecting and of the
// first byte is up with an error of net or net/http, which is one likewise.
type TimeoutError struct {
	What  string // what took too long
	After time.Duration
}

// Error is for the log.
func (e *TimeoutError) Error() string { return fmt.Sprintf("%s took longer than %s", e.What, e.After) }

// Timeout makes it a net.Error's.
func (*TimeoutError) Timeout() bool { return true }

// Is makes it one of those that contexts end with.
func (*TimeoutError) Is(target error) bool { return target == context.DeadlineExceeded }

// timed ends a call when its time is over: the time until its answer is there, and
// the time in which nothing comes of the answer. The end of an answer must come
// within the call's time, too, unless it is passed on as it comes and the document
// does not bound it.
func timed(c *Client, next sender) sender {
	return func(o *Outbound) (*http.Response, error) {
		t := &o.Policy.Timeout
		total := cmp.Or(t.Total, c.limits.Call)
		ctx, cancel := context.WithCancelCause(o.ctx)
		o.end = time.Now().Add(total)
		o.answer = body{cancel: cancel, total: total, idle: cmp.Or(t.Idle, c.limits.Idle), end: o.end}
		o.answer.timer = time.AfterFunc(total, o.answer.expired)
		o.Request = o.Request.WithContext(ctx)
		resp, err := next(o)
		if err != nil {
			o.answer.stop(nil)
			return nil, timeUp(ctx, err)
		}
		o.answer.timer.Stop()
		if o.Passes && t.Total == 0 && resp.StatusCode < http.StatusBadRequest {
			o.answer.end = time.Time{}
		}
		o.answer.ReadCloser, o.answer.ctx = resp.Body, ctx
		resp.Body = &o.answer
		return resp, nil
	}
}

// timeUp is the error with which the call's time was up, if that is why err is.
func timeUp(ctx context.Context, err error) error {
	if e, ok := context.Cause(ctx).(*TimeoutError); ok {
		return e
	}
	return err
}

// body is the answer of a call. It ends the call when nothing comes for too long,
// when its time is up, and when it is closed.
type body struct {
	io.ReadCloser
	ctx    context.Context
	cancel context.CancelCauseFunc
	timer  *time.Timer
	total  time.Duration
	idle   time.Duration
	end    time.Time   // zero where it may last
	idles  atomic.Bool // what the timer waits for is the next piece
}

func (b *body) expired() {
	if b.idles.Load() {
		b.cancel(&TimeoutError{"a piece of the answer", b.idle})
		return
	}
	b.cancel(&TimeoutError{"the call", b.total})
}

func (b *body) Read(p []byte) (int, error) {
	left, idles := b.idle, true
	if !b.end.IsZero() {
		if until := time.Until(b.end); until < left {
			left, idles = until, false
		}
	}
	b.idles.Store(idles)
	b.timer.Reset(left)
	n, err := b.ReadCloser.Read(p)
	b.timer.Stop()
	if err != nil && err != io.EOF {
		err = timeUp(b.ctx, err)
	}
	return n, err
}

func (b *body) Close() error {
	err := b.ReadCloser.Close()
	b.stop(nil)
	return err
}

func (b *body) stop(cause error) {
	b.timer.Stop()
	b.cancel(cause)
}
