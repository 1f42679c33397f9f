package mcp

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/fairlead/fairlead/internal/engine"
)

// maxErrorBody is how many bytes of an upstream's error body a model gets to see.
const maxErrorBody = 4000

// failureText tells a model what failed, in whose words, and what can be done.
func failureText(e *engine.Error, t *tool) string {
	var b strings.Builder
	if t != nil {
		b.WriteString(t.name + " failed: ")
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
		message = e.Message()
	}
	if message != "" && !strings.Contains(e.Title, message) {
		b.WriteString(": " + cutText(message, 1000))
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
	b.WriteString(retryAdvice(e))
	return b.String()
}

// listedName is the argument's name as the tool lists it.
func listedName(t *tool, input string) string {
	if t != nil {
		if i, ok := t.byArg[input]; ok {
			return t.args[i].name
		}
	}
	return input
}

// errorBody is the body compact and short; nothing of a page or of bytes.
func errorBody(e *engine.Error) string {
	if len(e.Body) == 0 {
		return ""
	}
	if compact, err := jsontext.AppendFormat(nil, e.Body, compactOptions...); err == nil {
		return cutText(string(compact), maxErrorBody)
	}
	text := strings.TrimSpace(string(e.Body))
	kind := strings.ToLower(e.ContentType)
	if strings.HasPrefix(text, "<") || kind != "" && !strings.HasPrefix(kind, "text/") && !strings.Contains(kind, "json") {
		return ""
	}
	return cutText(text, maxErrorBody)
}

func retryAdvice(e *engine.Error) string {
	if after := e.Header.Get("Retry-After"); after != "" {
		if seconds, err := strconv.Atoi(after); err == nil {
			return fmt.Sprintf("\nTry again after %d seconds.", seconds)
		}
		return "\nTry again after " + cutText(after, 40) + "."
	}
	switch {
	case e.Retry:
		return "\nThe same call may succeed later."
	case e.Kind == engine.Answered && e.Status < 500:
		return "\nThe same call will fail again."
	}
	return ""
}

// cutText shortens text to about max bytes, at the end of a character.
func cutText(text string, max int) string {
	if len(text) <= max {
		return strings.ToValidUTF8(text, "\uFFFD")
	}
	return strings.ToValidUTF8(text[:max], "") + "… (" + strconv.Itoa(len(text)) + " bytes in all)"
}
