// Package connect serves the pages on which people sign in at consumed APIs:
// /connect lists them, /connect/<handle> is the sign-in that a tool asked for.
// Server-rendered, without scripts. What is typed goes to the API and nowhere
// else; nothing that was typed is shown again but what is no secret.
package connect

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/fairlead/fairlead/internal/oauth"
	"github.com/fairlead/fairlead/internal/session"
)

// Path is where the pages are; it and what is below it belong to no document.
const Path = "/connect"

// maxForm bounds a posted form, in bytes.
const maxForm = 16 << 10

// API is a consumed API at which people sign in.
type API struct {
	Key        session.Key // of the person's session
	Capability string      // the document's display name
	Name       string      // of the API
	Host       string      // that gets what is typed
	Fields     []Field
	Consent    *Consent // in the place of Fields and SignIn; nil where people sign in by these
	// SignIn asks the API for a session. A *Refusal says why there is none in the
	// API's own words, a *NoSession that its answer held none; other errors say that
	// nobody could be asked. given is what the call gave that asked for it, see
	// session.Asked.
	SignIn func(ctx context.Context, values map[string]string, given string) (*session.Session, error)
	// SignOut tells the API that a session ends; nil where nothing can be told.
	SignOut func(ctx context.Context, s *session.Session) error
}

// Field is what a person is asked.
type Field struct {
	Name, Label, Hint string
	Secret, Required  bool
}

// Refusal is an API that does not let somebody in.
type Refusal struct {
	Message  string
	Unjudged bool // it did not look at what was typed: no attempt at guessing
}

func (r *Refusal) Error() string { return r.Message }

// NoSession is an API that answered as if it let somebody in, but gave no session.
type NoSession struct{ Err error }

func (n *NoSession) Error() string { return n.Err.Error() }

// Unwrap is for package errors.
func (n *NoSession) Unwrap() error { return n.Err }

// Config says whose sessions the pages make, and where they keep them.
type Config struct {
	SignIns *session.SignIns
	Vault   *session.Vault
	// APIs are those at which a person may sign in now; it follows a reload.
	APIs func(ctx context.Context, who session.Principal) ([]*API, error)
	// Who is the person behind a request, or an error: a Choice, or one that may be
	// shown. It has answered for itself, as with a redirect to a login, when handled
	// is true. It may set headers of the answer, and Refused.
	Who func(w http.ResponseWriter, r *http.Request) (who Visitor, handled bool, err error)
	// Leave makes a browser forget who is before it; nil where nothing is kept there.
	Leave  func(w http.ResponseWriter, r *http.Request)
	Public *url.URL // the address that people use, nil where only the connection tells it
	// Address is where people reach these pages, as scheme://host[:port], or why they do
	// not; authorization servers send them back there.
	Address func(ctx context.Context) (string, error)
	Cookies *Cookies // for people who are away; nil where no API has a Consent
	// SignedIn takes somebody back whom Who has sent away to prove who they are, and
	// answers, or says why not. It may be nil.
	SignedIn func(w http.ResponseWriter, r *http.Request) error
	// Done is told of a page whose person has signed in, by its handle; may be nil.
	Done   func(handle string)
	Logger *slog.Logger
}

// Visitor is the person before a page.
type Visitor struct {
	session.Principal
	Name string // that they go by at this server, "" when not known
	Kept bool   // the browser keeps who they are, see Config.Leave
	// Pairwise says that the authorization server may know the same person by another
	// name where their assistant signs in (OpenID Connect Core 1.0, section 8.1).
	Pairwise bool
}

// Refused says why somebody is not let in, with a status.
type Refused struct {
	Status  int
	Message string
}

func (r *Refused) Error() string { return r.Message }

// Choice is an error that asks in which way a person wants to prove who they are.
type Choice []Option

// Option is one of several ways.
type Option struct{ Name, URL string }

func (c Choice) Error() string { return "there are several ways to prove who you are" }

// Handler serves the pages.
type Handler struct {
	c     Config
	guard *http.CrossOriginProtection
	mux   *http.ServeMux
}

// New makes a Handler.
func New(c Config) *Handler {
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	h := &Handler{c: c, guard: http.NewCrossOriginProtection(), mux: http.NewServeMux()}
	if c.Public != nil {
		_ = h.guard.AddTrustedOrigin(c.Public.Scheme + "://" + c.Public.Host) // which is one
	}
	h.mux.HandleFunc("GET "+Path, h.person(h.list))
	h.mux.HandleFunc("GET "+Path+"/{$}", h.person(h.list))
	h.mux.HandleFunc("GET "+Path+"/style.css", style)
	h.mux.HandleFunc("POST "+Path+"/open", h.person(h.open))
	h.mux.HandleFunc("POST "+Path+"/end", h.person(h.end))
	h.mux.HandleFunc("POST "+Path+"/leave", h.leave)
	h.mux.HandleFunc("GET "+CallbackPath+"{server}", h.callback)
	h.mux.HandleFunc("GET "+SignedInPath+"{server}", h.signedIn)
	h.mux.HandleFunc("GET "+Path+"/{handle}", h.person(h.form))
	h.mux.HandleFunc("POST "+Path+"/{handle}", h.person(h.submit))
	return h
}

// policy lets a page load its style sheet and post to its own address, and
// nothing else (CSP level 3).
const policy = "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("Content-Security-Policy", policy)
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("X-Frame-Options", "DENY")
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("Cross-Origin-Opener-Policy", "same-origin")
	header.Set("Cache-Control", "no-store")
	// A browser says where a post comes from; one that does not is refused.
	unknown := r.Header.Get("Sec-Fetch-Site") == "" && r.Header.Get("Origin") == ""
	if err := h.guard.Check(r); err != nil || r.Method == http.MethodPost && unknown {
		h.fail(w, r, http.StatusForbidden, "This request does not come from the sign-in page itself.",
			"Open the page again and try there.")
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	h.mux.ServeHTTP(w, r)
}

// person lets only people through who are known.
func (h *Handler) person(next func(http.ResponseWriter, *http.Request, Visitor)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		who, handled, err := h.c.Who(w, r)
		var choice Choice
		var refused *Refused
		switch {
		case handled:
		case errors.As(err, &choice):
			h.show(w, r, http.StatusOK, "choice", page{Title: "Who are you?", Data: choice})
		case errors.As(err, &refused):
			h.fail(w, r, refused.Status, refused.Message, "")
		case err != nil:
			h.fail(w, r, http.StatusForbidden, err.Error(), "")
		case who.IsNobody():
			h.fail(w, r, http.StatusForbidden, "Nobody can sign in here.",
				"This server does not know who its callers are, so it keeps no session for them.")
		default:
			next(w, r, who)
		}
	}
}

// signedIn takes somebody back who was away to prove who they are.
func (h *Handler) signedIn(w http.ResponseWriter, r *http.Request) {
	if h.c.SignedIn == nil {
		h.stray(w, r)
		return
	}
	var refused *Refused
	switch err := h.c.SignedIn(w, r); {
	case err == nil:
	case errors.Is(err, oauth.ErrState), errors.Is(err, oauth.ErrIssuer), errors.Is(err, oauth.ErrAnswer):
		h.stray(w, r)
	case errors.As(err, &refused):
		h.fail(w, r, refused.Status, refused.Message, "")
	default:
		h.c.Logger.WarnContext(r.Context(), "nobody can prove who they are", "error", err)
		h.fail(w, r, http.StatusBadGateway, "The authorization server did not say who you are.",
			"Try again later; the operator finds the reason in the log.")
	}
}

// leave makes the browser forget who is before it.
func (h *Handler) leave(w http.ResponseWriter, r *http.Request) {
	if h.c.Leave != nil {
		h.c.Leave(w, r)
	}
	h.show(w, r, http.StatusOK, "left", page{Title: "Signed out"})
}

// find is the sign-in of the request's handle and its API.
func (h *Handler) find(w http.ResponseWriter, r *http.Request, who Visitor) (session.SignIn, *API) {
	in, err := h.c.SignIns.Find(r.Context(), r.PathValue("handle"), who.Principal)
	if err == nil {
		all, ok := h.apis(w, r, who)
		if !ok {
			return in, nil
		}
		if i := slices.IndexFunc(all, func(api *API) bool { return api.Key == in.Key }); i >= 0 {
			return in, all[i]
		}
	} else if !errors.Is(err, session.ErrNoHandle) {
		h.unread(w, r, err)
		return in, nil
	}
	h.gone(w, r, who)
	return in, nil
}

// unread is a store that cannot be asked now.
func (h *Handler) unread(w http.ResponseWriter, r *http.Request, err error) {
	h.c.Logger.ErrorContext(r.Context(), "sessions cannot be read", "error", err)
	h.fail(w, r, http.StatusServiceUnavailable, "The sessions cannot be read now.",
		"Tell the operator; the log says why.")
}

func (h *Handler) gone(w http.ResponseWriter, r *http.Request, who Visitor) {
	next := "A sign-in page lasts ten minutes and works once, for the person whose assistant asked for it. Ask again to get a new one."
	if who.Pairwise {
		next += " If that person is you: your authorization server knows you by another name here than where your assistant signs in " +
			"(pairwise subjects). Tell the operator, who can name a claim that is the same for both (subject)."
	}
	h.show(w, r, http.StatusNotFound, "failure", page{Title: "Sign-in", Who: who,
		Data: failure{"This page has ended, or it is for somebody else.", next}})
}

// apis are those of the person; not ok when it has answered that they are not known.
func (h *Handler) apis(w http.ResponseWriter, r *http.Request, who Visitor) (all []*API, ok bool) {
	all, err := h.c.APIs(r.Context(), who.Principal)
	if err != nil {
		h.unread(w, r, err)
	}
	return all, err == nil
}

func (h *Handler) form(w http.ResponseWriter, r *http.Request, who Visitor) {
	in, api := h.find(w, r, who)
	switch {
	case api == nil:
	case api.Consent != nil:
		h.show(w, r, http.StatusOK, "consent", consentPage(who, in, api, ""))
	default:
		h.show(w, r, http.StatusOK, "form", formPage(who, in, api, nil, ""))
	}
}

func (h *Handler) submit(w http.ResponseWriter, r *http.Request, who Visitor) {
	in, api := h.find(w, r, who)
	if api == nil {
		return
	}
	if api.Consent != nil {
		h.begin(w, r, who, in, api)
		return
	}
	if err := r.ParseForm(); err != nil {
		h.fail(w, r, http.StatusBadRequest, "The form could not be read.", "Open the page again and try there.")
		return
	}
	values, missing := api.read(r.PostForm)
	if missing != "" {
		h.show(w, r, http.StatusUnprocessableEntity, "form", formPage(who, in, api, values, missing+" is needed."))
		return
	}
	switch err := h.c.SignIns.Attempt(r.Context(), in.Handle, who.Principal); {
	case errors.Is(err, session.ErrGuessing):
		h.fail(w, r, http.StatusTooManyRequests, "Too many attempts failed.",
			"Wait ten minutes, then ask for a new page.")
		return
	case errors.Is(err, session.ErrNoHandle):
		h.gone(w, r, who)
		return
	case err != nil:
		h.unread(w, r, err)
		return
	}
	s, err := api.SignIn(r.Context(), values, in.Asked.Given)
	if err == nil {
		h.keep(w, r, in, api, s)
		return
	}
	var (
		refused *Refusal
		none    *NoSession
		message = api.Host + " could not be asked. Try again later."
	)
	judged := errors.As(err, &refused) && !refused.Unjudged
	switch {
	case refused != nil:
		message = refused.Message
	case errors.As(err, &none):
		judged = true // some answer so to a wrong password
		message = api.Host + " answered, but gave no session. The operator finds the reason in the log."
	}
	if refused == nil {
		h.c.Logger.WarnContext(r.Context(), "sign-in failed", "document", in.Key.Document, "api", in.Key.API, "error",
			err)
	}
	if !judged {
		// it counts, then
		if err := h.c.SignIns.TakeBack(context.WithoutCancel(r.Context()), in.Handle, in.Key); err != nil {
			h.c.Logger.WarnContext(r.Context(), "an attempt to sign in cannot be taken back", "error", err)
		}
	}
	h.refused(w, r, who, in, api, values, message)
}

// keep stores the session that a sign-in has made, and closes its page.
func (h *Handler) keep(w http.ResponseWriter, r *http.Request, in session.SignIn, api *API, s *session.Session) {
	if s.Over(time.Now()) {
		h.c.Logger.WarnContext(r.Context(), "an API gave a session that has ended already", "document", in.Key.Document,
			"api", in.Key.API, "ended", s.Expires)
		h.fail(w, r, http.StatusBadGateway, api.Host+" gave a session that has ended already.",
			"You are not signed in, and nothing was stored. Tell the operator: a clock may be wrong.")
		return
	}
	if err := h.c.Vault.Put(r.Context(), in.Key, s); err != nil {
		h.c.Logger.ErrorContext(r.Context(), "a session cannot be stored", "document", in.Key.Document, "api",
			in.Key.API, "error", err)
		h.fail(w, r, http.StatusServiceUnavailable,
			"You are signed in at "+api.Host+", but the session could not be kept.",
			"Tell the operator; the log says why.")
		return
	}
	if err := h.c.SignIns.Done(r.Context(), in.Handle, in.Key); err != nil { // it ends by itself
		h.c.Logger.WarnContext(r.Context(), "a sign-in page cannot be closed", "error", err)
	}
	if h.c.Done != nil {
		h.c.Done(in.Handle)
	}
	h.show(w, r, http.StatusOK, "done", donePage(api, s))
}

// refused shows the form again, as long as its handle lasts.
func (h *Handler) refused(w http.ResponseWriter, r *http.Request, who Visitor, in session.SignIn, api *API,
	values map[string]string, message string) {
	if _, err := h.c.SignIns.Find(r.Context(), in.Handle, who.Principal); err != nil {
		h.fail(w, r, http.StatusForbidden, message,
			"That was the last attempt on this page. Wait ten minutes, then ask for a new one.")
		return
	}
	h.show(w, r, http.StatusUnprocessableEntity, "form", formPage(who, in, api, values, message))
}

// read takes the fields of api from a form. missing is the label of a field
// that is required and empty.
func (api *API) read(form url.Values) (values map[string]string, missing string) {
	values = map[string]string{}
	for _, f := range api.Fields {
		text := form.Get(f.Name)
		if !f.Secret {
			text = strings.TrimSpace(text)
		}
		if text != "" {
			values[f.Name] = text
		} else if f.Required && missing == "" {
			missing = f.Label
		}
	}
	return values, missing
}

func (h *Handler) list(w http.ResponseWriter, r *http.Request, who Visitor) {
	all, ok := h.apis(w, r, who)
	if !ok {
		return
	}
	var rows []row
	for i, api := range all {
		s, err := h.c.Vault.Get(r.Context(), api.Key)
		if err != nil && !errors.Is(err, session.ErrSignIn) {
			h.unread(w, r, err)
			return
		}
		rows = append(rows, listRow(i, api, s))
	}
	h.show(w, r, http.StatusOK, "list", page{Title: "Sign-ins", Who: who, Data: rows})
}

// open leads somebody who comes alone to the page of an API.
func (h *Handler) open(w http.ResponseWriter, r *http.Request, who Visitor) {
	api := h.posted(w, r, who)
	if api == nil {
		return
	}
	key := api.Key
	in, err := h.c.SignIns.Ask(r.Context(), key, session.Asked{Capability: api.Capability})
	if err != nil && !errors.Is(err, session.ErrTooMany) {
		h.unread(w, r, err)
		return
	}
	if err != nil {
		h.fail(w, r, http.StatusTooManyRequests, "Too many sign-in pages were opened in the last ten minutes.",
			"Use one that is open, or wait ten minutes.")
		return
	}
	http.Redirect(w, r, Path+"/"+in.Handle, http.StatusSeeOther)
}

// end ends a session: the API is told, and it is forgotten in any case.
func (h *Handler) end(w http.ResponseWriter, r *http.Request, who Visitor) {
	api := h.posted(w, r, who)
	if api == nil {
		return
	}
	key := api.Key
	err := h.c.Vault.End(r.Context(), key, api.SignOut)
	var untold *session.Untold
	switch {
	case errors.As(err, &untold):
		h.c.Logger.WarnContext(r.Context(), "an API was not told of a sign-out", "document", key.Document, "api",
			key.API, "error", err)
	case err != nil:
		h.c.Logger.ErrorContext(r.Context(), "a session cannot be forgotten", "document", key.Document, "api",
			key.API, "error", err)
		h.fail(w, r, http.StatusServiceUnavailable, "The session could not be ended.",
			"Tell the operator; the log says why.")
		return
	}
	http.Redirect(w, r, Path, http.StatusSeeOther)
}

// posted is the API that a button of the list names by document and namespace;
// nil when it has answered that there is none.
func (h *Handler) posted(w http.ResponseWriter, r *http.Request, who Visitor) *API {
	all, ok := h.apis(w, r, who)
	if !ok {
		return nil
	}
	for _, api := range all {
		if r.PostFormValue("document") == api.Key.Document && r.PostFormValue("api") == api.Key.API {
			return api
		}
	}
	h.gone(w, r, who)
	return nil
}
