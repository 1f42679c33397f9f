package upstream

import "net/http"

// Do sends a request of the engine's own to an authorization server that a document
// names. It follows no redirect, and does not go where no name may lead; the time is
// that of the request's context.
func (c *Client) Do(req *http.Request) (*http.Response, error) {
	if guardedLiteral(req.URL) {
		return nil, ErrGuardedAddress
	}
	req.Header.Set("User-Agent", c.agent)
	return c.transport.RoundTrip(req)
}
