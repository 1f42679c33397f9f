package upstream

import (
	"context"
	"io"
	"net/http"
)

// limited ends a call when its time is over, the reading of the answer included.
func limited(c *Client, next sender) sender {
	return func(o *Outbound) (*http.Response, error) {
		ctx, cancel := context.WithTimeout(o.ctx, c.limits.Call)
		o.Request = o.Request.WithContext(ctx)
		resp, err := next(o)
		if err != nil {
			cancel()
			return nil, err
		}
		o.answer = body{resp.Body, cancel}
		resp.Body = &o.answer
		return resp, nil
	}
}

// body ends the call's context when it is closed.
type body struct {
	io.ReadCloser
	cancel context.CancelFunc
}

func (b *body) Close() error {
	err := b.ReadCloser.Close()
	b.cancel()
	return err
}
