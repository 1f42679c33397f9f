package guard

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/fairlead/fairlead/internal/kept"
	"github.com/fairlead/fairlead/internal/value"
)

// retryPause is when callers are told to come back: a failing authorization server
// is left alone until then.
const retryPause = kept.RetryPause

// Error codes of RFC 6750 section 3.1.
const (
	invalidRequest    = "invalid_request"
	invalidToken      = "invalid_token"
	insufficientScope = "insufficient_scope"
)

// rpcBase minus the HTTP status is the error code of a JSON-RPC body. MCP wants
// codes of one's own to lie outside of -32768 to -32000.
const rpcBase = -31000

// refusal is the answer to a request that is not let through.
type refusal struct {
	status     int
	detail     string // a sentence for the caller, in ASCII without quotes or backslashes
	challenges []string
}

// unavailable says that the credential could not be checked.
func unavailable() *refusal {
	return &refusal{status: http.StatusServiceUnavailable,
		detail: "The credential cannot be checked at the moment. Try again later."}
}

// malformed says that the request carries no single well-formed credential.
func malformed(detail string) *refusal {
	return &refusal{status: http.StatusBadRequest, detail: detail}
}

func (no *refusal) setHeaders(h http.Header) {
	for _, c := range no.challenges {
		h.Add("WWW-Authenticate", c)
	}
	if no.status == http.StatusServiceUnavailable {
		h.Set("Retry-After", strconv.Itoa(int(retryPause/time.Second)))
	}
	h.Set("Cache-Control", "no-store")
}

// write answers with a problem (RFC 9457) or, on MCP, with a JSON-RPC error.
func (no *refusal) write(w http.ResponseWriter, rpc bool) {
	h := w.Header()
	no.setHeaders(h)
	body := value.Map(
		value.Member{Name: "type", Value: value.Of("about:blank")},
		value.Member{Name: "title", Value: value.Of(http.StatusText(no.status))},
		value.Member{Name: "status", Value: value.Int(int64(no.status))},
		value.Member{Name: "detail", Value: value.Of(no.detail)},
	)
	id := h["X-Request-Id"] // as the listener has set it
	if len(id) == 1 {
		body.Add("requestId", value.Of(id[0]))
	}
	kind := "application/problem+json"
	if rpc {
		kind = "application/json"
		failure := value.Map(
			value.Member{Name: "code", Value: value.Int(int64(rpcBase - no.status))},
			value.Member{Name: "message", Value: value.Of(no.detail)},
		)
		if len(id) == 1 {
			failure.Add("data", value.Map(value.Member{Name: "requestId", Value: value.Of(id[0])}))
		}
		body = value.Map(
			value.Member{Name: "jsonrpc", Value: value.Of("2.0")},
			value.Member{Name: "id", Value: value.Nil()},
			value.Member{Name: "error", Value: failure},
		)
	}
	h.Set("Content-Type", kind)
	w.WriteHeader(no.status)
	_, _ = w.Write(body.AppendJSON(nil))
}

// param is one parameter of a challenge.
type param struct{ name, text string }

// challenge spells a challenge (RFC 9110 section 11.6.1) with quoted parameters;
// those without text are left out.
func challenge(scheme string, params ...param) string {
	var b strings.Builder
	b.WriteString(scheme)
	separator := " "
	for _, p := range params {
		if p.text == "" {
			continue
		}
		b.WriteString(separator + p.name + "=" + quote(p.text))
		separator = ", "
	}
	return b.String()
}

// quote makes a quoted-string (RFC 9110 section 5.6.4). Control characters are
// left out, so that no text ends the header.
func quote(text string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range text {
		switch {
		case r < ' ' || r == 0x7f:
			continue
		case r == '"' || r == '\\':
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	b.WriteByte('"')
	return b.String()
}
