package upstream

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/fairlead/fairlead/internal/event"
)

// retried sends a call again, after a while, that got no answer or one that says
// that a later one may be better. It must do the same when done twice: by its
// method (RFC 9110 section 9.2.2), or because the document gives it a key by which
// the API knows it again.
func retried(c *Client, next sender) sender {
	return func(o *Outbound) (*http.Response, error) {
		retry, scope := o.Policy.Retry, ""
		if retry == nil {
			retry, scope = c.config.Retry, o.Policy.APIScope
		} else {
			scope = retry.Scope
		}
		if retry == nil || retry.Times == 0 || !o.repeatable() {
			return next(o)
		}
		if err := holdSmall(o.Request); err != nil {
			return nil, err
		}
		budget := c.budgets.get(scope, func() *retryBudget { return newRetryBudget(retry.Budget) })
		budget.earn()
		first := o.Request
		for sent := 0; ; sent++ {
			ahead := again(first) // before links write into it
			resp, err := next(o)
			after, ok := retry.wait(sent, resp, err)
			if sent == retry.Times || !ok || ahead == nil || o.ctx.Err() != nil ||
				time.Until(o.end) <= after || !budget.spend() {
				return resp, err
			}
			o.publishRetry(resp, err, after)
			if resp != nil {
				discard(resp)
			}
			if err := sleep(first.Context(), after); err != nil {
				return nil, err
			}
			o.Request = ahead
			first = ahead
		}
	}
}

// repeatable reports whether the call does the same when it is done twice.
func (o *Outbound) repeatable() bool { return o.keyed || idempotent(o.Request.Method) }

// Repeatable reports whether a call does the same when it is done twice, as far as
// the document tells.
func (r *Request) Repeatable() bool {
	return idempotent(r.Method) || slices.ContainsFunc(r.Params, func(p Param) bool {
		return p.Place == InHeader && p.Name == idempotencyKey
	})
}

// idempotencyKey is the header by which APIs know a call again
// (draft-ietf-httpapi-idempotency-key-header).
const idempotencyKey = "Idempotency-Key"

func (o *Outbound) publishRetry(resp *http.Response, err error, after time.Duration) {
	if !o.Events.Hears(event.Retries) {
		return
	}
	e := event.Retry{Call: o.Call, Target: o.Target, Number: o.attempts, Err: err, After: after}
	if resp != nil {
		e.Status = resp.StatusCode
	}
	o.Events.Publish(o.ctx, e)
}

// wait is how long to wait before a call is sent again that was sent so often before;
// ok is false when it is not to be.
func (r *Retry) wait(sent int, resp *http.Response, err error) (after time.Duration, ok bool) {
	if err != nil && !unanswered(err) || err == nil && !slices.Contains(r.On, resp.StatusCode) {
		return 0, false
	}
	after = r.MaxBackoff
	if sent < 20 { // else it is longer than anything
		after = min(r.Backoff<<sent, r.MaxBackoff)
	}
	after -= rand.N(after/2 + 1)
	if resp != nil {
		asked := retryAfter(resp.Header, time.Now())
		if asked > r.MaxBackoff {
			return 0, false
		}
		after = max(after, asked)
	}
	return after, true
}

// unanswered reports whether err is that of an attempt to which the API gave no
// answer, and not that of a call which cannot be made.
func unanswered(err error) bool {
	if _, ok := errors.AsType[*TimeoutError](err); ok || errors.Is(err, context.Canceled) || notSent(err) {
		return false
	}
	var dns *net.DNSError
	return !errors.As(err, &dns) || !dns.IsNotFound
}

// notSent reports whether err is that of a call which never went to the API.
func notSent(err error) bool {
	switch err.(type) {
	case *CredentialError, *InputError, *LoopError, *HeldError, *UnavailableError:
		return true
	}
	_, refused := errors.AsType[*EgressError](err)
	return refused || errors.Is(err, ErrGuardedAddress)
}

// retryAfter is how long an answer asks to wait (RFC 9110 section 10.2.3), 0 if it does not.
func retryAfter(h http.Header, now time.Time) time.Duration {
	text := h.Get("Retry-After")
	if text == "" {
		return 0
	}
	if seconds, err := strconv.ParseUint(text, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(at.Sub(now), 0)
	}
	return 0
}

// sleep waits; its error is the cause with which ctx ended.
func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// retryBudget keeps calls that are sent again few among all, so that an API which
// fails is not asked several times as much: each call earns a part of one.
type retryBudget struct {
	percent int
	mu      sync.Mutex
	hundred int // hundredths of a call that may be sent again
}

// retryReserve is how many calls may be sent again before any has earned it, and the
// most that are saved up.
const retryReserve = 10

func newRetryBudget(percent int) *retryBudget {
	return &retryBudget{percent: percent, hundred: retryReserve * 100}
}

func (b *retryBudget) like(o *retryBudget) bool { return b.percent == o.percent }

func (b *retryBudget) earn() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.hundred = min(b.hundred+b.percent, retryReserve*100)
}

func (b *retryBudget) spend() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.hundred < 100 {
		return false
	}
	b.hundred -= 100
	return true
}
