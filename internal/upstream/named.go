package upstream

import "net/http"

// named says who sends a request, unless the document or the caller says it.
func named(c *Client, next sender) sender {
	agent := []string{c.agent}
	return func(o *Outbound) (*http.Response, error) {
		if o.Request.Header["User-Agent"] == nil {
			o.Request.Header["User-Agent"] = agent
		}
		return next(o)
	}
}
