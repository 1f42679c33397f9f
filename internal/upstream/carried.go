package upstream

import (
	"context"
	"net/http"

	"github.com/fairlead/fairlead/internal/secret"
)

// Own is a credential that takes the place of the configured one in a request:
// the caller's own Authorization header, as it came, or what a session holds. The
// zero Own is none.
type Own struct {
	Authorization string
	Session       Held
	Carrier       *Carrier // of the session's token
}

// Held is the session that a call is sent in.
type Held interface {
	// Token is what the call is sent with first.
	Token() string
	// Rejected is told that the API has answered 401 to the token, and is another one
	// to try, or "" where no other would help.
	Rejected(ctx context.Context) (string, error)
}

// carried sends calls with the token of a session.
type carried struct {
	session Held
	by      *Carrier
}

func (c *carried) show(req *http.Request) { c.by.put(req, req.URL.RawQuery, secret.Mask) }

// authorize sends a call with the session's token. After a 401 the call is sent once
// more with the token that the session has then.
func (c *carried) authorize(_ *Client, o *Outbound, next sender) (*http.Response, error) {
	req, query := o.Request, o.Request.URL.RawQuery
	o.Token = c.session.Token()
	c.by.put(req, query, o.Token)
	resp, err := next(o)
	if err != nil || resp.StatusCode != http.StatusUnauthorized {
		return resp, err
	}
	token, err := c.session.Rejected(o.ctx)
	if err != nil {
		discard(resp)
		return nil, err
	}
	second := again(req)
	if token == "" || second == nil {
		return resp, nil
	}
	discard(resp)
	o.Token, o.Request = token, second
	c.by.put(second, query, token)
	return next(o)
}
