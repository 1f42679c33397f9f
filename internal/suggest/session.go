package suggest

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/fairlead/fairlead/internal/model"
)

// Suggestion is an overlay for a document, and what could not be known.
type Suggestion struct {
	Overlay []byte   // nil when there is nothing to add
	Notes   []string // sentences without a full stop
}

// Of drafts the overlay that declares how people sign in at the APIs of a document, where
// it has a login and declares no session. The same document gives the same text.
func Of(m *model.Capability) Suggestion {
	logins, endpoints := find(m)
	w := &writer{file: m.File}
	for _, f := range logins {
		w.login(m, f)
	}
	for _, op := range endpoints {
		w.note("%s is the token endpoint of an authorization server and no login: let Fairlead ask it, with authentication: "+
			"{type: oauth2, tokenEndpoint, clientId, clientSecret}, or for people x-fairlead: {oauth: …}", op.Name)
	}
	if len(w.lines) == 0 {
		return Suggestion{Notes: w.notes}
	}
	head := []string{"# How people sign in, so that agents see neither passwords nor tokens. Written by “fairlead suggest”:",
		"# look it over. What is marked “missing” is not in the document and may be wrong.", "overlay: 1.0.0", "info:",
		"  title: " + text("Sign-in for "+m.Name()), "  version: 1.0.0", "actions:"}
	return Suggestion{[]byte(strings.Join(append(head, w.lines...), "\n") + "\n"), w.notes}
}

type writer struct {
	file  string
	lines []string
	notes []string
}

func (w *writer) line(format string, args ...any) {
	w.lines = append(w.lines, fmt.Sprintf(format, args...))
}

func (w *writer) note(format string, args ...any) {
	if n := fmt.Sprintf(format, args...); !slices.Contains(w.notes, n) {
		w.notes = append(w.notes, n)
	}
}

// missing says what the document does not say: in the overlay, and to who asked.
func (w *writer) missing(indent, of, format string, args ...any) {
	what := fmt.Sprintf(format, args...)
	w.line("%s# missing: %s", indent, oneLine(what))
	w.note("%s: missing: %s", of, what)
}

// field is one thing that a person is asked.
type field struct {
	name, label      string
	secret, optional bool
}

// draft is the session of one login.
type draft struct {
	*found
	known   *known
	fields  []field
	guessed bool              // nobody says what the login takes
	with    map[string]string // fixed values of the login
	target  string            // of the login
}

func (w *writer) login(m *model.Capability, f *found) {
	op := f.login
	d := &draft{found: f, known: knows(f.api, op), with: map[string]string{}}
	of := f.api.Namespace + "." + op.Name
	said := strings.ToLower(op.Description + " " + f.api.Description)
	d.ask()
	switch {
	case strings.Contains(strings.ToLower(op.Description), "basic auth") && len(takes(f.api, op)) == 0:
		w.note("%s: missing: a way to sign in. It takes Basic authentication of the person, which a session cannot send: "+
			"bind user and password, and declare a custom-token whose acquire calls it", of)
		return
	case op.RawFormat == "xml" || strings.Contains(strings.ToLower(op.FullPath()), "soap"):
		w.note("%s: missing: a way to read its answer, which is XML; the token of a session is read from JSON, a header "+
			"or a cookie", of)
		return
	}
	for _, rival := range f.rivals {
		w.note("%s.%s may be a login, too; the session uses %s", f.api.Namespace, rival.Name, of)
	}
	tokens, sure := d.tokens(said)
	for i, api := range f.apis {
		w.line("- target: %s", text(apiTarget(m, api)))
		about := "People sign in with " + of + "."
		if d.known != nil {
			about += " Places are those of the reference of " + d.known.what + "."
		}
		w.line("  description: %s", text(about))
		w.line("  update:")
		w.line("    x-fairlead:")
		w.line("      session:")
		w.session(m, d, api, of, tokens, sure, i == 0)
	}
	d.target = operationTarget(m, f.api, op)
	if !sure {
		tokens = nil
	}
	w.operation(d, f.api, tokens)
}

// session writes what stands below session. The first of several APIs says what is
// missing, too.
func (w *writer) session(m *model.Capability, d *draft, api *model.Consume, of string, tokens []string, sure,
	first bool) {
	const in = "        "
	missing := func(format string, args ...any) {
		if first {
			w.missing(in, of, format, args...)
		}
	}
	if len(d.with) == 0 {
		w.line(in+"login: %s", text(of))
	} else {
		w.line(in + "login:")
		w.line(in+"  call: %s", text(of))
		w.line(in + "  with:")
		for _, f := range d.fields {
			w.line(in+"    %s: %s", text(f.name), text("{{"+f.name+"}}"))
		}
		for _, name := range slices.Sorted(maps.Keys(d.with)) {
			w.line(in+"    %s: %s", text(name), text(d.with[name]))
		}
	}
	if d.guessed {
		missing("what a person is asked: the document does not say what %s takes", d.login.Name)
	}
	w.line(in + "ask:")
	for _, f := range d.fields {
		more := ""
		if f.secret {
			more += ", secret: true"
		}
		if f.optional {
			more += ", required: false"
		}
		w.line(in+"  %s: {label: %s%s}", text(f.name), flow(f.label), more)
	}
	if first {
		w.service(m, d, in)
	}
	if !sure {
		missing("where the token stands in the answer; these are the usual places, tried in order")
	}
	w.line(in+"token: %s", list(tokens))
	expires := "[{in: $.expires_in}, {in: $.expiresIn}, $.expires_at, $.expiresAt, $.expires]"
	if d.known != nil && d.known.expires != "" {
		expires = d.known.expires
	} else if first {
		w.line(in + "# when it ends: the usual places, tried in order; without one it lasts until the API refuses it")
	}
	w.line(in+"expires: %s", expires)
	send, known := d.send(api)
	switch {
	case !known:
		missing("how the API wants the token: %s is a guess", send)
	case d.known == nil && strings.Contains(plain(send), "apikey"):
		missing("whether the API takes the token where it takes its key, as %s", send)
	}
	w.line(in+"send: %s", send)
	w.parts(d, of, in, first)
	if d.known != nil && d.known.show != "" {
		w.line(in+"show: %s", d.known.show)
	}
}

// service shows, as a comment, the service account that binds of the document seem to
// be for: variables that end in the names of the fields.
func (w *writer) service(m *model.Capability, d *draft, in string) {
	var members []string
	for _, f := range d.fields {
		variable := ""
		for _, b := range m.Binds {
			for _, key := range b.Keys {
				if strings.HasSuffix(plain(key.Name), plain(f.name)) {
					variable = key.Name
				}
			}
		}
		switch {
		case variable != "":
			members = append(members, flow(f.name)+": "+flow("{{"+variable+"}}"))
		case !f.optional:
			return
		}
	}
	w.line("%s# a service account, for callers who have not signed in, if these variables are for one:", in)
	w.line("%s# service: {%s}", in, strings.Join(members, ", "))
}

// parts writes the operations that renew, replace and end the session.
func (w *writer) parts(d *draft, of, in string, first bool) {
	renews := false
	for _, part := range []struct {
		key  string
		role Role
	}{{"refresh", Refresh}, {"logout", Logout}} {
		for _, op := range d.of[part.role] {
			with, lacks := d.own(op)
			if len(lacks) > 0 {
				if first {
					w.missing(in, of, "%s for %s.%s, which would %s the session", strings.Join(lacks, ", "),
						d.api.Namespace,
						op.Name, map[Role]string{Refresh: "renew", Logout: "end"}[part.role])
				}
				continue
			}
			renews = renews || strings.Contains(with, "session.renews")
			name := d.api.Namespace + "." + op.Name
			if with == "" {
				w.line("%s%s: %s", in, part.key, text(name))
			} else {
				w.line("%s%s: {call: %s, with: {%s}}", in, part.key, flow(name), with)
			}
			break
		}
	}
	if renews {
		w.line("%srenews: [$.refresh_token, $.refreshToken, $.data.refresh_token, $.data.refreshToken]", in)
	}
	if d.of[Replace] != nil {
		var names []string
		for _, op := range d.of[Replace] {
			names = append(names, flow(d.api.Namespace+"."+op.Name))
		}
		w.line("%sreplace: [%s]", in, strings.Join(names, ", "))
	}
}

// own is what an operation of the session gets of it, as the members of a mapping, and
// what of its inputs nobody knows.
func (d *draft) own(op *model.Operation) (with string, lacks []string) {
	var members []string
	for _, in := range takes(d.api, op) {
		name, required := plain(in.name), in.required == nil || *in.required
		switch {
		case name == "authorization":
		case strings.Contains(name, "refresh") || name == "token" && RoleOf(d.api, op) == Refresh && in.in == "body":
			members = append(members, flow(in.name)+": "+flow("{{session.renews}}"))
		case isToken(in.name) || name == "sessionid" || name == "session" || name == "icsessionid":
			members = append(members, flow(in.name)+": "+flow("{{session.token}}"))
		case required && (in.in == "path" || in.required != nil || in.in == "body"):
			lacks = append(lacks, in.name)
		}
	}
	return strings.Join(members, ", "), lacks
}

// ask settles what a person is asked.
func (d *draft) ask() {
	given := takes(d.api, d.login)
	for _, in := range given {
		name := plain(in.name)
		secret := IsSecret(in.name)
		user := slices.Contains([]string{"username", "user", "email", "login", "name", "userid", "account", "clientid",
			"loginname", "emailaddress"}, name)
		switch {
		case name == "granttype":
			d.with[in.name] = "password"
		case secret, user, in.in == "path", in.in == "body" || in.in == "form" || in.in == "formdata",
			in.required != nil && *in.required:
			optional := !secret && !user && in.in != "path"
			if in.required != nil {
				optional = !*in.required
			}
			d.fields = append(d.fields, field{in.name, label(in.name), secret, optional})
		}
	}
	if slices.ContainsFunc(d.fields, func(f field) bool { return f.secret }) {
		return
	}
	if d.login.Body != nil && !d.login.Body.Data.IsNull() {
		d.guessed = len(d.fields) == 0
		return // its text says what it takes
	}
	names := []string{"username", "password"}
	switch {
	case d.known != nil && d.known.ask != nil:
		names = d.known.ask
	case d.known != nil && d.known.header != nil:
		names = d.known.header
	default:
		d.guessed = true
	}
	for _, name := range names {
		if plain(name) == "granttype" {
			continue
		}
		d.fields = append(d.fields, field{name: name, label: label(name), secret: IsSecret(name)})
	}
}

// tokens are the places of the token in the answer, as YAML; sure is false when they
// are guessed.
func (d *draft) tokens(said string) (places []string, sure bool) {
	if d.known != nil {
		return d.known.token, true
	}
	for _, o := range d.login.Outputs {
		name := plain(o.Name)
		if (isToken(name) && !strings.Contains(name, "refresh") || name == "sessionid" || name == "jwt") &&
			strings.HasPrefix(o.Mapping, "$.") && len(o.Mapping) > 2 {
			places = append(places, o.Mapping)
		}
	}
	if len(places) > 0 {
		return places, true
	}
	if send, ok := d.send(d.api); ok && strings.HasPrefix(send, "{header: ") &&
		!strings.Contains(send, "Authorization") {
		name := strings.TrimSuffix(strings.TrimPrefix(send, "{header: "), "}")
		name, _, _ = strings.Cut(name, ",")
		places = append(places, "{header: "+name+"}")
	} else if ok && strings.HasPrefix(send, "{cookie: ") {
		places = append(places, send)
	}
	return append(places, "$.token", "$.access_token", "$.accessToken", "$.auth_token", "$.authToken",
		"$.session_token",
		"$.sessionToken", "$.session_id", "$.sessionId", "$.jwt", "$.data.token", "$.data.access_token",
		"$.data.accessToken",
		"$.result.token"), false
}

// send is how the token travels, as YAML: as the credential that the API's
// authentication sends. known is false when that says nothing.
func (d *draft) send(api *model.Consume) (send string, known bool) {
	if d.known != nil {
		return d.known.send, true
	}
	a := api.Auth
	if a == nil {
		return "bearer", false
	}
	switch a.Type {
	case "bearer":
		if scheme, _, ok := strings.Cut(strings.TrimSpace(a.Text("token")), " "); ok &&
			!strings.HasPrefix(scheme, "{{") &&
			!strings.EqualFold(scheme, "bearer") {
			return "{header: Authorization, prefix: " + flow(scheme+" ") + "}", true
		}
		return "bearer", true
	case "apikey":
		key := a.Text("key")
		if key == "" {
			return "bearer", false
		}
		switch strings.ToLower(a.Text("placement")) {
		case "query":
			return "{query: " + flow(key) + "}", true
		case "cookie":
			return "{cookie: " + flow(key) + "}", true
		case "", "header":
			prefix, _, ok := strings.Cut(a.Text("value"), "{{")
			switch {
			case strings.EqualFold(key, "Authorization") && strings.EqualFold(strings.TrimSpace(prefix), "bearer"):
				return "bearer", true
			case ok && prefix != "":
				return "{header: " + flow(key) + ", prefix: " + flow(prefix) + "}", true
			}
			return "{header: " + flow(key) + "}", true
		}
	}
	return "bearer", false
}
