package plan

import "github.com/fairlead/fairlead/internal/expr"

// OAuth is an authorization server at which people agree that callers act for them:
// another way to make a session.
type OAuth struct {
	// Server is whose frame the texts are over, Proof that of the client's secret, which
	// is not needed as long as a session lasts. They take no inputs.
	Server, Proof *Unit

	// Texts without an expression are not said: either the issuer is there, or both of
	// the first two endpoints.
	Issuer, Authorization, Token, Revocation expr.Expr
	ClientID, ClientSecret, Resource         expr.Expr

	Auth       string // how the secret is sent: basic, post, or "" for what the server says
	Scopes     []string
	Parameters []OAuthParameter
}

// OAuthParameter is one more parameter of the authorization request.
type OAuthParameter struct {
	Name  string
	Value expr.Expr
}

// ForPeople reports whether a person can sign in.
func (s *Session) ForPeople() bool { return s.OAuth != nil || s.Login != nil && len(s.Fields) > 0 }
