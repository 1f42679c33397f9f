package oauth

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"

	"github.com/fairlead/fairlead/internal/value"
)

// Doer is what is needed of an HTTP client. It must not follow redirects, since
// they would take credentials along, and it bounds the time of a request.
type Doer interface {
	Do(*http.Request) (*http.Response, error)
}

// MaxAnswer is the size of the largest answer of an authorization server that is
// read, in bytes.
const MaxAnswer = 1 << 20

// Fetch sends req and returns the status and the JSON object of the answer; an
// answer that is not a 2xx may have none. Its errors quote neither the answer
// nor the URL's query.
func Fetch(client Doer, req *http.Request) (status int, answer value.Value, text []byte, err error) {
	status, answer, text, err = fetch(client, req)
	if err == nil && status/100 == 2 && answer.Kind() != value.Object {
		err = fmt.Errorf("read the answer of %s: not a JSON object", Where(req.URL))
	}
	return status, answer, text, err
}

// fetch is Fetch that takes any answer; answer is Absent when it is no JSON.
func fetch(client Doer, req *http.Request) (status int, answer value.Value, text []byte, err error) {
	req.Header.Set("Accept", "application/json")
	resp, err := client.Do(req)
	if err != nil {
		if u, ok := errors.AsType[*url.Error](err); ok {
			err = u.Err
		}
		return 0, value.Value{}, nil, fmt.Errorf("ask %s: %w", Where(req.URL), err)
	}
	defer resp.Body.Close()
	text, err = io.ReadAll(io.LimitReader(resp.Body, MaxAnswer+1))
	switch {
	case err != nil:
		return 0, value.Value{}, nil, fmt.Errorf("read the answer of %s: %w", Where(req.URL), err)
	case len(text) > MaxAnswer:
		return 0, value.Value{}, nil, fmt.Errorf("read the answer of %s: larger than %d bytes", Where(req.URL),
			MaxAnswer)
	}
	if answer, err = value.Parse(text); err != nil {
		answer = value.Value{}
	}
	return resp.StatusCode, answer, text, nil
}

// Where names an endpoint in an error.
func Where(u *url.URL) string { return u.Scheme + "://" + u.Host + u.EscapedPath() }

// WebURL parses an absolute http or https URL without a fragment or user.
func WebURL(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return nil, errors.New("not a URL")
	case u.Scheme != "https" && u.Scheme != "http" || u.Host == "":
		return nil, errors.New("not an absolute http or https URL")
	case u.Fragment != "" || u.User != nil:
		return nil, errors.New("a URL with a fragment or a user")
	}
	return u, nil
}

// SafeURL is WebURL for what secrets are sent to or people are led to: without
// TLS it is on this machine (RFC 6749 section 3.1.2.1, RFC 8252 section 8.3).
func SafeURL(text string) (*url.URL, error) {
	u, err := WebURL(text)
	if err == nil && u.Scheme != "https" && !isLoopback(u.Hostname()) {
		return nil, errors.New("without TLS: use https")
	}
	return u, err
}

func isLoopback(host string) bool {
	a, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && a.Unmap().IsLoopback()
}
