package upstream

import (
	"context"
	"crypto/tls"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// reachTimeout is how long an API may take to show that it is there.
const reachTimeout = 5 * time.Second

// Reach asks an API at an address for any answer. No credential is sent. The error
// says why there was none.
func (c *Client) Reach(ctx context.Context, address string) error {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || strings.Contains(address, "{{") {
		return errors.New("its address is not known before it is called")
	}
	u.User, u.RawQuery, u.Fragment = nil, "", ""
	ctx, cancel := context.WithTimeout(ctx, reachTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodHead, u.String(), nil)
	if err != nil {
		return err
	}
	req.Header.Set("User-Agent", c.agent)
	resp, err := c.Errands().Do(req)
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return nil // it answers; whether calls trust it is configured for each API
	}
	if err != nil {
		if inner := errors.Unwrap(err); inner != nil {
			err = inner // without the address, which may be long
		}
		return err
	}
	return resp.Body.Close()
}
