package oauth

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/fairlead/fairlead/internal/kept"
	"github.com/fairlead/fairlead/internal/session"
	"github.com/fairlead/fairlead/internal/value"
)

// Server is an authorization server of which Fairlead is a client. What it says of
// itself, and its keys, are fetched when first needed and kept.
type Server struct {
	http     Doer
	metadata kept.Value[*Metadata]
	keys     kept.Value[*KeySet]
}

// Ages of what is kept, see kept.Value.
const (
	metadataFresh, metadataUsable = time.Hour, 24 * time.Hour
	keysFresh, keysUsable         = 5 * time.Minute, time.Hour
)

// NewServer is the server of an issuer, whose endpoints are discovered.
func NewServer(client Doer, issuer string) *Server {
	return newServer(client, func(ctx context.Context, _ *Metadata) (*Metadata, error) {
		if _, err := SafeURL(issuer); err != nil {
			return nil, fmt.Errorf("the issuer is %w", err)
		}
		return Discover(ctx, client, issuer)
	})
}

// NewStaticServer is a server whose metadata is known.
func NewStaticServer(client Doer, m Metadata) *Server {
	return newServer(client, func(context.Context, *Metadata) (*Metadata, error) { return &m, nil })
}

func newServer(client Doer, discover func(context.Context, *Metadata) (*Metadata, error)) *Server {
	s := &Server{http: client}
	s.metadata = kept.Value[*Metadata]{Fetch: discover, Now: time.Now, Fresh: metadataFresh, Usable: metadataUsable}
	s.keys = kept.Value[*KeySet]{Fetch: s.fetchKeys, Now: time.Now, Fresh: keysFresh, Usable: keysUsable}
	return s
}

func (s *Server) fetchKeys(ctx context.Context, old *KeySet) (*KeySet, error) {
	m, err := s.Metadata(ctx)
	if err != nil {
		return nil, err
	}
	return FetchKeys(ctx, s.http, m.JWKS, old)
}

// Label tells an authorization server from all others, for addresses: by its issuer, and
// by its endpoints where they are not discovered.
func Label(issuer, authorization, token string) string {
	sum := session.Digest("authorization server", issuer, authorization, token)
	return hex.EncodeToString(sum[:5])
}

// Metadata is what the server says of itself.
func (s *Server) Metadata(ctx context.Context) (*Metadata, error) { return s.metadata.Get(ctx) }

// verify returns what the server has signed, of the types that are expected.
func (s *Server) verify(ctx context.Context, token string, types ...string) ([]byte, error) {
	signed, err := ParseSigned(token)
	if err != nil {
		return nil, err
	}
	if !slices.Contains(types, signed.Type()) {
		return nil, errors.New("a token of another type")
	}
	keys, err := s.keys.Get(ctx)
	if err != nil {
		return nil, err
	}
	payload, err := keys.Verify(signed)
	if err == ErrKey {
		if keys, err = s.keys.Newer(ctx, RenewPause); err != nil {
			return nil, err
		}
		payload, err = keys.Verify(signed)
	}
	return payload, err
}

// VerifyID returns the claims of an ID token that the server gave the client for
// this transaction (OpenID Connect Core 1.0, section 3.1.3.7).
func (c *Client) VerifyID(ctx context.Context, t Transaction, token string) (value.Value, error) {
	claims, err := c.verifyID(ctx, t, token)
	if err != nil {
		return value.Value{}, fmt.Errorf("verify the ID token: %w", err)
	}
	return claims, nil
}

func (c *Client) verifyID(ctx context.Context, t Transaction, token string) (value.Value, error) {
	if token == "" {
		return value.Value{}, errors.New("the answer holds none")
	}
	m, err := c.Server.Metadata(ctx)
	if err != nil {
		return value.Value{}, err
	}
	payload, err := c.Server.verify(ctx, token, "", "jwt")
	if err != nil {
		return value.Value{}, err
	}
	claims, err := value.Parse(payload)
	if err != nil || claims.Kind() != value.Object {
		return value.Value{}, errors.New("it has no claims")
	}
	now := time.Now()
	expires, hasExpiry, ok := NumericDate(claims.Get("exp"))
	if !ok || !hasExpiry || now.After(expires.Add(Leeway)) {
		return value.Value{}, errors.New("it has expired, or does not say when")
	}
	made, hasMade, ok := NumericDate(claims.Get("iat"))
	if !ok || !hasMade || made.After(now.Add(Leeway)) {
		return value.Value{}, errors.New("it is not made yet, or does not say when")
	}
	audience, party := Texts(claims.Get("aud")), claims.Get("azp")
	switch {
	case Text(claims.Get("iss")) != m.Issuer || m.Issuer == "":
		return value.Value{}, errors.New("it is of another issuer")
	case !slices.Contains(audience, c.ID):
		return value.Value{}, errors.New("it is for another client")
	case party.IsAbsent() && len(audience) > 1, !party.IsAbsent() && Text(party) != c.ID:
		return value.Value{}, errors.New("it was given to another client")
	case t.Nonce == "" || Text(claims.Get("nonce")) != t.Nonce:
		return value.Value{}, errors.New("it belongs to another sign-in")
	}
	return claims, nil
}
