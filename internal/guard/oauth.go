package guard

import (
	"context"
	"crypto/sha256"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/fairlead/fairlead/internal/kept"
	"github.com/fairlead/fairlead/internal/oauth"
)

// resourceServer lets in whoever has an access token of the authorization server for this
// resource: an OAuth 2.1 resource server.
type resourceServer struct {
	cfg      Config
	complain func(ctx context.Context, text string)
	verifier kept.Value[*verifier]
}

// verifier checks tokens under one set of settings.
type verifier struct {
	settings
	cfg      Config
	complain func(ctx context.Context, text string)
	server   kept.Value[*oauth.Metadata]
	keys     kept.Value[*oauth.KeySet]
	tokens   tokens
	inactive tokens // that introspection refused a moment ago
	asking   flights
}

// Ages of what is kept, see kept.
const (
	settingsFresh, settingsUsable = time.Minute, time.Hour
	metadataFresh, metadataUsable = time.Hour, 24 * time.Hour
	keysFresh, keysUsable         = 5 * time.Minute, time.Hour
)

func newOAuth(cfg Config, complain func(ctx context.Context, text string)) *resourceServer {
	o := &resourceServer{cfg: cfg, complain: complain}
	o.verifier = kept.Value[*verifier]{Now: cfg.Clock, Fresh: settingsFresh, Usable: settingsUsable, Fetch: o.settle}
	return o
}

// settle reads the settings, and makes a verifier unless they are those of the
// old one.
func (o *resourceServer) settle(ctx context.Context, old *verifier) (*verifier, error) {
	s, err := o.cfg.settings(ctx)
	if err != nil {
		o.complain(ctx, "the oauth2 authentication is not usable: "+err.Error())
		return nil, err
	}
	if old != nil && old.settings.equal(s) {
		return old, nil
	}
	if s.issuer.Scheme == "http" {
		o.cfg.Logger.WarnContext(ctx, "the authorization server is reached without TLS", "server", s.issuer.Host)
	}
	v := &verifier{settings: s, cfg: o.cfg, complain: o.complain}
	v.server = kept.Value[*oauth.Metadata]{Now: o.cfg.Clock, Fresh: metadataFresh, Usable: metadataUsable,
		Fetch: v.discover}
	v.keys = kept.Value[*oauth.KeySet]{Now: o.cfg.Clock, Fresh: keysFresh, Usable: keysUsable, Fetch: v.fetchKeys}
	return v, nil
}

func (o *resourceServer) check(r *http.Request) (pass, *refusal) {
	v, err := o.verifier.Get(r.Context())
	if err != nil {
		return pass{}, unavailable()
	}
	token, given, no := authorization(r, "Bearer")
	switch {
	case no == nil && given && !isToken(token):
		no = malformed("The Authorization header does not hold one bearer token.")
	case no == nil && o.cfg.MCP:
		no = tokenTwice(r)
	}
	if no != nil {
		return pass{}, v.challenged(no, invalidRequest)
	}
	if !given {
		return pass{}, v.challenged(&refusal{status: http.StatusUnauthorized,
			detail: "Send an access token in the header Authorization: Bearer <token>."}, "")
	}
	id, err := v.identify(r.Context(), token)
	if err != nil {
		return pass{}, v.refuse(err)
	}
	for _, scope := range v.scopes {
		if !slices.Contains(id.Scopes, scope) {
			no := &refusal{status: http.StatusForbidden, detail: "The access token lacks a scope; needed are: " +
				strings.Join(v.scopes, " ") + "."}
			return pass{}, v.challenged(no, insufficientScope)
		}
	}
	return authorized(id), nil
}

// tokenError is a fault of the token, in words for the caller.
type tokenError string

func (e tokenError) Error() string { return string(e) }

// refuse tells a bad token from our own failure to check it.
func (v *verifier) refuse(err error) *refusal {
	fault, ok := err.(tokenError)
	if !ok {
		return unavailable()
	}
	return v.challenged(&refusal{status: http.StatusUnauthorized, detail: string(fault)}, invalidToken)
}

// challenged adds the challenge of RFC 6750 section 3 and RFC 9728 section 5.1.
// Without a code it is the one for requests that carry no token.
func (v *verifier) challenged(no *refusal, code string) *refusal {
	params := []param{{"resource_metadata", v.metadataURL}, {"scope", strings.Join(v.scopes, " ")}}
	if v.metadataURL == "" {
		params[0] = param{"realm", realm}
	}
	if code != "" {
		params = append(params, param{"error", code}, param{"error_description", no.detail})
	}
	no.challenges = []string{challenge("Bearer", params...)}
	return no
}

func (v *verifier) discover(ctx context.Context, _ *oauth.Metadata) (*oauth.Metadata, error) {
	return oauth.Discover(ctx, v.cfg.Client, v.issuerText)
}

func (v *verifier) fetchKeys(ctx context.Context, old *oauth.KeySet) (*oauth.KeySet, error) {
	server, err := v.server.Get(ctx)
	var keys *oauth.KeySet
	if err == nil {
		keys, err = oauth.FetchKeys(ctx, v.cfg.Client, server.JWKS, old)
	}
	if err != nil {
		v.complain(ctx, "the keys of the authorization server cannot be had: "+err.Error())
	}
	return keys, err
}

// identify verifies a token, or remembers that it did. An error that is no
// tokenError is a failure of ours.
func (v *verifier) identify(ctx context.Context, token string) (*Identity, error) {
	sum := sha256.Sum256([]byte(token))
	if v.introspect {
		return v.introspected(ctx, token, sum)
	}
	keys, err := v.keys.Get(ctx)
	if err != nil {
		return nil, err
	}
	if id := v.tokens.get(sum, keys, v.cfg.Clock()); id != nil {
		return id, nil
	}
	id, keys, err := v.verifyJWT(ctx, token, keys)
	if err != nil {
		return nil, err
	}
	v.tokens.put(sum, remembered{id, keys, id.Expires.Add(oauth.Leeway)})
	return id, nil
}
