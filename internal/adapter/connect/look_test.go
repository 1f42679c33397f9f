package connect_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fairlead/fairlead/internal/adapter/connect"
	"github.com/fairlead/fairlead/internal/session"
	"github.com/fairlead/fairlead/internal/testkit/chromium"
)

// contrasts are the texts of a page whose contrast is below 4.5 : 1 (WCAG 2.2, 1.4.3).
const contrasts = `(() => {
  const rgb = (c) => (c.match(/[\d.]+/g) || []).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = (e) => { for (; e; e = e.parentElement) { const c = rgb(getComputedStyle(e).backgroundColor);
    if (c.length === 3 || c[3] > 0) return c; } return [255, 255, 255]; };
  return [...document.querySelectorAll('body *')].filter((e) => [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim()))
    .map((e) => { const a = light(rgb(getComputedStyle(e).color)), b = light(ground(e));
      return [(Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), e.innerText]; })
    .filter(([ratio]) => ratio < 4.5).map(([ratio, text]) => ratio.toFixed(2) + ' ' + text);
})()`

// TestPages_inABrowser looks at every page as people do: light and dark, wide and
// narrow, with the keyboard alone, and as a screen reader reads it. With
// FAIRLEAD_SCREENSHOTS=DIR it leaves pictures there.
func TestPages_inABrowser(t *testing.T) {
	w := open(t)
	served := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter,
		r *http.Request) {
		w.handler.ServeHTTP(rw, r)
	}))
	defer served.Close()
	p := chromium.Start(t).NewPage(t)
	p.Screen(1280, false)
	show := func(path string) { t.Helper(); p.Open(served.URL + path) }
	look := func(name string, reads ...string) {
		t.Helper()
		tree := p.Accessible()
		for _, part := range append([]string{"RootWebArea", "main", "heading"}, reads...) {
			if !strings.Contains(tree, part) {
				t.Errorf("%s: a screen reader does not read %q:\n%s", name, part, tree)
			}
		}
		for _, dark := range []bool{false, true} {
			for _, width := range []int{1280, 360} {
				p.Screen(width, dark)
				if wide := chromium.Eval[int](p, "document.documentElement.scrollWidth"); wide > width {
					t.Errorf("%s is %d wide on a screen of %d", name, wide, width)
				}
				if faint := chromium.Eval[[]string](p, contrasts); len(faint) > 0 {
					t.Errorf("%s, dark %v, is hard to read: %q", name, dark, faint)
				}
				if folder := os.Getenv("FAIRLEAD_SCREENSHOTS"); folder != "" {
					file := fmt.Sprintf("%s-%d-%s.png", name, width, map[bool]string{true: "dark"}[dark])
					if err := os.WriteFile(filepath.Join(folder, file), p.Screenshot(), 0o600); err != nil {
						t.Fatal(err)
					}
				}
			}
		}
		p.Screen(1280, false)
	}
	tab := func(want ...string) {
		t.Helper()
		for _, name := range want {
			if p.Press("Tab"); p.Focused() != name {
				t.Fatalf("the focus is at %q, want %q", p.Focused(), name)
			}
		}
	}

	show("/connect")
	look("list-empty", `heading "koyeb app.koyeb.com"`, `button "Sign in at koyeb"`)
	tab("Sign in at koyeb")
	p.Enter()
	if text := p.Text(); !strings.Contains(text, "Koyeb <Sessions>") {
		t.Fatalf("the list leads to\n%s", text)
	}

	page := w.ask()
	show(page)
	look("form", `textbox "E-mail" focused required`, `textbox "Password"`,
		`textbox "Organization optional" described "The default one when left out."`, `button "Sign in at app.koyeb.com"`)
	p.Type("ada@example.com")
	tab("password")
	p.Type("wrong")
	p.Enter()
	look("error", `RootWebArea "Problem: Sign in`, `alert`, `textbox "Password" described "invalid <credentials>" invalid focused required`)
	if p.Focused() != "password" {
		t.Errorf("after an error the focus is at %s", p.Focused())
	}
	p.Type(password)
	tab("organization_id", "Sign in at app.koyeb.com")
	p.Enter()
	look("done", `heading "You are signed in"`, `link "All sign-ins"`)
	tab("All sign-ins")
	p.Enter()
	w.who.Name, w.who.Kept = "ada@example.com", true
	show("/connect")
	look("list", `button "Sign out of koyeb"`, `button "That is not me"`)
	show(page)
	look("gone", `alert`)
	tab("That is not me")
	p.Enter()
	look("left", `link "the list"`)

	w.refused = &connect.Refused{Status: http.StatusForbidden,
		Message: "Nobody is signed in here in person. Start the server with --local-sessions if all who reach it from this machine are you."}
	show("/connect")
	look("refused", `alert`)
	w.refused = connect.Choice{{Name: "tools of The Shop", URL: "/connect?as=1"},
		{Name: "front of The Shop", URL: "/connect?as=2"}}
	show("/connect")
	look("choice", `link "tools of The Shop"`, `list`)
	w.refused = nil

	w.signedIn = errors.New("no route to host")
	show(w.ask())
	p.Type("ada@example.com")
	tab("password")
	p.Type(password)
	p.Enter()
	look("away", `alert`)

	w.api.Name = "a.very.long.name-of-an-api-that-nobody-would-want-to-read-on-a-telephone"
	w.api.Host = "a-very-long-name-of-a-host.in-a-domain.of-somebody.with-much-time.example.com:44300"
	w.api.Consent = &connect.Consent{Server: "login." + w.api.Host,
		Scopes: []string{"contacts.read", "https://www.googleapis.com/auth/contacts.readonly"}}
	key := w.api.Key
	key.Principal = session.Local()
	in, err := w.signIns.Ask(t.Context(), key,
		session.Asked{Capability: w.api.Capability, Unit: "list-contacts", Client: "an agent"})
	if err != nil {
		t.Fatal(err)
	}
	show(connect.Path + "/" + in.Handle)
	look("consent", `button "Continue at login.a-very-long-name`, `list "login.a-very-long-name`)
	show("/connect")
	look("long")
}
