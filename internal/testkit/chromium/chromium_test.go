package chromium

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestBrowser_opensAndTypes(t *testing.T) {
	served := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		if r.Method == "POST" {
			io.WriteString(w, "<p>Hello "+r.PostFormValue("who")+", "+r.Header.Get("Cookie"))
			return
		}
		w.Header().Set("Set-Cookie", "kept=yes")
		io.WriteString(w, `<form method=post><label>Who <input name=who autofocus required></label><button>Go</button></form><script>document.title="ran"</script>`)
	}))
	defer served.Close()
	b := Start(t)
	p := b.NewPage(t)
	p.Screen(360, true)
	p.Open(served.URL)
	if got := p.Accessible(); !strings.Contains(got, `textbox "Who" focused required`) {
		t.Errorf("it reads\n%s", got)
	}
	if got := Eval[string](p, "document.title"); got != "" {
		t.Errorf("a script ran: %s", got)
	}
	if got := Eval[int](p, "innerWidth"); got < 360 {
		t.Errorf("the page is %d wide", got)
	}
	p.Type("ada")
	if p.Press("Tab"); p.Focused() != "Go" {
		t.Errorf("the focus is at %s", p.Focused())
	}
	if p.Enter(); p.Text() != "Hello ada, kept=yes" {
		t.Errorf("it shows %s", p.Text())
	}
	if png := p.Screenshot(); !strings.HasPrefix(string(png), "\x89PNG") {
		t.Error("the screenshot is none")
	}
}
