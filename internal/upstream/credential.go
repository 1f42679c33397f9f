package upstream

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/fairlead/fairlead/internal/budget"
	"github.com/fairlead/fairlead/internal/secret"
)

// Credential authorizes a built request when it is sent, for the kinds of
// authentication that need an exchange or a signature. It holds secrets and
// prints as the mask.
type Credential struct {
	target string
	by     authorizer
}

// authorizer sends a call with what its kind of authentication adds: a
// signature, a token, the answer to a challenge. It may change the request's
// header and may send it twice.
type authorizer interface {
	authorize(c *Client, o *Outbound, next sender) (*http.Response, error)
	show(req *http.Request)
}

// authorized lets the call's credential authorize it.
func authorized(c *Client, next sender) sender {
	return func(o *Outbound) (*http.Response, error) {
		if o.Credential == nil {
			return next(o)
		}
		resp, err := o.Credential.by.authorize(c, o, next)
		return resp, aimed(err, o.Credential.target)
	}
}

// Show writes into req what c will bring, its secret part masked, for people who
// ask what would be sent. A nil Credential brings nothing.
func (c *Credential) Show(req *http.Request) {
	if c != nil {
		c.by.show(req)
	}
}

// showScheme writes an Authorization header of that scheme, masked.
func showScheme(req *http.Request, scheme string) {
	req.Header["Authorization"] = []string{scheme + " " + secret.Mask}
}

// Format writes the mask for every verb.
func (*Credential) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, secret.Mask) }

// CredentialError says why a request could not be authorized. Reason is safe to
// show to anybody.
type CredentialError struct {
	Target string // namespace.operation
	Reason string // a clause: “its token endpoint answered 401 (invalid_client)”
	Retry  bool   // the same call may succeed later
	detail string // what the token endpoint says, for the log; without what was sent to it
	cause  error
}

// Error is for the log.
func (e *CredentialError) Error() string {
	text := "authorize " + e.Target + ": " + e.Reason
	if e.detail != "" {
		text += ": " + e.detail
	}
	if e.cause != nil {
		text += ": " + e.cause.Error()
	}
	return text
}

// Unwrap returns what kept the token endpoint from being reached, if that is it.
func (e *CredentialError) Unwrap() error { return e.cause }

// aimed names the target in a CredentialError that does not.
func aimed(err error, target string) error {
	if e, ok := err.(*CredentialError); ok && e.Target == "" {
		named := *e
		named.Target = target
		return &named
	}
	return err
}

// signer computes what a request is signed with from the request alone.
type signer interface {
	sign(c *Client, req *http.Request, body []byte, at time.Time) error
	scheme() string
}

// signed sends requests that its signer signed.
type signed struct{ signer }

func (s *signed) authorize(c *Client, o *Outbound, next sender) (*http.Response, error) {
	req := o.Request
	if err := hold(req, c.limits.Request); err != nil {
		return nil, err
	}
	body, err := content(req)
	if err != nil {
		return nil, err
	}
	if err := s.sign(c, req, body, time.Now()); err != nil {
		return nil, err
	}
	return next(o)
}

func (s *signed) show(req *http.Request) { showScheme(req, s.scheme()) }

// hold makes the body of req one that can be read again.
func hold(req *http.Request, limit int64) error {
	if req.GetBody != nil || req.Body == nil || req.Body == http.NoBody {
		return nil
	}
	body, err := io.ReadAll(io.LimitReader(req.Body, limit+1))
	req.Body.Close()
	if err != nil {
		return fmt.Errorf("read body: %w", err)
	}
	if int64(len(body)) > limit {
		return &InputError{Name: "body", Reason: "is larger than " + budget.SizeText(limit)}
	}
	setBody(req, body, "")
	return nil
}

// content returns the body of a request that hold has seen.
func content(req *http.Request) ([]byte, error) {
	if req.GetBody == nil {
		return nil, nil
	}
	body, err := req.GetBody()
	if err != nil {
		return nil, fmt.Errorf("read body: %w", err)
	}
	defer body.Close()
	var buf bytes.Buffer
	if _, err := buf.ReadFrom(body); err != nil {
		return nil, fmt.Errorf("read body: %w", err)
	}
	return buf.Bytes(), nil
}

// again is a copy of req, which was sent, to be sent once more; nil when its
// body cannot be read again.
func again(req *http.Request) *http.Request {
	next := req.Clone(req.Context())
	switch {
	case req.Body == nil || req.Body == http.NoBody:
	case req.GetBody == nil:
		return nil
	default:
		body, err := req.GetBody()
		if err != nil {
			return nil
		}
		next.Body = body
	}
	return next
}

// discard ends an answer that nobody wants and lets its connection be used again.
func discard(resp *http.Response) {
	_, _ = io.CopyN(io.Discard, resp.Body, 8<<10)
	resp.Body.Close()
}
