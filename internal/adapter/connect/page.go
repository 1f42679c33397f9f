package connect

import (
	"bytes"
	"embed"
	"html/template"
	"net/http"
	"slices"
	"time"

	"github.com/fairlead/fairlead/internal/session"
)

//go:embed page.html style.css
var files embed.FS

var pages = template.Must(template.ParseFS(files, "page.html"))

// page is what every page has.
type page struct {
	Title  string
	Who    Visitor
	Policy string // in the place of policy; "" for that
	Data   any
}

type form struct {
	Handle, Capability, API, Host, Unit, Client, Error string
	Fields                                             []field
	Minutes                                            int
}

type field struct {
	Field
	Value, Kind, Autocomplete string
	First                     bool // takes the focus
	Wrong                     bool // and is what the page's problem is about
}

func formPage(who Visitor, in session.SignIn, api *API, values map[string]string, message string) page {
	f := form{
		Handle: in.Handle, Capability: api.Capability, API: api.Name, Host: api.Host, Unit: in.Asked.Unit,
		Client: in.Asked.Client,
		Error:  message, Minutes: max(1, int(time.Until(in.Ends).Minutes())),
	}
	for _, asked := range api.Fields {
		shown := field{Field: asked, Kind: "text", Value: values[asked.Name]}
		switch {
		case asked.Secret:
			shown.Kind, shown.Value, shown.Autocomplete = "password", "", "current-password"
		case asked.Name == "email":
			shown.Kind, shown.Autocomplete = "email", "username"
		case asked.Name == "username" || asked.Name == "user" || asked.Name == "login":
			shown.Autocomplete = "username"
		}
		f.Fields = append(f.Fields, shown)
	}
	title := "Sign in at " + api.Host
	first := 0
	if message != "" { // the one to type anew takes the focus, which reads the problem aloud
		title = "Problem: " + title
		first = max(0, slices.IndexFunc(f.Fields, func(s field) bool { return s.Required && s.Value == "" }))
	}
	if len(f.Fields) > 0 {
		f.Fields[first].First, f.Fields[first].Wrong = true, message != ""
	}
	return page{Title: title, Who: who, Data: f}
}

type done struct {
	Host  string
	Until string
	Shown []session.Shown
}

func donePage(api *API, s *session.Session) page {
	return page{Title: "Signed in", Data: done{api.Host, until(s), s.Shown}}
}

// until is when a session ends, as people write it; "" when the API does not say.
func until(s *session.Session) string {
	if s.Expires.IsZero() {
		return ""
	}
	return s.Expires.UTC().Format("2 January 2006, 15:04 UTC")
}

type row struct {
	ID                                        int
	Document, API, Name, Capability, Host, To string
	Connected                                 bool
	Shown                                     []session.Shown
}

// listRow is an API of the list; s is nil where nobody is signed in.
func listRow(i int, api *API, s *session.Session) row {
	r := row{ID: i, Document: api.Key.Document, API: api.Key.API, Name: api.Name, Capability: api.Capability,
		Host: api.Host}
	if s != nil {
		r.Connected, r.Shown, r.To = true, s.Shown, until(s)
	}
	return r
}

type failure struct{ Message, Next string }

func (h *Handler) fail(w http.ResponseWriter, r *http.Request, status int, message, next string) {
	h.show(w, r, status, "failure", page{Title: "Sign-in", Data: failure{message, next}})
}

func (h *Handler) show(w http.ResponseWriter, r *http.Request, status int, name string, p page) {
	var b bytes.Buffer
	if err := pages.ExecuteTemplate(&b, name, p); err != nil {
		h.c.Logger.ErrorContext(r.Context(), "a page cannot be made", "page", name, "error", err)
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	if p.Policy != "" {
		w.Header().Set("Content-Security-Policy", p.Policy)
	}
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes())
}

func style(w http.ResponseWriter, _ *http.Request) {
	text, _ := files.ReadFile("style.css")
	w.Header().Set("Content-Type", "text/css; charset=utf-8")
	w.Header().Set("Cache-Control", "public, max-age=3600")
	_, _ = w.Write(text)
}
