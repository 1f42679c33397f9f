package upstream

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"testing"

	"github.com/fairlead/fairlead/internal/expr"
	"github.com/fairlead/fairlead/internal/testkit/leak"
	"github.com/fairlead/fairlead/internal/value"
)

func TestMain(m *testing.M) { os.Exit(leak.Main(m)) }

// lit is an expression that gives text.
func lit(text string) expr.Expr { return expr.Literal(value.Of(text)) }

// apiKey is the key of an API.
func apiKey(p Param) Auth {
	p.Required, p.From = true, "the API key"
	return Keys{p}
}

// serve starts a server on loopback.
func serve(t *testing.T, h http.HandlerFunc) *httptest.Server {
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s
}

// newClient makes a client that is closed with the test.
func newClient(t testing.TB) *Client {
	c := NewClient(Limits{})
	t.Cleanup(c.Close)
	return c
}

// to is a request to path of the server at base.
func to(t testing.TB, base, method, path string, auth Auth) *Request {
	u, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	return &Request{Target: "api.op", Base: Base{Fixed: u}, Method: method, Path: lit(path), Auth: auth}
}

// send builds and sends a request and reads the answer.
func send(t testing.TB, c *Client, r *Request, entity *Entity) (status int, body string, err error) {
	t.Helper()
	out, err := r.Outbound(nil, entity, Own{})
	if err != nil {
		return 0, "", err
	}
	resp, err := c.Send(t.Context(), out)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	text := make([]byte, 0, 512)
	for {
		n, err := resp.Body.Read(text[len(text):cap(text)])
		text = text[:len(text)+n]
		if err != nil || len(text) == cap(text) {
			return resp.StatusCode, string(text), nil
		}
	}
}

// mustSend is send for calls that must be answered with 200.
func mustSend(t testing.TB, c *Client, r *Request, entity *Entity) string {
	t.Helper()
	status, body, err := send(t, c, r, entity)
	if err != nil || status != http.StatusOK {
		t.Fatalf("status %d, %q, error %v", status, body, err)
	}
	return body
}
