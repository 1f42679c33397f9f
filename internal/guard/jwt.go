package guard

import (
	"context"
	"slices"
	"strings"

	"github.com/fairlead/fairlead/internal/oauth"
	"github.com/fairlead/fairlead/internal/secret"
	"github.com/fairlead/fairlead/internal/value"
)

// Faults of a token.
const (
	faultForm      = tokenError("The access token is not a JWT with a signature of an accepted algorithm.")
	faultType      = tokenError("The JWT is not an access token.")
	faultKey       = tokenError("The access token is signed with a key that the authorization server does not publish.")
	faultAlgorithm = tokenError("The access token is signed with an algorithm that is not that of its key.")
	faultSignature = tokenError("The signature of the access token is wrong.")
	faultClaims    = tokenError("The access token has no claims.")
	faultNoExpiry  = tokenError("The access token has no expiry.")
	faultExpired   = tokenError("The access token has expired.")
	faultEarly     = tokenError("The access token is not valid yet.")
	faultIssuer    = tokenError("The access token is of another issuer.")
	faultAudience  = tokenError("The access token is not for this resource.")
	faultInactive  = tokenError("The access token is not active.")
)

// types are the values of the header typ that an access token may have: RFC 9068
// section 2.1, and what servers sent before it. Others name tokens for other
// ends (RFC 8725 section 3.11).
var types = []string{"", "jwt", "at+jwt"}

// verifyJWT verifies signature and claims, and returns the key set that it did
// it with. A key that is not known makes it look for new ones.
func (v *verifier) verifyJWT(ctx context.Context, token string, keys *oauth.KeySet) (*Identity, *oauth.KeySet, error) {
	signed, err := oauth.ParseSigned(token)
	if err != nil {
		return nil, nil, faultForm
	}
	if !slices.Contains(types, signed.Type()) {
		return nil, nil, faultType
	}
	payload, err := keys.Verify(signed)
	if err == oauth.ErrKey {
		newer, fetchErr := v.keys.Newer(ctx, oauth.RenewPause)
		if fetchErr != nil {
			return nil, nil, fetchErr
		}
		keys = newer
		payload, err = keys.Verify(signed)
	}
	if err != nil {
		return nil, nil, faultOf(err)
	}
	claims, err := value.Parse(payload)
	if err != nil || claims.Kind() != value.Object {
		return nil, nil, faultClaims
	}
	if claims.Get("exp").IsAbsent() {
		return nil, nil, faultNoExpiry
	}
	if claims.Get("iss").IsAbsent() {
		return nil, nil, faultIssuer
	}
	id, err := v.accept(claims, token)
	return id, keys, err
}

// faultOf is a fault of the signature in words for the caller.
func faultOf(err error) error {
	switch err {
	case oauth.ErrKey:
		return faultKey
	case oauth.ErrAlgorithm:
		return faultAlgorithm
	default:
		return faultSignature
	}
}

// accept checks the claims of a token that is genuine: those of a JWT (RFC 7519,
// RFC 9068) or of an introspection (RFC 7662 section 2.2). An audience is a must
// with both, as MCP has it.
func (v *verifier) accept(claims value.Value, token string) (*Identity, error) {
	now := v.cfg.Clock()
	expires, hasExpiry, ok := oauth.NumericDate(claims.Get("exp"))
	switch {
	case !ok:
		return nil, faultNoExpiry
	case hasExpiry && now.After(expires.Add(oauth.Leeway)):
		return nil, faultExpired
	}
	notBefore, hasStart, ok := oauth.NumericDate(claims.Get("nbf"))
	if !ok || hasStart && now.Add(oauth.Leeway).Before(notBefore) {
		return nil, faultEarly
	}
	issuer := claims.Get("iss")
	if !issuer.IsAbsent() && (issuer.Kind() != value.String || !oauth.SameURI(issuer.Text(), v.issuerText)) {
		return nil, faultIssuer
	}
	if !slices.ContainsFunc(oauth.Texts(claims.Get("aud")),
		func(aud string) bool { return oauth.SameURI(aud, v.audience) }) {
		return nil, faultAudience
	}
	id := &Identity{
		Kind: "oauth2", Subject: oauth.Text(claims.Get("sub")), Issuer: v.issuerText,
		Client: oauth.Text(claims.Get("client_id")),
		Scopes: scopesOf(claims), Claims: claims, Expires: expires, Token: secret.New(token), PersonClaim: v.subject,
	}
	if id.Client == "" {
		id.Client = oauth.Text(claims.Get("azp"))
	}
	return id, nil
}

// scopesOf reads the claims scope and scp, which servers write as text with
// blanks between or as an array.
func scopesOf(claims value.Value) (scopes []string) {
	for _, name := range []string{"scope", "scp"} {
		for _, text := range oauth.Texts(claims.Get(name)) {
			for scope := range strings.FieldsSeq(text) {
				if !slices.Contains(scopes, scope) {
					scopes = append(scopes, scope)
				}
			}
		}
	}
	return scopes
}
