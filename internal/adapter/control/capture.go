package control

import (
	"bytes"
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fairlead/fairlead/internal/observe"
	"github.com/fairlead/fairlead/internal/secret"
	"github.com/fairlead/fairlead/internal/value"
)

// Capture keeps requests and answers of callers for a while, when an operator asks
// for them. What is shown of them holds no secret that Fairlead knows, and nothing
// that is one by its name.
type Capture struct {
	mask  *observe.Mask
	until atomic.Int64 // in nanoseconds since 1970; 0 is never

	mu   sync.Mutex
	kept []*Message // the newest last
}

// NewCapture keeps nothing yet.
func NewCapture(mask *observe.Mask) *Capture { return &Capture{mask: mask} }

// How much is kept.
const (
	keptMessages = 50
	keptBytes    = 16 << 10 // of each body
	mostCapture  = 10 * time.Minute
)

// Message is a request and its answer, as they came and went.
type Message struct {
	ID                   string
	Line                 string // method and path
	Header, AnswerHeader http.Header
	Status               int
	Request, Answer      Body
}

// Withhold forgets what the bodies and headers say, but for how long the bodies are: APIs
// repeat what people are signed in with under names of their own.
func (m *Message) Withhold() {
	m.Header, m.AnswerHeader = nil, nil
	m.Request.withhold()
	m.Answer.withhold()
}

// Body is the beginning of a body. It may be written while it is shown.
type Body struct {
	mu   sync.Mutex
	text []byte
	size int64
	cut  bool

	withheld bool // nothing but the size is kept
}

func (b *Body) withhold() {
	b.mu.Lock()
	defer b.mu.Unlock()
	clear(b.text)
	b.text, b.withheld = nil, true
}

// Add appends what still fits.
func (b *Body) Add(more []byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.size += int64(len(more))
	if b.withheld {
		return
	}
	n := min(len(more), keptBytes-len(b.text))
	b.text, b.cut = append(b.text, more[:n]...), b.cut || n < len(more)
}

// Kept is what operators see of a Message.
type Kept struct {
	Request string `json:"request"`
	Answer  string `json:"answer"`
}

// Until is until when requests are kept; in the past when they are not.
func (c *Capture) Until() time.Time { return time.Unix(0, c.until.Load()) }

// On reports whether requests are kept now. A nil Capture keeps none.
func (c *Capture) On() bool {
	if c == nil {
		return false
	}
	until := c.until.Load()
	return until != 0 && time.Now().UnixNano() < until
}

// For keeps requests for so long; for no time it forgets what it has.
func (c *Capture) For(d time.Duration) {
	if d <= 0 {
		c.until.Store(0)
		c.mu.Lock()
		c.kept = nil
		c.mu.Unlock()
		return
	}
	c.until.Store(time.Now().Add(min(d, mostCapture)).UnixNano())
}

// Keep keeps a message.
func (c *Capture) Keep(m *Message) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.kept = append(c.kept, m); len(c.kept) > keptMessages {
		c.kept = slices.Delete(c.kept, 0, len(c.kept)-keptMessages)
	}
}

// Find shows the newest message with an ID, nil when there is none.
func (c *Capture) Find(id string) *Kept {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, m := range slices.Backward(c.kept) {
		if m.ID == id {
			return &Kept{Request: c.text(m.Line, m.Header, &m.Request),
				Answer: c.text(strconv.Itoa(m.Status)+" "+http.StatusText(m.Status), m.AnswerHeader, &m.Answer)}
		}
	}
	return nil
}

func (c *Capture) text(line string, header http.Header, body *Body) string {
	var b strings.Builder
	b.WriteString(line + "\n")
	names := make([]string, 0, len(header))
	for name := range header {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		text := strings.Join(header[name], ", ")
		if !slices.Contains(harmless, name) {
			text = secret.Mask
		}
		b.WriteString(name + ": " + text + "\n")
	}
	body.mu.Lock()
	defer body.mu.Unlock()
	switch {
	case body.withheld:
		fmt.Fprintf(&b, "\n(%d bytes; neither they nor the headers are kept, since units of this server act in sessions or "+
			"have secrets)", body.size)
	case len(body.text) > 0:
		b.WriteString("\n" + bodyText(body.text, header.Get("Content-Type"), body.cut))
	}
	return c.mask.Text(b.String())
}

// harmless are the headers whose values are shown: any other may be somebody's
// credential.
var harmless = []string{"Accept", "Accept-Encoding", "Accept-Language", "Allow", "Cache-Control", "Connection",
	"Content-Encoding", "Content-Length", "Content-Type", "Date", "Etag", "Expires", "If-Match", "If-Modified-Since",
	"If-None-Match", "Last-Modified", "Mcp-Method", "Mcp-Name", "Mcp-Protocol-Version", "Origin", "Range",
	"Retry-After",
	"Traceparent", "User-Agent", "Vary", "X-Content-Type-Options", "X-Request-Id"}

// privateWords are in the names of what nobody but its owner is to see.
var privateWords = []string{"password", "passwd", "secret", "token", "authorization", "cookie", "apikey", "credential",
	"session", "refresh", "bearer", "jwt", "signature", "assertion", "privatekey", "passphrase", "otp", "pin", "code",
	"ssn", "cvv"}

// private reports whether something is a secret by its name.
func private(name string) bool {
	bare := strings.NewReplacer("-", "", "_", "", ".", "", " ", "").Replace(strings.ToLower(name))
	return slices.ContainsFunc(privateWords, func(word string) bool {
		if len(word) <= 4 { // short ones are parts of other words
			return bare == word
		}
		return strings.Contains(bare, word)
	})
}

// bodyText is a body without what is private by its name. A text in which names cannot
// be told, and one that was cut, is shown as far as that is known to be safe: not at
// all.
func bodyText(body []byte, contentType string, cut bool) string {
	media, _, _ := mime.ParseMediaType(contentType)
	switch {
	case cut:
		return fmt.Sprintf("(more than %d bytes of %s)", len(body), media)
	case strings.HasSuffix(media, "json"):
		if v, err := value.Parse(body); err == nil {
			return without(v).Indent()
		}
	case media == "application/x-www-form-urlencoded":
		if form, err := url.ParseQuery(string(body)); err == nil {
			for name := range form {
				if private(name) {
					form[name] = []string{secret.Mask}
				}
			}
			return strings.ReplaceAll(form.Encode(), "&", "\n&")
		}
	case media == "text/event-stream":
		var b strings.Builder
		for one := range bytes.Lines(body) {
			data, ok := bytes.CutPrefix(bytes.TrimRight(one, "\n"), []byte("data: "))
			if v, err := value.Parse(data); ok && err == nil {
				b.WriteString("data: " + string(without(v).AppendJSON(nil)) + "\n")
			}
		}
		return b.String()
	}
	return fmt.Sprintf("(%d bytes of %s)", len(body), media)
}

// without is a value without what is private by the names of its members.
func without(v value.Value) value.Value {
	switch v.Kind() {
	case value.Object:
		out := value.Map()
		for i := range v.Len() {
			if name := v.Name(i); private(name) {
				out.Add(name, value.Of(secret.Mask))
			} else {
				out.Add(name, without(v.At(i)))
			}
		}
		return out
	case value.Array:
		out := value.List()
		for i := range v.Len() {
			out.Append(without(v.At(i)))
		}
		return out
	case value.String: // a JSON text within a text, as MCP has them
		if text := v.Text(); strings.HasPrefix(text, "{") || strings.HasPrefix(text, "[") {
			if inner, err := value.Parse([]byte(text)); err == nil {
				return value.Of(string(without(inner).AppendJSON(nil)))
			}
		}
	}
	return v
}

// capture keeps requests and answers for the seconds that are asked for, at most ten
// minutes; none forgets them.
func (g *generation) capture(w http.ResponseWriter, r *http.Request) {
	var asked struct{ Seconds int }
	fromPage := strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded")
	if fromPage {
		asked.Seconds, _ = strconv.Atoi(r.PostFormValue("seconds")) // 0 for what is no number
	} else if err := json.NewDecoder(r.Body).Decode(&asked); err != nil {
		fail(w, http.StatusBadRequest, `want {"seconds": 60}`)
		return
	}
	g.c.Process.Capture.For(time.Duration(min(max(asked.Seconds, 0), 3600)) * time.Second)
	g.c.Logger.WarnContext(r.Context(), "requests and answers are kept for operators", "seconds", asked.Seconds)
	if fromPage {
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return
	}
	answer(w, http.StatusOK, map[string]any{"until": g.c.Process.Capture.Until().UTC()})
}
