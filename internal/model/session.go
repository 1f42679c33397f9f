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
