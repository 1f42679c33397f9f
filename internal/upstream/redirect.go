package upstream

import (
	"net/http"
	"net/url"
)

// maxRedirects is how many redirects of one call are followed.
const maxRedirects = 5

// redirected follows redirects on the same origin: every one for GET and HEAD,
// and 307 and 308, which ask for the same request again, where its body can be
// sent again.
func redirected(_ *Client, next sender) sender {
	return func(o *Outbound) (*http.Response, error) {
		for followed := 0; ; followed++ {
			sent := o.Request
			resp, err := next(o)
			if err != nil || followed == maxRedirects {
				return resp, err
			}
			to := redirect(sent, resp)
			if to == nil {
				return resp, nil
			}
			discard(resp)
			o.Request = to
		}
	}
}

// redirect is the request that follows a redirect, or nil where it is not to be followed.
func redirect(req *http.Request, resp *http.Response) *http.Request {
	switch resp.StatusCode {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther:
		if req.Method != http.MethodGet && req.Method != http.MethodHead {
			return nil
		}
	case http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
	default:
		return nil
	}
	location := resp.Header.Get("Location")
	to, err := url.Parse(location)
	if location == "" || err != nil {
		return nil
	}
	to = req.URL.ResolveReference(to)
	if to.Host != req.URL.Host || to.Scheme != req.URL.Scheme {
		return nil
	}
	next := again(req)
	if next != nil {
		next.URL = to
	}
	return next
}
