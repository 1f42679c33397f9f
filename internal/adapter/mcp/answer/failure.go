package answer

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/fairlead/fairlead/internal/adapter/mcp/catalogue"
	"github.com/fairlead/fairlead/internal/adapter/mcp/wire"
	"github.com/fairlead/fairlead/internal/engine"
	"github.com/fairlead/fairlead/internal/format"
	"github.com/fairlead/fairlead/internal/value"
)

// maxErrorBody is how many characters of an upstream's error body a model gets to see.
const maxErrorBody = 4000

// Failure tells a model what failed, in whose words, and what can be done.
func Failure(e *engine.Error, t *catalogue.Tool) string {
	var b strings.Builder
	if t != nil {
		b.WriteString(t.Name + " failed: ")
	}
	if e.Step != "" {
		b.WriteString("step " + e.Step + ": ")
	}
	b.WriteString(e.Title)
	message := ""
	if e.Kind == engine.Answered {
		if status := strconv.Itoa(e.Status); !strings.Contains(e.Title, status) {
			b.WriteString(" (HTTP " + strings.TrimSpace(status+" "+http.StatusText(e.Status)) + ")")
		}
		message = withoutFrames(e.Message())
	}
	if message != "" && !strings.Contains(e.Title, message) {
		b.WriteString(": " + wire.Shorten(message, 1000))
	}
	for _, f := range e.Fields {
		b.WriteString("\n- `" + listedName(t, f.Name) + "` " + f.Problem)
	}
	if e.Detail != "" {
		b.WriteString("\n" + e.Detail)
	}
	if body := errorBody(e); body != "" && body != message && (message == "" || strings.Count(body, `":`) > 1) {
		b.WriteString("\nAnswer of the API: " + body)
	}
	if advice := advice(e, t); advice != "" {
		b.WriteString("\n" + advice)
	}
	return b.String()
}

// listedName is the argument's name as the tool lists it.
func listedName(t *catalogue.Tool, input string) string {
	if t == nil {
		return input
	}
	_, plain, _ := strings.Cut(input, ".") // of a variable such as {{tools.x}}
	for _, name := range []string{input, plain} {
		if i, ok := t.ByArg[name]; ok {
			return t.Args[i].Listed
		}
	}
	return input
}

// errorBody is the body compact and short; nothing of a page or of bytes.
func errorBody(e *engine.Error) string {
	if len(e.Body) == 0 {
		return ""
	}
	if v, err := value.Parse(e.Body); err == nil {
		c := cutter{}
		v = c.fit(withoutTraces(v), maxErrorBody, "")
		text := v.AppendJSON(nil)
		if c.missing != nil {
			return string(text) + " (shortened)"
		}
		return string(text)
	}
	kind := strings.ToLower(e.ContentType)
	if format.IsHTML(kind, e.Body) || kind != "" && !strings.HasPrefix(kind, "text/") &&
		!strings.Contains(kind, "json") && !strings.Contains(kind, "xml") {
		return ""
	}
	return wire.Shorten(strings.TrimSpace(withoutFrames(string(e.Body))), maxErrorBody)
}

// frame is a line of a stack trace, of Java, JavaScript, .NET, Python, Ruby or Go.
var frame = regexp.MustCompile(`(?m)^\s+(at |from |File "|\S+\.go:\d)`)

// withoutFrames is text without the indented lines of a stack trace.
func withoutFrames(text string) string {
	if !frame.MatchString(text) {
		return text
	}
	kept := slices.DeleteFunc(strings.Split(text, "\n"), func(line string) bool {
		return strings.HasPrefix(line, " ") || strings.HasPrefix(line, "\t") || strings.HasPrefix(line, "Traceback ")
	})
	return strings.Join(kept, "\n")
}

// traces are members that are for the API's own developers.
var traces = []string{"stack", "stacktrace", "stack_trace", "trace", "exception"}

func withoutTraces(v value.Value) value.Value {
	switch v.Kind() {
	case value.Array:
		kept := value.List()
		for i := range v.Len() {
			kept.Append(withoutTraces(v.At(i)))
		}
		return kept
	case value.Object:
	case value.String:
		return value.Of(withoutFrames(v.Text()))
	default:
		return v
	}
	kept := value.Map()
	for i := range v.Len() {
		if !slices.Contains(traces, strings.ToLower(v.Name(i))) {
			kept.Add(v.Name(i), withoutTraces(v.At(i)))
		}
	}
	return kept
}

// advice says whether the same call can succeed later, and what to do instead.
func advice(e *engine.Error, t *catalogue.Tool) string {
	answered := e.Kind == engine.Answered
	wait, limited := waitFor(e, time.Now())
	untouched := e.Kind == engine.Unavailable || answered && (e.Status == http.StatusServiceUnavailable ||
		e.Status == http.StatusTooManyRequests)
	again := ""
	if wait > 0 {
		again = fmt.Sprintf("Try again after %d seconds.", wait)
	}
	switch {
	case (e.Retry || e.Unclear) && !untouched && t != nil && !t.ReadOnly && !catalogue.IsTrue(t.Unit.Hints.Idempotent):
		return strings.TrimSpace("It may have taken effect. Look before you call again. " + again)
	case wait > 0:
		return again
	case limited:
		return "The limit of calls is used up. Try again later."
	case e.Retry:
		return "The same call may succeed later."
	case answered && e.Status == http.StatusUnauthorized:
		return "The API did not take the credential, which its operator or user has to correct. " +
			"The same call will fail again."
	case answered && e.Status == http.StatusConflict:
		return "Read the current state first. The same call will fail again."
	case answered && e.Status < 500:
		return "The same call will fail again."
	}
	return ""
}

// waitFor is how many seconds the API wants to be left alone, 0 when it does not
// say, and whether its limit of calls is used up (RFC 9110 section 10.2.3,
// draft-ietf-httpapi-ratelimit-headers, and what APIs send before them).
func waitFor(e *engine.Error, now time.Time) (seconds int64, limited bool) {
	h := e.Header
	if after := h.Get("Retry-After"); after != "" {
		if n, err := strconv.ParseInt(after, 10, 64); err == nil {
			return n, false
		}
		if at, err := http.ParseTime(after); err == nil {
			return max(1, int64(at.Sub(now).Seconds())), false
		}
	}
	limited = e.Kind == engine.Answered && (e.Status == http.StatusTooManyRequests ||
		e.Status == http.StatusForbidden && (h.Get("X-Ratelimit-Remaining") == "0" ||
			h.Get("Ratelimit-Remaining") == "0"))
	if !limited {
		return 0, false
	}
	for _, name := range []string{"Ratelimit-Reset", "X-Ratelimit-Reset"} {
		n, err := strconv.ParseInt(h.Get(name), 10, 64)
		const epoch = 1_000_000_000 // larger ones are a time, not a wait
		if err == nil && n >= epoch {
			n = max(1, n-now.Unix())
		}
		if err == nil && n > 0 {
			return n, true
		}
	}
	return 0, true
}
