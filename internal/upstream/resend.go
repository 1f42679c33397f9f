package upstream

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
)

// maxHeld is how large a body of a caller may be that is held in memory before
// it is sent, so that it can be sent again; in bytes.
const maxHeld = 64 << 10

// replayable tells net/http that a request may be sent again. The header has no
// value and therefore does not travel.
var replayable = []string{}

// resent sends a request again whose connection the API had closed, or which was
// lost with it: always when none of it was written or HTTP/2 says that it was not
// processed, which the transport sees to, and for methods that do the same when
// done twice (RFC 9110 section 9.2.2) whenever there was no answer.
func resent(_ *Client, next sender) sender {
	return func(o *Outbound) (*http.Response, error) {
		if err := holdSmall(o.Request); err != nil {
			return nil, err
		}
		if !idempotent(o.Request.Method) {
			return next(o)
		}
		if o.Request.Method == http.MethodPut || o.Request.Method == http.MethodDelete { // the transport knows the others
			o.Request.Header["X-Idempotency-Key"] = replayable
		}
		resp, err := next(o)
		if err == nil || !connectionLost(err) {
			return resp, err
		}
		once := again(o.Request)
		if once == nil {
			return resp, err
		}
		o.Request = once
		return next(o)
	}
}

func idempotent(method string) bool {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodPut, http.MethodDelete:
		return true
	}
	return false
}

// connectionLost reports whether an HTTP/2 connection went deaf while a request
// was under way. net/http has no name for that error.
func connectionLost(err error) bool {
	return strings.Contains(err.Error(), "http2: client connection lost")
}

// holdSmall makes the body of req one that can be sent again, if it is small.
func holdSmall(req *http.Request) error {
	if req.GetBody != nil || req.Body == nil || req.ContentLength <= 0 || req.ContentLength > maxHeld {
		return nil
	}
	held := make([]byte, req.ContentLength)
	_, err := io.ReadFull(req.Body, held)
	req.Body.Close()
	switch {
	case err == nil:
	case req.Context().Err() != nil, !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF):
		return err
	default:
		return &InputError{Name: "body", Reason: "broke off"}
	}
	req.Body = io.NopCloser(bytes.NewReader(held))
	req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(held)), nil }
	return nil
}
