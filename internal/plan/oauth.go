package plan

import "github.com/fairlead/fairlead/internal/expr"

// OAuth is an authorization server at which people agree that callers act for them:
// another way to make a session.
type OAuth struct {
	// Texts without an expression are not said. They are over the frames of units
	// without inputs, of which each is read when it is needed: Server's says where people
	// are sent, Client's as which client, Proof's that it is the client.
	Server                                   *Unit
	Issuer, Authorization, Token, Revocation expr.Expr // the issuer, or both of the first two endpoints
	Client                                   *Unit
	ClientID, Resource                       expr.Expr
	Parameters                               []OAuthParameter
	Proof                                    *Unit
	ClientSecret                             expr.Expr

	Auth   string // how the secret is sent: basic, post, or "" for what the server says
	Scopes []string
}

// OAuthParameter is one more parameter of the authorization request.
type OAuthParameter struct {
	Name  string
	Value expr.Expr
}

// ForPeople reports whether a person can sign in.
func (s *Session) ForPeople() bool { return s.OAuth != nil || s.Login != nil && len(s.Fields) > 0 }
