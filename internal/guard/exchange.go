package guard

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/fairlead/fairlead/internal/secret"
	"github.com/fairlead/fairlead/internal/value"
)

// Names of RFC 8693.
const (
	grantExchange   = "urn:ietf:params:oauth:grant-type:token-exchange"
	accessTokenType = "urn:ietf:params:oauth:token-type:access_token"
)

// ExchangeRequest asks an authorization server for a token of another API, on
// behalf of a caller.
type ExchangeRequest struct {
	Endpoint     string // token endpoint
	ClientID     string
	ClientSecret secret.String // empty for a public client
	Subject      secret.String // the caller's access token, Identity.Token
	Resource     string        // URI of the API the token is for, or ""
	Audience     string        // logical name of that API, or ""
	Scopes       []string
}

// Exchanged is a token to send upstream.
type Exchanged struct {
	Token   secret.String
	Scopes  []string  // as granted; those asked for when the server does not say
	Expires time.Time // zero when the server does not say
}

// ExchangeError is the refusal of an authorization server (RFC 6749 section
// 5.2): with invalid_request or invalid_grant it refuses the caller's token, with
// invalid_target the API.
type ExchangeError struct {
	Status int
	Code   string // "" when the server gives none
}

// Error names status and code. What else the server says is left out, since it
// may quote the token.
func (e *ExchangeError) Error() string {
	if e.Code == "" {
		return fmt.Sprintf("exchange token: the authorization server answers with status %d", e.Status)
	}
	return fmt.Sprintf("exchange token: the authorization server answers %s (status %d)", e.Code, e.Status)
}

// Exchange swaps a caller's token for one of another API (RFC 8693), so that the
// caller's own never goes upstream. The error is an *ExchangeError when the
// server refuses; others mean that it could not be asked or understood. now
// dates the expiry. Nothing is kept: the token may be used until Expires.
func Exchange(ctx context.Context, client HTTPDoer, now time.Time, x ExchangeRequest) (*Exchanged, error) {
	if x.Subject.IsEmpty() {
		return nil, errors.New("exchange token: the caller has none")
	}
	form := url.Values{
		"grant_type":           {grantExchange},
		"subject_token":        {x.Subject.Reveal()},
		"subject_token_type":   {accessTokenType},
		"requested_token_type": {accessTokenType},
	}
	for name, text := range map[string]string{"resource": x.Resource, "audience": x.Audience, "scope": strings.Join(x.Scopes, " ")} {
		if text != "" {
			form.Set(name, text)
		}
	}
	if _, err := webURL(x.Endpoint); err != nil {
		return nil, fmt.Errorf("exchange token: the token endpoint is %w", err)
	}
	req, err := clientAuth{x.ClientID, x.ClientSecret.Reveal()}.post(ctx, x.Endpoint, form)
	if err != nil {
		return nil, fmt.Errorf("exchange token: %w", err)
	}
	status, answer, _, err := fetch(client, req)
	if err != nil {
		return nil, fmt.Errorf("exchange token: %w", err)
	}
	if status != http.StatusOK {
		e := &ExchangeError{Status: status}
		if code := str(answer.Get("error")); isName(code) && len(code) <= 64 {
			e.Code = code
		}
		return nil, e
	}
	return readExchanged(answer, now, x)
}

// readExchanged reads the answer of RFC 8693 section 2.2.1.
func readExchanged(answer value.Value, now time.Time, x ExchangeRequest) (*Exchanged, error) {
	token := str(answer.Get("access_token"))
	switch {
	case token == "":
		return nil, errors.New("exchange token: the answer has no access_token")
	case !strings.EqualFold(str(answer.Get("token_type")), "Bearer"):
		return nil, errors.New("exchange token: the token is not a bearer token")
	case token == x.Subject.Reveal():
		return nil, errors.New("exchange token: the server gave the caller's own token back")
	}
	e := &Exchanged{Token: secret.New(token), Scopes: x.Scopes}
	if granted := answer.Get("scope"); granted.Kind() == value.String {
		e.Scopes = strings.Fields(granted.Text())
	}
	if seconds, ok := answer.Get("expires_in").Int64(); ok && seconds > 0 {
		const year = 365 * 24 * 60 * 60
		e.Expires = now.Add(time.Duration(min(seconds, year)) * time.Second)
	}
	return e, nil
}
