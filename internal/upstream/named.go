package upstream

import (
	"net/http"
	"strings"
)

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

// apiOf is the namespace of a target.
func apiOf(target string) string {
	namespace, _, _ := strings.Cut(target, ".")
	return namespace
}
