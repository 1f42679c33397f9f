package upstream

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/fairlead/fairlead/internal/event"
)

// HeldError says that a call was not sent: it would ask the API for more than it may,
// or the API fails.
type HeldError struct {
	Target string        // namespace.operation
	For    string        // see event.Wait
	After  time.Duration // when it may be tried again; 0 when that is not known
}

// Error is for the log.
func (e *HeldError) Error() string {
	return fmt.Sprintf("%s was held back by its %s, for %s more", e.Target, e.For, e.After.Round(time.Millisecond))
}

// What a call waits for, or is held back by: HeldError.For.
const (
	ForBreaker     = "breaker"
	ForRate        = "rate"
	ForConcurrency = "concurrency"
)

// admitted lets a call through when its breaker and its limit do, and tells them of
// the answer.
func admitted(c *Client, next sender) sender {
	return func(o *Outbound) (*http.Response, error) {
		b, l := c.breaker(o), c.limiter(o)
		if b == nil && l == nil {
			return next(o)
		}
		probe, err := o.passBreaker(b)
		if err != nil {
			return nil, err
		}
		if err := o.passLimit(l); err != nil {
			if probe {
				b.release(time.Now())
			}
			return nil, err
		}
		resp, err := next(o)
		o.tell(b, probe, resp, err)
		if l == nil {
			return resp, err
		}
		if resp != nil {
			l.learn(resp, time.Now())
		}
		if l.slots != nil {
			leave := sync.OnceFunc(func() { <-l.slots })
			if err != nil {
				leave()
				return nil, err
			}
			resp.Body = &leaving{resp.Body, leave}
		}
		return resp, err
	}
}

// breaker is that of a call; nil for none.
func (c *Client) breaker(o *Outbound) *breaker {
	s := o.Policy.Breaker
	if s == nil && c.config.Breaker != nil {
		process := *c.config.Breaker
		process.Scope = o.Policy.APIScope
		process.Name = apiOf(o.Target)
		s = &process
	}
	if s == nil || s.Calls == 0 {
		return nil
	}
	return c.breakers.get(s.Scope, func() *breaker { return &breaker{settings: *s} })
}

// limiter is that of a call; nil for none.
func (c *Client) limiter(o *Outbound) *limiter {
	s := o.Policy.Limit
	if s == nil && c.config.Limit != nil {
		process := *c.config.Limit
		process.Scope = o.Policy.APIScope
		s = &process
	}
	if s == nil || s.Wait == 0 {
		return nil
	}
	return c.limiters.get(s.Scope, func() *limiter {
		l := newLimiter(*s)
		l.name = apiOf(o.Target)
		return l
	})
}

func (o *Outbound) passBreaker(b *breaker) (probe bool, err error) {
	if b == nil {
		return false, nil
	}
	after, probe, ok := b.enter(time.Now())
	if !ok {
		return false, o.held(ForBreaker, after, 0)
	}
	if probe {
		o.publishBreaker(b)
	}
	return probe, nil
}

// passLimit waits for a turn at the rate, and then for one among those that run.
func (o *Outbound) passLimit(l *limiter) error {
	if l == nil {
		return nil
	}
	ctx, began := o.Request.Context(), time.Now()
	most := min(l.settings.Wait, o.end.Sub(began))
	after, ok := l.reserve(began, most)
	if !ok {
		return o.held(ForRate, after, 0)
	}
	if err := sleep(ctx, after); err != nil {
		return err
	}
	o.waited(ForRate, after)
	if l.slots == nil {
		return nil
	}
	select {
	case l.slots <- struct{}{}:
		return nil
	default:
	}
	queued := time.Now()
	t := time.NewTimer(most - after)
	defer t.Stop()
	select {
	case l.slots <- struct{}{}:
		o.waited(ForConcurrency, time.Since(queued))
		return nil
	case <-t.C:
		return o.held(ForConcurrency, 0, time.Since(queued))
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (o *Outbound) held(by string, after, took time.Duration) error {
	if o.Events.Hears(event.Waits) {
		o.Events.Publish(o.ctx, event.Wait{Call: o.Call, Target: o.Target, For: by, Took: took, Held: true})
	}
	return &HeldError{o.Target, by, after}
}

func (o *Outbound) waited(by string, took time.Duration) {
	if took > 0 && o.Events.Hears(event.Waits) {
		o.Events.Publish(o.ctx, event.Wait{Call: o.Call, Target: o.Target, For: by, Took: took})
	}
}

// tell tells the breaker of an attempt.
func (o *Outbound) tell(b *breaker, probe bool, resp *http.Response, err error) {
	if b == nil {
		return
	}
	failed, counts := failing(o.ctx, resp, err)
	if !counts {
		if probe {
			b.release(time.Now())
		}
		return
	}
	if b.leave(time.Now(), failed, probe) {
		o.publishBreaker(b)
	}
}

func (o *Outbound) publishBreaker(b *breaker) {
	if o.Events.Hears(event.Breakers) {
		o.Events.Publish(o.ctx, b.event())
	}
}

// leaving is the body of an answer with which a turn ends.
type leaving struct {
	io.ReadCloser
	leave func()
}

func (l *leaving) Close() error {
	err := l.ReadCloser.Close()
	l.leave()
	return err
}
