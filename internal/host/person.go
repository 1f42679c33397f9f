package host

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"
	"strings"

	"github.com/fairlead/fairlead/internal/document"
	"github.com/fairlead/fairlead/internal/guard"
	"github.com/fairlead/fairlead/internal/model"
	"github.com/fairlead/fairlead/internal/session"
	"github.com/fairlead/fairlead/internal/value"
)

// Why there is nobody in person, in sentences for callers.
const (
	nobodyKnown = "This server does not know who calls; its operator has to protect it with oauth2, basic or digest " +
		"authentication."
	nobodyHere = "This server does not know who calls; its operator has to protect it with oauth2, basic or digest " +
		"authentication, or to start it with --local-sessions where one person alone uses this machine."
	nobodyForwarded = "Only whoever calls this server from its own machine, by a loopback address and through no " +
		"proxy, is known in person."
	nobodyShared = "Everybody here brings the same secret, so nobody is known in person; the operator can let all who " +
		"know it share what one of them signs in to, with --shared-sessions."
	nobodyMachine = "The access token stands for a client and for no person; a person has to get one, or the operator " +
		"configures a service account for the API."
	nobodyNamed = "The access token does not say whose it is: it has no claim “"
)

// people are who a caller is, by how the server has let them in: the guard's
// kind, "" for none (docs/sessions.md, “Who is signed in”). Where it is nobody,
// the text says why.
var people = map[string]func(*Config, context.Context, *guard.Identity) (session.Principal, string){
	"oauth2": byToken, "basic": byName, "digest": byName, "bearer": bySecret, "apikey": bySecret, "": byConnection,
}

// nobodyAt says, to operators, why a server with authentication of a kind knows nobody
// in person; "" where it knows some. It is what people says of all its callers.
func (c *Config) nobodyAt(kind string) string {
	switch kind {
	case "":
		if !c.LocalSessions {
			return "The server knows nobody in person: protect it with oauth2, basic or digest authentication, or start " +
				"it with --local-sessions where one person alone uses this machine."
		}
	case "bearer", "apikey":
		if !c.SharedSessions {
			return "Everybody brings the same secret: --shared-sessions lets all who know it share what one of them signs " +
				"in to."
		}
	}
	return ""
}

// person is who calls, as far as sessions belong to people. Nobody is the zero
// Principal, and the text says why.
func (c *Config) person(ctx context.Context) (session.Principal, string) {
	id, ok := guard.From(ctx)
	kind := ""
	if ok {
		kind = id.Kind
	}
	by := people[kind]
	if by == nil {
		return session.Principal{}, nobodyKnown
	}
	return by(c, ctx, id)
}

// byToken takes the person of an access token. A claim of the operator's choice
// has an issuer of its own: what it says in one token may be the sub of another.
func byToken(_ *Config, _ context.Context, id *guard.Identity) (session.Principal, string) {
	if isMachine(id) {
		return session.Principal{}, nobodyMachine
	}
	return Person(id.Issuer, id.PersonClaim, id.Claims)
}

// Person is whom the claims of an issuer's token name by a claim.
func Person(issuer, claim string, claims value.Value) (session.Principal, string) {
	name := claims.Get(claim)
	if name.Kind() != value.String || name.Text() == "" {
		return session.Principal{}, nobodyNamed + claim + "”."
	}
	return session.Principal{Issuer: issuerOf(issuer, claim), Subject: name.Text()}, ""
}

func issuerOf(issuer, claim string) string {
	issuer = strings.TrimSuffix(issuer, "/")
	if claim != "sub" {
		issuer += "#" + claim
	}
	return issuer
}

// isMachine reports whether an access token was issued to a client for itself: it
// says so, it names nobody, or its subject is the client (RFC 9068 section 2.2).
func isMachine(id *guard.Identity) bool {
	text := func(claim string) string {
		if v := id.Claims.Get(claim); v.Kind() == value.String {
			return v.Text()
		}
		return ""
	}
	switch {
	case id.Subject == "":
		return id.PersonClaim == "sub"
	case id.Subject == text("client_id"), id.Subject == text("azp"), id.Subject == text("cid"):
		return true
	case text("gty") == "client-credentials", strings.HasSuffix(id.Subject, "@clients"): // Auth0
		return true
	case text("idtyp") == "app": // Entra ID
		return true
	}
	return strings.HasPrefix(text("preferred_username"), "service-account-") // Keycloak
}

func byName(_ *Config, _ context.Context, id *guard.Identity) (session.Principal, string) {
	return session.Principal{Issuer: id.Issuer, Subject: id.Subject}, ""
}

func bySecret(c *Config, _ context.Context, id *guard.Identity) (session.Principal, string) {
	if !c.SharedSessions {
		return session.Principal{}, nobodyShared
	}
	return session.Principal{Issuer: id.Issuer, Subject: everybody}, ""
}

// everybody is the one person that all are who know a secret.
const everybody = "everybody"

func byConnection(c *Config, ctx context.Context, _ *guard.Identity) (session.Principal, string) {
	d, _ := ctx.Value(doorKey{}).(*door)
	switch {
	case isOwn(ctx):
		return session.Local(), ""
	case c.LocalSessions:
		return session.Principal{}, nobodyForwarded
	case d != nil && d.local.Addr().IsLoopback():
		return session.Principal{}, nobodyHere
	}
	return session.Principal{}, nobodyKnown
}

// realmOf is the issuer of the people whom a server knows by a credential of its
// own. Servers of one document with the same authentication share their people;
// the same name elsewhere is somebody else. A secret that stands in the document is
// no part of it, since issuers are shown to operators.
func realmOf(d *declared) string {
	auth := d.server.Auth.Model
	first := slices.IndexFunc(d.document.Model.Exposes, func(e *model.Expose) bool {
		return e.Auth != nil && e.Auth.Type == auth.Type && maps.EqualFunc(e.Auth.Fields, auth.Fields,
			func(a, b *document.Node) bool { return a.Str() == b.Str() })
	})
	of := d.server.Model
	if first >= 0 {
		of = d.document.Model.Exposes[first]
	}
	texts := []string{d.document.Name, of.Type, of.Namespace}
	for _, field := range slices.Sorted(maps.Keys(auth.Fields)) {
		text := auth.Text(field)
		switch field {
		case "password", "token", "value", "clientSecret":
			if !strings.Contains(text, "{{") {
				text = ""
			}
		}
		texts = append(texts, field, text)
	}
	sum := session.Digest(texts...)
	kind := "users"
	if auth.Type == "bearer" || auth.Type == "apikey" {
		kind = "secret"
	}
	return kind + ":" + hex.EncodeToString(sum[:sha256.Size/2])
}
