package upstream

import (
	"context"
	"crypto/sha256"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"golang.org/x/oauth2"

	"github.com/fairlead/fairlead/internal/budget"
	"github.com/fairlead/fairlead/internal/expr"
	"github.com/fairlead/fairlead/internal/jsonpath"
	"github.com/fairlead/fairlead/internal/secret"
	"github.com/fairlead/fairlead/internal/template"
	"github.com/fairlead/fairlead/internal/value"
)

// CustomToken is a compiled custom-token authentication: an operation of another
// API answers a token, which authorizes calls until it ends. Calls whose requests
// for a token are the same share it.
type CustomToken struct {
	Request   *Request       // asks for a token
	Token     *jsonpath.Path // where it stands in the JSON answer
	ExpiresIn *jsonpath.Path // where the seconds of its life stand; nil when the answer does not say
	Margin    time.Duration  // before its end, when it is renewed; 0 is the rule of all tokens
	Place     Place          // InHeader or InQuery
	Name      string         // of the header or query parameter; "" is a bearer token
}

func (t *CustomToken) apply(_ *http.Request, query []byte, f expr.Frame) ([]byte, authorizer, error) {
	out, err := t.Request.Outbound(f, nil, Own{})
	if err != nil {
		return query, nil, &CredentialError{Reason: "the request for a token cannot be made", cause: err}
	}
	if out.Credential != nil {
		if key, ok := out.Credential.by.(*keyed); ok {
			err = key.put(out.Request)
			out.Credential = nil
		}
	}
	if err != nil {
		return query, nil, &CredentialError{Reason: "the request for a token cannot be made", cause: err}
	}
	if out.Credential != nil { // it is no part of the request, by which tokens are told apart
		return query, nil, &CredentialError{Reason: out.Target + " needs a credential of a kind that is not complete in its request"}
	}
	return query, &acquisition{CustomToken: t, out: out}, nil
}

// acquisition is a custom token for one call.
type acquisition struct {
	*CustomToken
	out   *Outbound // asks for the token
	query string    // of the call, without the token
}

func (a *acquisition) show(req *http.Request) {
	a.query = req.URL.RawQuery
	a.put(req, secret.Mask)
}

func (a *acquisition) authorize(c *Client, o *Outbound, next sender) (*http.Response, error) {
	key, err := a.key()
	if err != nil {
		return nil, err
	}
	tokens := c.acquired.get(key, func() *tokenSource {
		return &tokenSource{
			from: a.out.Target, margin: a.Margin, closing: c.closing,
			ask: func(ctx context.Context) (*oauth2.Token, error) { return a.ask(ctx, c) },
		}
	})
	a.query, a.out.Hops = o.Request.URL.RawQuery, o.Hops
	return tokens.authorize(o, next, func(req *http.Request, token *oauth2.Token) {
		a.put(req, token.AccessToken)
		o.Token = token.AccessToken
	})
}

// put writes a token into a request in the place of the one before it.
func (a *acquisition) put(req *http.Request, token string) {
	switch {
	case a.Name == "":
		req.Header["Authorization"] = []string{"Bearer " + token}
	case a.Place == InHeader:
		req.Header[a.Name] = []string{token}
	default:
		query := []byte(a.query)
		if len(query) > 0 {
			query = append(query, '&')
		}
		query = append(template.AppendQuery(query, a.Name), '=')
		req.URL.RawQuery = string(template.AppendQuery(query, token))
	}
}

// key is the same for requests for a token that are the same.
func (a *acquisition) key() (key [sha256.Size]byte, err error) {
	req := a.out.Request
	h := sha256.New()
	fmt.Fprintf(h, "%q %q %q %q\n", a.Token, req.Method, req.URL, req.Host)
	names := make([]string, 0, len(req.Header))
	for name := range req.Header {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		fmt.Fprintf(h, "%q %q\n", name, req.Header[name])
	}
	body, err := content(req)
	if err != nil {
		return key, err
	}
	h.Write(body)
	return [sha256.Size]byte(h.Sum(nil)), nil
}

// ask fetches a token.
func (a *acquisition) ask(ctx context.Context, c *Client) (*oauth2.Token, error) {
	req := again(a.out.Request)
	if req == nil {
		return nil, &CredentialError{Reason: "the request for a token cannot be sent again"}
	}
	resp, err := c.Send(ctx, &Outbound{Target: a.out.Target, Request: req, Policy: a.out.Policy, Hops: a.out.Hops})
	if err != nil {
		return nil, &CredentialError{Reason: a.out.Target + " cannot be reached", Retry: true, cause: err}
	}
	defer resp.Body.Close()
	if status := resp.StatusCode; status < 200 || status > 299 {
		return nil, &CredentialError{Reason: fmt.Sprintf("%s answered %d", a.out.Target, status),
			Retry: status == http.StatusTooManyRequests || status >= 500}
	}
	meter := budget.NewMeter(ctx, nil)
	text, err := budget.ReadAll(meter, nil, resp.Body, resp.ContentLength, maxTokenAnswer)
	if err != nil {
		return nil, &CredentialError{Reason: a.out.Target + " gave no answer that can be read", Retry: true, cause: err}
	}
	answer, err := value.Parse(text)
	if err != nil {
		return nil, &CredentialError{Reason: a.out.Target + " answered what is not JSON"}
	}
	token := &oauth2.Token{}
	if v, _ := a.Token.First(meter, answer); v.Kind() == value.String || v.Kind() == value.Number {
		token.AccessToken = v.Text()
	}
	if token.AccessToken == "" || template.CheckHeader(token.AccessToken) != nil {
		return nil, &CredentialError{Reason: a.out.Target + " answered no token at " + a.Token.String()}
	}
	if a.ExpiresIn != nil {
		v, _ := a.ExpiresIn.First(meter, answer)
		if seconds, err := strconv.ParseFloat(v.Text(), 64); err == nil && seconds > 0 && seconds < 1e9 {
			token.Expiry = time.Now().Add(time.Duration(seconds * float64(time.Second)))
		}
	}
	return token, nil
}
