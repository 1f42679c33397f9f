package upstream

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/fairlead/fairlead/internal/expr"
	"github.com/fairlead/fairlead/internal/value"
)

// roundTripper is a function in the place of a transport.
type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

func answerEmptyObject(req *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: 200, Body: io.NopCloser(strings.NewReader("{}")), Request: req}, nil
}

func benchmarkSend(b *testing.B, c *Client, r *Request, f expr.Frame) {
	b.Helper()
	b.ReportAllocs()
	for b.Loop() {
		out, err := r.Outbound(f, nil, Own{})
		if err != nil {
			b.Fatal(err)
		}
		resp, err := c.Send(context.Background(), out)
		if err != nil {
			b.Fatal(err)
		}
		resp.Body.Close()
	}
}

// BenchmarkSend is what a call costs besides the network, by kind of authentication.
func BenchmarkSend(b *testing.B) {
	f := expr.Frame{value.Of("secret-token")}
	for name, auth := range map[string]Auth{
		"none":   nil,
		"bearer": &Bearer{Scheme: "Bearer", Token: expr.Slot(0)},
		"basic":  &Basic{Username: lit("me"), Password: expr.Slot(0)},
		"apikey": apiKey(Param{Name: "X-Api-Key", Place: InHeader, Value: expr.Slot(0)}),
		"oauth1": &OAuth1{Method: "HMAC-SHA256", ConsumerKey: lit("me"), ConsumerSecret: expr.Slot(0)},
		"aws":    &AWS{AccessKeyID: lit("AKID"), SecretAccessKey: expr.Slot(0), Region: lit("r"), Service: lit("s")},
	} {
		b.Run(name, func(b *testing.B) {
			c := newClient(b)
			c.transport = roundTripper(answerEmptyObject)
			r := to(b, "https://api.example.com/v1", "GET", "/things", auth)
			r.Accept = "application/json"
			benchmarkSend(b, c, r, f)
		})
	}
}
