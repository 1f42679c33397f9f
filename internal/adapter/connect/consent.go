package connect

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/fairlead/fairlead/internal/oauth"
	"github.com/fairlead/fairlead/internal/session"
)

// CallbackPath is where people come back to from authorization servers, each of which
// has an address of its own below it (RFC 9700 section 4.4.2.2).
const CallbackPath = Path + "/callback/"

// SignedInPath is the same for people who were away to prove who they are.
const SignedInPath = Path + "/signed-in/"

// Consent is how a person agrees, at an authorization server, that callers act for
// them at an API.
type Consent struct {
	Server   string   // the host that the person is sent to
	Scopes   []string // that they are asked for
	Callback string   // the last part of the redirect address, other than that of all other servers
	// Begin is where the person is sent, and what Finish needs when they come back.
	Begin func(ctx context.Context, redirect string) (string, oauth.Transaction, error)
	// Finish makes a session of what the browser brings. Its errors are those of
	// oauth.Client.Finish.
	Finish func(ctx context.Context, t oauth.Transaction, answer url.Values) (*session.Session, error)
}

// away is what a browser keeps of a person who is away to agree.
type away struct {
	Handle      string            `json:"handle"`
	Transaction oauth.Transaction `json:"transaction"`
}

// StateCookie names what a browser keeps under a state; not ok for what is none.
func StateCookie(state string) (name string, ok bool) {
	ok = len(state) == 26 && !strings.ContainsFunc(state, func(r rune) bool { // as of rand.Text
		return (r < 'A' || r > 'Z') && (r < '2' || r > '7')
	})
	return "away-" + state, ok
}

// consentPolicy is that of a page whose button leads elsewhere: browsers apply
// form-action to where a post is redirected, and servers redirect to others, which
// nobody knows beforehand. Nothing is typed on that page.
func consentPolicy(server string) string {
	targets := "form-action 'self' https:"
	switch (&url.URL{Host: server}).Hostname() {
	case "127.0.0.1", "::1", "localhost":
		targets += " http:"
	}
	return strings.Replace(policy, "form-action 'self'", targets, 1)
}

// begin leads somebody who has clicked to the authorization server.
func (h *Handler) begin(w http.ResponseWriter, r *http.Request, who Visitor, in session.SignIn, api *API) {
	base, err := h.c.Address(r.Context())
	if err != nil {
		h.fail(w, r, http.StatusServiceUnavailable, "Nobody can be sent to "+api.Consent.Server+" from here.",
			err.Error())
		return
	}
	if home, err := url.Parse(base); err == nil && home.Host != r.Host { // where the browser will come back to
		http.Redirect(w, r, base+Path+"/"+in.Handle, http.StatusSeeOther)
		return
	}
	to, t, err := api.Consent.Begin(r.Context(), base+CallbackPath+api.Consent.Callback)
	if err != nil {
		h.c.Logger.WarnContext(r.Context(), "an authorization server cannot be asked", "document", in.Key.Document,
			"api", in.Key.API, "error", err)
		h.show(w, r, http.StatusBadGateway, "consent", consentPage(who, in, api, api.Consent.Server+
			" could not be asked. Try again later; the operator finds the reason in the log."))
		return
	}
	if err := h.c.SignIns.Leave(r.Context(), in.Handle, who.Principal, t.State); err != nil {
		h.lost(w, r, who, err)
		return
	}
	name, _ := StateCookie(t.State)
	err = h.c.Cookies.Put(w, name, strings.HasPrefix(base, "https:"), away{in.Handle, t}, session.SignInLife)
	if err != nil {
		h.lost(w, r, who, err)
		return
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
}

// lost answers that a sign-in has ended, or cannot be read.
func (h *Handler) lost(w http.ResponseWriter, r *http.Request, who Visitor, err error) {
	if errors.Is(err, session.ErrNoHandle) {
		h.gone(w, r, who)
		return
	}
	h.unread(w, r, err)
}

// callback takes somebody back who was away to agree. Before it is known that this
// browser has left for this server and nothing else has come back yet, nothing of the
// request is believed or shown.
func (h *Handler) callback(w http.ResponseWriter, r *http.Request) {
	base, err := h.c.Address(r.Context())
	if err != nil {
		h.fail(w, r, http.StatusServiceUnavailable, err.Error(), "")
		return
	}
	secure := strings.HasPrefix(base, "https:")
	var a away
	name, ok := StateCookie(r.URL.Query().Get("state"))
	if !ok || h.c.Cookies == nil || !h.c.Cookies.Get(r, name, secure, &a) ||
		a.Transaction.Redirect != base+r.URL.Path {
		h.stray(w, r)
		return
	}
	h.c.Cookies.Drop(w, name, secure)
	h.person(func(w http.ResponseWriter, r *http.Request, who Visitor) { h.finish(w, r, who, a) })(w, r)
}

// stray is somebody who comes back without having left from here.
func (h *Handler) stray(w http.ResponseWriter, r *http.Request) {
	h.fail(w, r, http.StatusBadRequest, "This sign-in was not begun in this browser, or has ended.",
		"Nothing was connected. If you were sent a link that led here, somebody may have tried to act in your name. "+
			"Else open the sign-in page again.")
}

func (h *Handler) finish(w http.ResponseWriter, r *http.Request, who Visitor, a away) {
	r.SetPathValue("handle", a.Handle)
	in, api := h.find(w, r, who)
	if api == nil {
		return
	}
	if api.Consent == nil {
		h.gone(w, r, who)
		return
	}
	if err := h.c.SignIns.Return(r.Context(), in.Handle, who.Principal, a.Transaction.State); err != nil {
		if errors.Is(err, session.ErrNoHandle) {
			h.stray(w, r)
			return
		}
		h.unread(w, r, err)
		return
	}
	s, err := api.Consent.Finish(r.Context(), a.Transaction, r.URL.Query())
	if err == nil {
		h.keep(w, r, in, api, s)
		return
	}
	h.c.Logger.WarnContext(r.Context(), "a sign-in at an authorization server failed", "document", in.Key.Document,
		"api", in.Key.API, "error", err)
	message, status := api.Consent.Server+" gave nothing to act with. Try again later; the operator finds the reason "+
		"in the log.", http.StatusBadGateway
	var denied *oauth.Denied
	switch {
	case errors.Is(err, oauth.ErrIssuer), errors.Is(err, oauth.ErrAnswer), errors.Is(err, oauth.ErrState):
		h.stray(w, r)
		return
	case errors.As(err, &denied) && denied.Code == "access_denied":
		message, status = "You, or "+api.Consent.Server+", said no.", http.StatusForbidden
	case errors.As(err, &denied):
		message = api.Consent.Server + " refuses: " + denied.Error()
	}
	h.show(w, r, status, "consent", consentPage(who, in, api, message))
}

type consent struct {
	form
	Server string
	Scopes []string
}

func consentPage(who Visitor, in session.SignIn, api *API, message string) page {
	p := formPage(who, in, api, nil, message)
	return page{Title: "Connect " + api.Host, Who: who, Policy: consentPolicy(api.Consent.Server),
		Data: consent{p.Data.(form), api.Consent.Server, api.Consent.Scopes}}
}
