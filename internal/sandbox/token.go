package sandbox

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"
)

// Why a credential is refused; the text is the message of the 401.
var (
	errNoCredential = errors.New("the Authorization header is missing")
	errNoBearer     = errors.New("the Authorization header must be the word Bearer, a space and the token")
	errInvalid      = errors.New("the token is not valid")
	errExpired      = errors.New("the token has expired, log in again")
	errRevoked      = errors.New("the token was revoked, log in again")
)

// claims are what a session token says (RFC 7519 section 4.1), with the
// organization that the session is for, if any. A personal API token has no ID.
type claims struct {
	Subject      string `json:"sub"`
	Organization string `json:"org,omitempty"`
	Expires      int64  `json:"exp"`
	Issued       int64  `json:"iat"`
	ID           string `json:"jti"`
}

// session is POST /v1/account/session: a token without organization.
func (s *Sandbox) session(r *http.Request) answer {
	c, err := s.authenticate(r)
	if err != nil {
		return unauthenticated(err.Error())
	}
	return jsonAnswer(http.StatusOK, loginReply{Token: s.issue(c.Subject, "", s.expiry())})
}

// refresh is PUT /v1/account/refresh: a new token for the old one. Of several
// callers who refresh the same token at once, one succeeds.
func (s *Sandbox) refresh(r *http.Request) answer {
	c, err := s.authenticate(r)
	if err == nil {
		err = s.revoke(c)
	}
	if err != nil {
		return unauthenticated(err.Error())
	}
	return jsonAnswer(http.StatusOK, loginReply{Token: s.issue(c.Subject, c.Organization, s.expiry())})
}

// logout is DELETE /v1/account/logout.
func (s *Sandbox) logout(r *http.Request) answer {
	c, err := s.authenticate(r)
	if err == nil {
		err = s.revoke(c)
	}
	if err != nil {
		return unauthenticated(err.Error())
	}
	return jsonAnswer(http.StatusOK, struct{}{})
}

// authenticate finds out whose credential the request carries. The scheme is
// compared without case (RFC 9110 section 11.1).
func (s *Sandbox) authenticate(r *http.Request) (claims, error) {
	header := r.Header.Get("Authorization")
	if header == "" {
		return claims{}, errNoCredential
	}
	scheme, token, _ := strings.Cut(header, " ")
	if token = strings.TrimSpace(token); token == "" || !strings.EqualFold(scheme, "Bearer") {
		return claims{}, errNoBearer
	}
	if equalSecrets(token, apiToken) {
		demo := s.accounts[0]
		return claims{Subject: demo.userID, Organization: demo.OrganizationID}, nil
	}
	return s.verify(token)
}

// verify returns the claims of a session token that was issued here and is still
// good.
func (s *Sandbox) verify(token string) (claims, error) {
	dot := strings.LastIndexByte(token, '.')
	if dot < 0 {
		return claims{}, errInvalid
	}
	signed, signature := token[:dot], token[dot+1:]
	// Comparing the encoded signatures leaves no second spelling of a token.
	if subtle.ConstantTimeCompare([]byte(s.sign(signed)), []byte(signature)) == 0 {
		return claims{}, errInvalid
	}
	_, payload, _ := strings.Cut(signed, ".")
	text, err := base64.RawURLEncoding.DecodeString(payload)
	if err != nil {
		return claims{}, errInvalid
	}
	var c claims
	if err := json.Unmarshal(text, &c); err != nil {
		return claims{}, errInvalid
	}
	now := s.cfg.Clock()
	if !now.Before(time.Unix(c.Expires, 0)) {
		return claims{}, errExpired
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.tokens.get(c.ID, now) == nil {
		return claims{}, errRevoked
	}
	return c, nil
}

// revoke ends the session of c; a personal API token it leaves alone.
func (s *Sandbox) revoke(c claims) error {
	if c.ID == "" {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.tokens.remove(c.ID) {
		return errRevoked
	}
	return nil
}

// expiry is when a token that is issued now ends.
func (s *Sandbox) expiry() time.Time {
	return s.cfg.Clock().Add(s.cfg.TokenLifetime + time.Second - 1).Truncate(time.Second)
}

// issue makes a token that is good until the given time: a JSON Web Signature in
// the compact form (RFC 7515 section 7.1).
func (s *Sandbox) issue(user, organization string, until time.Time) tokenReply {
	now, id := s.cfg.Clock(), rand.Text()
	payload, _ := json.Marshal(claims{ // strings and integers always marshal
		Subject:      user,
		Organization: organization,
		Expires:      until.Unix(),
		Issued:       min(now.Unix(), until.Unix()),
		ID:           id,
	})
	signed := encode([]byte(`{"alg":"HS256","typ":"JWT"}`)) + "." + encode(payload)

	s.mu.Lock()
	defer s.mu.Unlock()
	s.tokens.put(id, until, now)
	return tokenReply{
		ID:             signed + "." + s.sign(signed),
		UserID:         user,
		OrganizationID: organization,
		ExpiresAt:      until.UTC().Format(time.RFC3339),
	}
}

func (s *Sandbox) sign(signed string) string {
	mac := hmac.New(sha256.New, s.key)
	mac.Write([]byte(signed))
	return encode(mac.Sum(nil))
}

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }
