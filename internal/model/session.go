package model

import "github.com/fairlead/fairlead/internal/document"

// Session is how callers sign in at a consumed API: x-fairlead: {session: …}.
type Session struct {
	Node                   *document.Node
	Login, Refresh, Logout *SessionCall // nil when not said
	Ask                    []*SessionField
	Service                []Argument
	Replace                []string
	// as written: alternatives, paths, places
	Token, Renews, Expires, Send, Show *document.Node
	Margin                             string

	OAuth *OAuth // in the place of operations; nil when not said
}

// OAuth is an authorization server at which people agree: x-fairlead: {oauth: …}.
// Texts are as written, nil when not said.
type OAuth struct {
	Issuer, Authorization, Token, Revocation *document.Node
	ClientID, ClientSecret, Resource         *document.Node
	Auth                                     string
	Scopes                                   []string
	Parameters                               []Argument
}

// SessionCall is an operation of a session. With is nil when only its name is there.
type SessionCall struct {
	Node *document.Node
	Call string
	With []Argument
}

// SessionField is one thing that a person is asked.
type SessionField struct {
	Node              *document.Node
	Name, Label, Hint string
	Secret, Required  *bool // nil when not said
}
