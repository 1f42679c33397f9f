package cli_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fairlead/fairlead/internal/testkit"
	"github.com/fairlead/fairlead/internal/testkit/chromium"
)

// shows waits until the page shows a text.
func shows(t *testing.T, p *chromium.Page, text string) {
	t.Helper()
	for range 200 {
		if strings.Contains(p.Text(), text) {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatalf("the page does not show %q:\n%s", text, p.Text())
}

// Operators see in a browser what goes on, as it goes on: by a mouse or the keyboard
// alone, in the light, the dark, and on a telephone.
func TestPage_showsWhatGoesOn(t *testing.T) {
	b := chromium.Start(t)
	up := testkit.NewUpstream(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if r.Method == "POST" {
			w.WriteHeader(http.StatusBadGateway)
		}
		fmt.Fprint(w, `{"name": "<b>bold</b>", "access_token": "an-upstream-token", "n": 1}`)
	})
	file := filepath.Join(t.TempDir(), "token")
	put(t, file, "0123456789abcdef")
	document := strings.NewReplacer("UPSTREAM", up.URL, "{get: {method: GET}}}}}]",
		"{get: {method: GET}, post: {method: POST}}}}, x-fairlead: {breaker: 50%, limit: 50/s}}]",
		"{path: /b, operations: [{method: GET, call: api.get}]}", "{path: /b, operations: [{method: POST, call: api.post}]}").
		Replace(thing)
	p := serving(t, document+"  - {type: control, port: 2, management: {info: true, reload: true, logs: true}}\n",
		"--control-token-file", file)
	p.write("secrets.env", "KEY=known-secret-1")
	control, rest := p.url("control"), p.url("rest")
	send := func(method, path, body string) {
		t.Helper()
		testkit.Do(t, method, rest+path, body, "Content-Type", "application/json", "X-Request-Id", "id-of-"+method)
	}
	page := b.NewPage(t)
	page.Scripts()
	page.Screen(1200, false)
	page.Open(control + "/")
	shows(t, page, "Nobody has called yet.")
	shows(t, page, "\nlive") // the stream is open
	send("GET", "/a", "")
	send("POST", "/b", `{"password": "typed-by-somebody", "note": "known-secret-1 here"}`)
	shows(t, page, "GET /a")
	shows(t, page, "POST /b")
	shows(t, page, "closed") // the breaker, with how things are
	if got := chromium.Eval[int](page, "document.querySelectorAll('#calls tr').length"); got != 2 {
		t.Errorf("%d calls are shown", got)
	}
	for _, want := range []string{"Things", "UP", "Generation", "127.0.0.1", "Upstreams", "a second", "api.post"} {
		if !strings.Contains(page.Text(), want) {
			t.Errorf("%s is not shown in\n%s", want, page.Text())
		}
	}
	picture(t, page, "light")
	page.Screen(1200, true)
	picture(t, page, "dark")
	page.Screen(390, false)
	picture(t, page, "narrow")
	if wide := chromium.Eval[bool](page, "document.documentElement.scrollWidth > window.innerWidth"); wide {
		t.Error("a telephone has to scroll the page sideways")
	}
	page.Screen(1200, false)

	// Pause by the keyboard.
	page.Press("Tab")
	if got := page.Focused(); !strings.Contains(got, "Skip") {
		t.Errorf("the first Tab is at %q", got)
	}
	for range 20 {
		if page.Press("Tab"); page.Focused() == "Pause" {
			break
		}
	}
	page.Press("Enter")
	send("GET", "/a", "")
	shows(t, page, "paused, 1 more")
	if got := chromium.Eval[int](page, "document.querySelectorAll('#calls tr').length"); got != 2 {
		t.Errorf("while it pauses, %d calls are shown", got)
	}
	page.Press("Enter")
	if got := chromium.Eval[int](page, "document.querySelectorAll('#calls tr').length"); got != 3 {
		t.Errorf("after it paused, %d calls are shown", got)
	}

	// Requests and answers are kept when somebody with the token asks, without secrets.
	if status, _, _ := testkit.Do(t, "POST", control+"/calls/capture", `{"seconds": 60}`); status != 401 {
		t.Errorf("anybody lets requests be kept: %d", status)
	}
	if status, _, body := testkit.Do(t, "POST", control+"/calls/capture", `{"seconds": 60}`, "Authorization",
		"Bearer 0123456789abcdef"); status != 200 {
		t.Fatalf("%d %s", status, body)
	}
	send("POST", "/b", `{"password": "typed-by-somebody", "note": "known-secret-1 here"}`)
	send("GET", "/a", "")
	page.Open(control + "/calls/id-of-POST")
	text := page.Text()
	if !strings.Contains(text, `"note": "*** here"`) || !strings.Contains(text, `"password": "***"`) ||
		strings.Contains(text, "typed-by-somebody") || strings.Contains(text, "known-secret-1") {
		t.Errorf("a request is shown as\n%s", text)
	}
	picture(t, page, "detail")
	page.Open(control + "/calls/id-of-GET")
	if text = page.Text(); !strings.Contains(text, "<b>bold</b>") || strings.Contains(text, "an-upstream-token") ||
		!strings.Contains(text, "Spans") {
		t.Errorf("an answer is shown as\n%s", text)
	}
	page.Open(control + "/")
	shows(t, page, "are kept until")

	// What is wrong is seen at once.
	p.write("a.yaml", strings.Replace(document, "call: api.get", "call: api.gone", 1))
	if code, _ := p.ask("reload"); code != 1 {
		t.Error("the reload is taken")
	}
	shows(t, page, "1 refused")
	shows(t, page, "could not serve GET /a any more")
}

// picture writes what the page looks like to the folder FAIRLEAD_PICTURES, for people.
func picture(t *testing.T, page *chromium.Page, name string) {
	t.Helper()
	if folder := os.Getenv("FAIRLEAD_PICTURES"); folder != "" {
		if err := os.WriteFile(filepath.Join(folder, name+".png"), page.Screenshot(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
