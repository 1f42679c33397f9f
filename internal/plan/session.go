package plan

import (
	"net/url"
	"slices"
	"time"

	"github.com/fairlead/fairlead/internal/jsonpath"
	"github.com/fairlead/fairlead/internal/session"
	"github.com/fairlead/fairlead/internal/upstream"
)

// Session is how people and service accounts sign in at a consumed API, and how
// what they are signed in with is sent, renewed and ended.
type Session struct {
	Namespace  string // of the API
	Document   string // the document's name, for keys
	Capability string // its display name
	At         Whereabouts
	// Others are where the other APIs are that get the session's token: one that moves
	// makes it another session.
	Others     []Whereabouts
	Definition [32]byte       // a digest of all that decides how the session is made and sent
	Fields     []SessionField // what a person is asked, by index of the inputs of Login

	Login   *Unit // signs a person in with the Fields; nil where a person cannot
	Service *Unit // signs the service account in, without inputs; nil where there is none
	Refresh *Unit // renews the session in use; nil where it is made anew
	Logout  *Unit // ends it at the API; nil where the API is not told

	// OAuth is where a person agrees, in the place of all of the above; nil where
	// operations make the session.
	OAuth *OAuth

	Answer SessionAnswer
	Send   upstream.Carrier
	Margin time.Duration // before its end, when it is renewed; 0 is the rule of all sessions
}

// Whereabouts are where an API is, over the frame of a unit that holds only what that
// needs.
type Whereabouts struct {
	Base upstream.Base
	Unit *Unit
}

// SessionField is what a person is asked on the sign-in page and in a terminal.
type SessionField struct {
	Name, Label, Hint string
	Secret, Required  bool
}

// SessionAnswer says what an answer of the login and refresh operations holds.
type SessionAnswer struct {
	Token   []AnswerPart // alternatives in order
	Renews  []AnswerPart // what renews the session, where that is not the token; may be empty
	Expires []Expiry     // alternatives in order; none means that the API does not say
	Show    []ShownPart
}

// AnswerPart is where a text stands in an answer: exactly one of the three is set.
type AnswerPart struct {
	Path           *jsonpath.Path // of the JSON body
	Header, Cookie string
}

// Expiry is when a session ends.
type Expiry struct {
	At   *jsonpath.Path // a time: RFC 3339, of HTTP, or seconds since 1970
	In   *jsonpath.Path // seconds from now
	Life time.Duration  // from now
}

// ShownPart is a fact of the answer that may be told.
type ShownPart struct {
	Name string
	Path *jsonpath.Path
}

// Role says what a unit that is one call means for the session of its API.
type Role uint8

// The roles.
const (
	NoRole      Role = iota
	LoginRole        // makes the session
	RefreshRole      // renews it
	ReplaceRole      // answers another one that takes its place
	LogoutRole       // ends it
)

// String names what a unit of the role does with a session.
func (r Role) String() string { return [...]string{"", "login", "refresh", "replace", "logout"}[r] }

// SignsInAt are the sessions of people that a unit's calls may be sent in, or that it
// makes, renews or ends.
func (u *Unit) SignsInAt() (all []*Session) {
	add := func(s *Session) {
		if s != nil && s.ForPeople() && !slices.Contains(all, s) {
			all = append(all, s)
		}
	}
	add(u.Session)
	for _, s := range u.Steps {
		if s.Kind == CallStep {
			add(s.Call.Session)
		}
	}
	return all
}

// Key is the key of the session, for the API at origin and the others where they are;
// its principal is nobody yet.
func (s *Session) Key(origin string, others ...string) session.Key {
	key := session.Key{Document: s.Document, API: s.Namespace, Origin: origin, Definition: s.Definition}
	if len(others) > 0 {
		key.Definition = session.Digest(append([]string{string(s.Definition[:])}, others...)...)
	}
	return key
}

// FixedKey is the key of a session of which the document itself says where everything is.
func (s *Session) FixedKey() (key session.Key, ok bool) {
	if s.At.Base.Fixed == nil || s.OAuth != nil {
		return key, false
	}
	var others []string
	for _, o := range s.Others {
		if o.Base.Fixed == nil {
			return key, false
		}
		others = append(others, Origin(o.Base.Fixed))
	}
	return s.Key(Origin(s.At.Base.Fixed), others...), true
}

// Origin is scheme://host[:port] of a URL.
func Origin(u *url.URL) string { return u.Scheme + "://" + u.Host }

// Units are the units of the session's own: all that read secrets for it.
func (s *Session) Units() []*Unit {
	all := []*Unit{s.At.Unit, s.Login, s.Service, s.Refresh, s.Logout}
	if s.OAuth != nil {
		all = append(all, s.OAuth.Server, s.OAuth.Proof)
	}
	return slices.DeleteFunc(all, func(u *Unit) bool { return u == nil })
}
