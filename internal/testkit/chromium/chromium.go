// Package chromium drives a headless Chromium for tests, by the DevTools protocol
// over a pipe: one JSON message after the other, each ended by a zero byte.
package chromium

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"
)

// patience ends what hangs. No assertion depends on it.
const patience = 2 * time.Minute

// Browser is a running Chromium. It is safe for concurrent use, its pages are not.
type Browser struct {
	t     testing.TB
	write sync.Mutex
	to    io.Writer

	mu      sync.Mutex
	last    int
	waiting map[int]chan message
	pages   map[string]*Page // by session
	ended   chan struct{}
}

type message struct {
	ID      int                       `json:"id,omitempty"`
	Method  string                    `json:"method,omitempty"`
	Params  json.RawMessage           `json:"params,omitempty"`
	Session string                    `json:"sessionId,omitempty"`
	Result  json.RawMessage           `json:"result,omitempty"`
	Error   *struct{ Message string } `json:"error,omitempty"`
}

// Find is the Chromium of the machine, "" where there is none.
func Find() string {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if file, err := exec.LookPath(name); err == nil {
			return file
		}
	}
	return ""
}

// Start runs a Chromium that reaches the loopback interface only, until the test
// ends. The test is skipped where there is none.
func Start(t testing.TB) *Browser {
	t.Helper()
	program := Find()
	if program == "" {
		t.Skip("Chromium is not installed (Debian: apt-get install chromium)")
	}
	theirs, to, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	from, answers, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
		"--no-first-run",
		"--disable-extensions", "--disable-sync", "--disable-background-networking", "--disable-component-update",
		"--log-level=3", "--no-proxy-server", "--hide-scrollbars", "--force-color-profile=srgb",
		"--user-data-dir="+t.TempDir(),
		"--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost", "--remote-debugging-pipe")
	cmd.ExtraFiles = []*os.File{theirs, answers} // which it knows as 3 and 4
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	cmd.WaitDelay = 10 * time.Second
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	theirs.Close()
	answers.Close()
	b := &Browser{t: t, to: to, waiting: map[int]chan message{}, pages: map[string]*Page{}, ended: make(chan struct{})}
	go b.read(from)
	t.Cleanup(func() {
		_ = b.send(message{ID: -1, Method: "Browser.close"}) // else it ends with the pipe
		select {
		case <-b.ended:
		case <-time.After(20 * time.Second):
			_ = cmd.Process.Kill()
		}
		_ = cmd.Wait() // how it ends says nothing of the pages
		to.Close()
		<-b.ended
		if t.Failed() {
			t.Logf("Chromium said:\n%s", stderr.String())
		}
	})
	return b
}

func (b *Browser) read(from io.ReadCloser) {
	defer from.Close()
	defer close(b.ended)
	for in := bufio.NewReader(from); ; {
		text, err := in.ReadBytes(0)
		if err != nil {
			return
		}
		var m message
		if json.Unmarshal(text[:len(text)-1], &m) != nil {
			continue
		}
		b.mu.Lock()
		answered, page := b.waiting[m.ID], b.pages[m.Session]
		delete(b.waiting, m.ID)
		b.mu.Unlock()
		switch {
		case m.ID != 0 && answered != nil:
			answered <- m
		case m.Method == "Page.loadEventFired" && page != nil:
			select {
			case page.loaded <- struct{}{}:
			default:
			}
		}
	}
}

func (b *Browser) send(m message) error {
	text, err := json.Marshal(m)
	if err != nil {
		return err
	}
	b.write.Lock()
	defer b.write.Unlock()
	_, err = b.to.Write(append(text, 0))
	return err
}

// call runs a command of the protocol and reads its result into v, which may be nil.
func (b *Browser) call(t testing.TB, session, method string, params map[string]any, v any) {
	t.Helper()
	text, err := json.Marshal(params)
	if err != nil {
		t.Fatal(err)
	}
	answered := make(chan message, 1)
	b.mu.Lock()
	b.last++
	m := message{ID: b.last, Method: method, Params: text, Session: session}
	b.waiting[m.ID] = answered
	b.mu.Unlock()
	if err := b.send(m); err != nil {
		t.Fatalf("%s: %v", method, err)
	}
	select {
	case got := <-answered:
		if got.Error != nil {
			t.Fatalf("%s: %s", method, got.Error.Message)
		}
		if v == nil {
			return
		}
		if err := json.Unmarshal(got.Result, v); err != nil {
			t.Fatalf("%s: %v", method, err)
		}
	case <-b.ended:
		t.Fatalf("%s: Chromium has ended", method)
	case <-time.After(patience):
		t.Fatalf("%s: Chromium does not answer", method)
	}
}

// Page is a tab of a person's own: it shares no cookies with others.
type Page struct {
	t       testing.TB
	b       *Browser
	session string
	loaded  chan struct{}
}

// NewPage opens a tab until the test ends. No script of a page runs in it, unless
// Scripts lets them.
func (b *Browser) NewPage(t testing.TB) *Page {
	t.Helper()
	var made struct{ BrowserContextID, TargetID, SessionID string }
	b.call(t, "", "Target.createBrowserContext", nil, &made)
	b.call(t, "", "Target.createTarget",
		map[string]any{"url": "about:blank", "browserContextId": made.BrowserContextID}, &made)
	b.call(t, "", "Target.attachToTarget", map[string]any{"targetId": made.TargetID, "flatten": true}, &made)
	p := &Page{t: t, b: b, session: made.SessionID, loaded: make(chan struct{}, 1)}
	b.mu.Lock()
	b.pages[p.session] = p
	b.mu.Unlock()
	t.Cleanup(func() {
		b.mu.Lock()
		delete(b.pages, p.session)
		b.mu.Unlock()
		b.call(t, "", "Target.disposeBrowserContext", map[string]any{"browserContextId": made.BrowserContextID}, nil)
	})
	p.call("Page.enable", nil, nil)
	p.call("Emulation.setScriptExecutionDisabled", map[string]any{"value": true}, nil)
	return p
}

func (p *Page) call(method string, params map[string]any, v any) {
	p.t.Helper()
	p.b.call(p.t, p.session, method, params, v)
}

// Scripts lets the scripts of pages run from now on.
func (p *Page) Scripts() {
	p.t.Helper()
	p.call("Emulation.setScriptExecutionDisabled", map[string]any{"value": false}, nil)
}

// Headers are sent with every request of the page from now on.
func (p *Page) Headers(headers map[string]string) {
	p.t.Helper()
	p.call("Network.enable", nil, nil)
	p.call("Network.setExtraHTTPHeaders", map[string]any{"headers": headers}, nil)
}

// Open goes to an address and waits until it has loaded.
func (p *Page) Open(address string) {
	p.t.Helper()
	p.load(func() {
		var went struct{ ErrorText string }
		p.call("Page.navigate", map[string]any{"url": address}, &went)
		if went.ErrorText != "" {
			p.t.Fatalf("open %s: %s", address, went.ErrorText)
		}
	})
}

// load does what leads to another page and waits for it, and for the focus.
func (p *Page) load(do func()) {
	p.t.Helper()
	select {
	case <-p.loaded:
	default:
	}
	do()
	select {
	case <-p.loaded:
	case <-p.b.ended:
		p.t.Fatal("Chromium has ended")
	case <-time.After(patience):
		p.t.Fatal("the page does not load")
	}
	// The focus comes with the first frame.
	const focused = "(e => !e || document.activeElement == e)(document.querySelector('[autofocus]'))"
	for range 1000 {
		if Eval[bool](p, focused) {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	p.t.Fatal("nothing takes the focus")
}

// Eval is the value of a JavaScript expression in the page, which the debugger
// evaluates though no script of the page runs.
func Eval[T any](p *Page, expression string) (v T) {
	p.t.Helper()
	var got struct {
		Result           struct{ Value json.RawMessage }
		ExceptionDetails *struct{ Text string }
	}
	p.call("Runtime.evaluate", map[string]any{"expression": expression, "returnByValue": true}, &got)
	if got.ExceptionDetails != nil {
		p.t.Fatalf("%s: %s", expression, got.ExceptionDetails.Text)
	}
	if err := json.Unmarshal(got.Result.Value, &v); err != nil {
		p.t.Fatalf("%s: %v", expression, err)
	}
	return v
}

// Text is what the page shows.
func (p *Page) Text() string {
	p.t.Helper()
	return Eval[string](p, "document.body.innerText")
}

// Focused names the element that has the focus: its name, its text or its kind.
func (p *Page) Focused() string {
	p.t.Helper()
	return Eval[string](p, "(e => e.name || e.textContent || e.tagName)(document.activeElement)")
}

// Type enters text where the focus is.
func (p *Page) Type(text string) {
	p.t.Helper()
	p.call("Input.insertText", map[string]any{"text": text}, nil)
}

// keys are those that Press knows: code and text.
var keys = map[string]struct {
	code int
	text string
}{"Tab": {9, ""}, "Enter": {13, "\r"}}

// Press presses a key.
func (p *Page) Press(key string) {
	p.t.Helper()
	k, ok := keys[key]
	if !ok {
		p.t.Fatalf("no key %s", key)
	}
	press := map[string]any{"type": "keyDown", "key": key, "code": key, "windowsVirtualKeyCode": k.code}
	if k.text != "" {
		press["text"] = k.text
	}
	p.call("Input.dispatchKeyEvent", press, nil)
	p.call("Input.dispatchKeyEvent", map[string]any{"type": "keyUp", "key": key, "code": key,
		"windowsVirtualKeyCode": k.code}, nil)
}

// Enter presses the key that submits a form or follows a link, and waits for what comes.
func (p *Page) Enter() {
	p.t.Helper()
	p.load(func() { p.Press("Enter") })
}

// Screen makes the page so many CSS pixels wide, light or dark.
func (p *Page) Screen(width int, dark bool) {
	p.t.Helper()
	p.call("Emulation.setDeviceMetricsOverride", map[string]any{"width": width, "height": 800, "deviceScaleFactor": 1,
		"mobile": width < 600}, nil)
	scheme := "light"
	if dark {
		scheme = "dark"
	}
	p.call("Emulation.setEmulatedMedia", map[string]any{"features": []map[string]string{
		{"name": "prefers-color-scheme", "value": scheme}}}, nil)
}

// Screenshot is what the page looks like, as PNG.
func (p *Page) Screenshot() []byte {
	p.t.Helper()
	var got struct{ Data []byte }
	p.call("Page.captureScreenshot", map[string]any{"format": "png", "captureBeyondViewport": true}, &got)
	return got.Data
}

// Accessible is the tree that assistive technology reads: a line for each node
// that has a role of its own, indented by depth, with its name, state and description.
func (p *Page) Accessible() string {
	p.t.Helper()
	type value struct{ Value any }
	var got struct {
		Nodes []struct {
			NodeID, ParentID        string
			Ignored                 bool
			Role, Name, Description value
			Properties              []struct {
				Name  string
				Value value
			}
		}
	}
	p.call("Accessibility.getFullAXTree", nil, &got)
	var out strings.Builder
	depth := map[string]int{}
	for _, n := range got.Nodes {
		at := depth[n.ParentID]
		depth[n.NodeID] = at
		role := fmt.Sprint(n.Role.Value)
		if n.Ignored || role == "none" || role == "generic" || role == "StaticText" || role == "InlineTextBox" {
			continue
		}
		depth[n.NodeID] = at + 1
		fmt.Fprintf(&out, "%s%s %q", strings.Repeat("  ", at), role, n.Name.Value)
		if n.Description.Value != nil && n.Description.Value != "" {
			fmt.Fprintf(&out, " described %q", n.Description.Value)
		}
		for _, property := range n.Properties {
			switch property.Name {
			case "required", "focused", "invalid":
				if property.Value.Value == true || property.Value.Value == "true" {
					fmt.Fprintf(&out, " %s", property.Name)
				}
			}
		}
		out.WriteByte('\n')
	}
	return out.String()
}
