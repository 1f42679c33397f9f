package upstream

import (
	"errors"
	"net/http"
	"sync/atomic"

	"github.com/icholy/digest"

	"github.com/fairlead/fairlead/internal/expr"
)

// Digest is RFC 7616.
type Digest struct{ Username, Password expr.Expr }

func (a *Digest) apply(_ *http.Request, query []byte, f expr.Frame) ([]byte, authorizer, error) {
	r := reader{frame: f}
	return query, &digestAuth{username: r.header("username", a.Username), password: r.text(a.Password)}, r.err
}

// digestAuth answers digest challenges (RFC 7616). The last challenge of a
// server is answered beforehand, so that only the first call goes twice.
type digestAuth struct{ username, password string }

// challengeKey says whose challenge it is: a server's, to one user.
type challengeKey struct{ scheme, host, username, password string }

// challenge counts the uses of a server's nonce (RFC 7616 section 3.4, nc).
type challenge struct {
	*digest.Challenge
	uses atomic.Int32
}

func (*digestAuth) show(req *http.Request) { showScheme(req, "Digest") }

func (d *digestAuth) authorize(c *Client, o *Outbound, next sender) (*http.Response, error) {
	req := o.Request
	if err := hold(req, c.limits.Request); err != nil {
		return nil, err
	}
	key := challengeKey{req.URL.Scheme, req.URL.Host, d.username, d.password}
	if known := c.challenges.get(key, nil); known != nil {
		if err := d.answer(req, known); err != nil {
			return nil, err
		}
	}
	resp, err := next(o)
	if err != nil || resp.StatusCode != http.StatusUnauthorized {
		return resp, err
	}
	found, err := digest.FindChallenge(resp.Header)
	switch {
	case errors.Is(err, digest.ErrNoChallenge):
		c.challenges.drop(key)
		return resp, nil
	case err != nil:
		discard(resp)
		return nil, &CredentialError{Reason: "the API sent a digest challenge that cannot be read"}
	}
	second := again(req)
	if second == nil {
		return resp, nil
	}
	discard(resp)
	fresh := &challenge{Challenge: found}
	c.challenges.set(key, fresh)
	if err := d.answer(second, fresh); err != nil {
		return nil, err
	}
	o.Request = second
	resp, err = next(o)
	if err == nil && resp.StatusCode == http.StatusUnauthorized {
		c.challenges.drop(key)
	}
	return resp, err
}

func (d *digestAuth) answer(req *http.Request, to *challenge) error {
	answer, err := digest.Digest(to.Challenge,
		digest.Options{Method: req.Method, URI: req.URL.RequestURI(), GetBody: req.GetBody,
			Count: int(to.uses.Add(1)), Username: d.username, Password: d.password})
	if err != nil {
		return &CredentialError{Reason: "the API's digest challenge cannot be answered"}
	}
	req.Header["Authorization"] = []string{answer.String()}
	return nil
}
