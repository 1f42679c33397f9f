package guard

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"github.com/fairlead/fairlead/internal/value"
)

// maxAnswer is the size of the largest answer of an authorization server that is read.
const maxAnswer = 1 << 20

// fetch sends req and returns the status and the JSON object of the answer; an
// answer that is not a 2xx may have none. Its errors quote neither the answer
// nor the URL's query.
func fetch(client HTTPDoer, req *http.Request) (status int, answer value.Value, text []byte, err error) {
	req.Header.Set("Accept", "application/json")
	resp, err := client.Do(req)
	if err != nil {
		if u, ok := errors.AsType[*url.Error](err); ok {
			err = u.Err
		}
		return 0, value.Value{}, nil, fmt.Errorf("ask %s: %w", where(req.URL), err)
	}
	defer resp.Body.Close()
	text, err = io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	switch {
	case err != nil:
		return 0, value.Value{}, nil, fmt.Errorf("read the answer of %s: %w", where(req.URL), err)
	case len(text) > maxAnswer:
		return 0, value.Value{}, nil, fmt.Errorf("read the answer of %s: larger than %d bytes", where(req.URL), maxAnswer)
	}
	answer, err = value.Parse(text)
	if resp.StatusCode/100 == 2 && (err != nil || answer.Kind() != value.Object) {
		return 0, value.Value{}, nil, fmt.Errorf("read the answer of %s: not a JSON object", where(req.URL))
	}
	return resp.StatusCode, answer, text, nil
}

// where names an endpoint in an error.
func where(u *url.URL) string { return u.Scheme + "://" + u.Host + u.EscapedPath() }

// webURL parses an absolute http or https URL without a fragment or user.
func webURL(text string) (*url.URL, error) {
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
