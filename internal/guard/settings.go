package guard

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/fairlead/fairlead/internal/oauth"
	"github.com/fairlead/fairlead/internal/secret"
	"github.com/fairlead/fairlead/internal/value"
)

// settings are the fields of an oauth2 authentication that are no secrets.
type settings struct {
	issuer        *url.URL
	issuerText    string // as written
	resource      string // without a trailing slash
	audience      string // what a token must be for: the field, else the resource
	subject       string // the claim that names persons
	scopes        []string
	introspect    bool
	introspection string   // endpoint; "" when it is to be discovered
	metadataURL   string   // of the protected resource metadata; "" when none is published
	paths         []string // where it is published
	document      []byte
}

func (s settings) equal(other settings) bool {
	return s.issuerText == other.issuerText && s.resource == other.resource && s.audience == other.audience &&
		s.subject == other.subject &&
		slices.Equal(s.scopes, other.scopes) &&
		s.introspect == other.introspect && s.introspection == other.introspection
}

// settings reads and checks the fields.
func (cfg Config) settings(ctx context.Context) (settings, error) {
	var s settings
	var validation, scopes string
	for _, f := range []struct {
		name string
		to   *string
	}{
		{"authorizationServerUri", &s.issuerText},
		{"resource", &s.resource},
		{"audience", &s.audience},
		{"subject", &s.subject},
		{"tokenValidation", &validation},
		{"introspectionEndpoint", &s.introspection},
	} {
		text, err := cfg.text(ctx, f.name)
		if err != nil {
			return settings{}, err
		}
		*f.to = text
	}
	for _, name := range []string{"scope", "scopes"} {
		text, err := cfg.text(ctx, name)
		if err != nil {
			return settings{}, err
		}
		if scopes = text; scopes != "" {
			break
		}
	}
	var err error
	if s.scopes, err = scopeList(scopes); err != nil {
		return settings{}, fmt.Errorf("read the field scope: %w", err)
	}
	if s.issuer, err = oauth.WebURL(s.issuerText); err != nil {
		return settings{}, fmt.Errorf("read the field authorizationServerUri: %w", err)
	}
	if s.issuer.RawQuery != "" {
		return settings{}, errors.New("read the field authorizationServerUri: a URL with a query")
	}
	switch strings.ToLower(validation) {
	case "", "jwks":
	case "introspection":
		s.introspect = true
	default:
		return settings{}, errors.New("read the field tokenValidation: neither jwks nor introspection")
	}
	if s.introspection != "" {
		if _, err := oauth.WebURL(s.introspection); err != nil {
			return settings{}, fmt.Errorf("read the field introspectionEndpoint: %w", err)
		}
	}
	s.resource = strings.TrimSuffix(s.resource, "/")
	if s.resource == "" {
		return settings{}, errors.New("read the field resource: it is empty")
	}
	s.audience, s.subject = cmp.Or(s.audience, s.resource), cmp.Or(s.subject, "sub")
	if !cfg.MCP {
		return s, nil
	}
	return s, s.publish()
}

// text reads a field that may be absent. A variable of it that is not set is an
// error all the same: without it the authentication would be another one.
func (cfg Config) text(ctx context.Context, field string) (string, error) {
	v, err := cfg.Value(ctx, field)
	if _, missing := errors.AsType[*secret.MissingError](err); missing {
		return "", err
	}
	if err != nil {
		return "", fmt.Errorf("read the field %s: %w", field, err)
	}
	return strings.TrimSpace(v.Reveal()), nil
}

// scopeList reads scopes written as text with blanks between or as a JSON array.
func scopeList(text string) ([]string, error) {
	var list []string
	if strings.HasPrefix(text, "[") {
		array, err := value.Parse([]byte(text))
		if err != nil {
			return nil, err
		}
		for i := range array.Len() {
			list = append(list, array.At(i).Text())
		}
	} else {
		list = strings.Fields(text)
	}
	var scopes []string
	for _, scope := range list {
		if !oauth.IsScope(scope) {
			return nil, fmt.Errorf("%q is no scope", scope)
		}
		if !slices.Contains(scopes, scope) {
			scopes = append(scopes, scope)
		}
	}
	return scopes, nil
}
