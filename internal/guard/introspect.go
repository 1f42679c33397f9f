package guard

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/fairlead/fairlead/internal/kept"
	"github.com/fairlead/fairlead/internal/oauth"
	"github.com/fairlead/fairlead/internal/value"
)

// How long an answer counts: that a token is active, less when it ends before,
// and that it is not.
const (
	introspectionLife = time.Minute
	inactiveLife      = 5 * time.Second
)

// flights lets concurrent requests with one token share a question.
type flights struct{ singleflight.Group }

// introspected asks the authorization server about a token (RFC 7662), or
// remembers what it said.
func (v *verifier) introspected(ctx context.Context, token string, sum [32]byte) (*Identity, error) {
	if id := v.tokens.get(sum, nil, v.cfg.Clock()); id != nil {
		return id, nil
	}
	if v.inactive.get(sum, nil, v.cfg.Clock()) != nil {
		return nil, faultInactive
	}
	answer := v.asking.DoChan(string(sum[:]), func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), kept.Timeout)
		defer cancel()
		id, err := v.introspectNow(ctx, token)
		if err != nil {
			if _, ok := err.(tokenError); !ok {
				v.complain(ctx, "a token cannot be introspected: "+err.Error())
			}
			if err == faultInactive {
				v.inactive.put(sum, remembered{&Identity{}, nil, v.cfg.Clock().Add(inactiveLife)})
			}
			return nil, err
		}
		until := v.cfg.Clock().Add(introspectionLife)
		if !id.Expires.IsZero() && id.Expires.Before(until) {
			until = id.Expires
		}
		v.tokens.put(sum, remembered{id, nil, until})
		return id, nil
	})
	select {
	case result := <-answer:
		if result.Err != nil {
			return nil, result.Err
		}
		return result.Val.(*Identity), nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

func (v *verifier) introspectNow(ctx context.Context, token string) (*Identity, error) {
	endpoint := v.introspection
	if endpoint == "" {
		server, err := v.server.Get(ctx)
		if err != nil {
			return nil, err
		}
		if endpoint = server.Introspection; endpoint == "" {
			return nil, errors.New("the metadata of the authorization server has no introspection_endpoint")
		}
	}
	form := url.Values{"token": {token}, "token_type_hint": {"access_token"}}
	client, err := v.client(ctx)
	if err != nil {
		return nil, err
	}
	req, err := client.post(ctx, endpoint, form)
	if err != nil {
		return nil, err
	}
	status, answer, _, err := oauth.Fetch(v.cfg.Client, req)
	if err != nil {
		return nil, err
	}
	if status != http.StatusOK {
		return nil, fmt.Errorf("%s answers with status %d", oauth.Where(req.URL), status)
	}
	active := answer.Get("active")
	switch {
	case active.Kind() != value.Bool:
		return nil, fmt.Errorf("%s does not say whether the token is active", oauth.Where(req.URL))
	case !active.True() || !isAccessToken(oauth.Text(answer.Get("token_type"))):
		return nil, faultInactive
	}
	return v.accept(answer, token)
}

// isAccessToken reports whether a token of the type may be used as it is: servers
// know refresh tokens, too, and tokens bound to a key (RFC 6749 section 7.1).
func isAccessToken(kind string) bool {
	return kind == "" || strings.EqualFold(kind, "Bearer") || strings.EqualFold(kind, "access_token")
}

// client reads as whom we speak to the authorization server.
func (v *verifier) client(ctx context.Context) (clientAuth, error) {
	id, err := v.cfg.text(ctx, "clientId")
	if err != nil {
		return clientAuth{}, err
	}
	key, err := v.cfg.text(ctx, "clientSecret")
	return clientAuth{id, key}, err
}

// clientAuth is a client of an authorization server.
type clientAuth struct{ id, secret string }

// post makes a form request with the client's authentication (RFC 6749 section
// 2.3.1): Basic with a secret, else the bare client_id, or none at all.
func (c clientAuth) post(ctx context.Context, endpoint string, form url.Values) (*http.Request, error) {
	if c.secret == "" && c.id != "" {
		form.Set("client_id", c.id)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if c.secret != "" {
		req.SetBasicAuth(url.QueryEscape(c.id), url.QueryEscape(c.secret))
	}
	return req, nil
}
