package secret

import (
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync"

	"github.com/fairlead/fairlead/internal/budget"
	"github.com/fairlead/fairlead/internal/value"
)

// connect makes a client that trusts the PEM certificates of the file beside
// those of the pool. Without a file it trusts what the system does.
func (s System) connect(caFile string, pool func() (*x509.CertPool, error)) (HTTPDoer, error) {
	if s.Connect == nil {
		return nil, errors.New("no HTTP client was given")
	}
	if caFile == "" {
		return s.Connect(nil), nil
	}
	pem, err := s.ReadFile(caFile)
	if err != nil {
		return nil, fmt.Errorf("read CA certificates: %w", withoutPath(err))
	}
	roots, err := pool()
	if err != nil {
		return nil, fmt.Errorf("read the system's CA certificates: %w", err)
	}
	if !roots.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("read CA certificates: no PEM certificate in %s", caFile)
	}
	return s.Connect(roots), nil
}

// lazyClient is a client made when it is first needed.
type lazyClient struct {
	mu   sync.Mutex
	doer HTTPDoer
}

func (l *lazyClient) get(open func() (HTTPDoer, error)) (HTTPDoer, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.doer != nil {
		return l.doer, nil
	}
	doer, err := open()
	if err == nil {
		l.doer = doer
	}
	return doer, err
}

// maxAnswer is the size of the largest answer that is read: a Kubernetes secret
// of 1 MiB, in base64, with what surrounds it.
const maxAnswer = 4 << 20

// roundTrip sends the request and returns the status, and the JSON of a 200. Its
// errors quote neither the answer nor the URL.
func roundTrip(doer HTTPDoer, req *http.Request) (status int, answer value.Value, err error) {
	req.Header.Set("Accept", "application/json")
	resp, err := doer.Do(req)
	if err != nil {
		if u, ok := errors.AsType[*url.Error](err); ok {
			err = u.Err
		}
		return 0, value.Value{}, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		_, _ = io.CopyN(io.Discard, resp.Body, 64<<10) // so that the connection serves again
		return resp.StatusCode, value.Value{}, nil
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	switch {
	case err != nil:
		return 0, value.Value{}, fmt.Errorf("read the answer: %w", err)
	case len(body) > maxAnswer:
		return 0, value.Value{}, errors.New("the answer is larger than " + budget.SizeText(maxAnswer))
	}
	answer, err = value.Parse(body)
	if err != nil {
		return 0, value.Value{}, errors.New("the answer is not JSON")
	}
	return resp.StatusCode, answer, nil
}

// refusal turns a status other than 200 into an error: the advice for that
// status, or the bare status.
func refusal(status int, advice map[int]string) error {
	text := http.StatusText(status)
	if status >= 300 && status < 400 {
		text = "it redirects, which is not followed"
	}
	if a := advice[status]; a != "" {
		text = a
	}
	return fmt.Errorf("status %d: %s", status, text)
}
