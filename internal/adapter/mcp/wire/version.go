package wire

import (
	"cmp"
	"encoding/base64"
	"net/http"
	"slices"
	"strings"

	"github.com/fairlead/fairlead/internal/value"
)

// Revisions by what sets them apart. The modern one carries everything in each
// request's _meta; older ones begin with initialize.
const (
	Modern       = "2026-07-28"
	NewestLegacy = "2025-11-25"
	WithBatches  = "2025-03-26" // the only one with batches, and what no header means
)

// Versions are the revisions served, newest first.
var Versions = []string{Modern, NewestLegacy, "2025-06-18", WithBatches, "2024-11-05"}

const (
	metaVersion      = "io.modelcontextprotocol/protocolVersion"
	metaClient       = "io.modelcontextprotocol/clientInfo"
	metaCapabilities = "io.modelcontextprotocol/clientCapabilities"
	MetaServer       = "io.modelcontextprotocol/serverInfo"
	MetaSubscription = "io.modelcontextprotocol/subscriptionId"
)

// VersionOf decides which revision a message speaks. Over HTTP header says it,
// and _meta of a modern request must agree; on stdio header is nil, and spoken
// is what initialize agreed on. What says nothing is modern where only that has its
// method.
func (m *Message) VersionOf(header http.Header, spoken string, modern bool) (string, *Error) {
	var said string
	if header != nil {
		values := header["Mcp-Protocol-Version"]
		if len(values) > 1 {
			return "", Mismatch("MCP-Protocol-Version is given more than once")
		}
		if len(values) == 1 {
			said = values[0]
		}
	}
	meta := string(m.Meta.version)
	switch {
	case meta != "" && header != nil && said != meta:
		return Modern, Mismatch("MCP-Protocol-Version must be " + Quote(meta) + ", as _meta says")
	case meta != "":
		said = meta
	case said == "" && modern:
		said = Modern
	case said == "" && header == nil:
		said = cmp.Or(spoken, NewestLegacy)
	case said == "":
		said = WithBatches
	}
	if said != Modern {
		if !slices.Contains(Versions, said) {
			return Modern, unsupported(said)
		}
		return said, nil
	}
	if m.ID != nil {
		switch {
		case meta == "":
			return said, InvalidParams("_meta must have " + metaVersion)
		case !m.Meta.capabilities:
			return said, InvalidParams("_meta must have the object " + metaCapabilities)
		}
	}
	return said, nil
}

func unsupported(version string) *Error {
	supported := value.List()
	for _, v := range Versions {
		supported.Append(value.Of(v))
	}
	return &Error{Code: codeUnsupported, Status: http.StatusBadRequest, Message: "Unsupported protocol version",
		Data: value.Map(value.Member{Name: "supported", Value: supported},
			value.Member{Name: "requested", Value: value.Of(version)}).AppendJSON(nil)}
}

// Mismatch is the error of a header that does not say what the body says.
func Mismatch(why string) *Error {
	return &Error{Code: codeHeaderMismatch, Status: http.StatusBadRequest, Message: "Header mismatch: " + why}
}

// CheckHeaders checks that the headers of a modern request repeat its method
// and, unless it is nil, the name of what it asks for (SEP-2243).
func (m *Message) CheckHeaders(header http.Header, name []byte) *Error {
	if said := header["Mcp-Method"]; len(said) != 1 || said[0] != string(m.Method) {
		return Mismatch("the header Mcp-Method must be given once and say what the body says")
	}
	switch values := header["Mcp-Name"]; {
	case name == nil:
	case len(values) != 1:
		return Mismatch("the header Mcp-Name must be given once")
	case !Says(values[0], string(name)):
		return Mismatch("the header Mcp-Name does not say what the body says")
	}
	return nil
}

// Says reports whether a header has the text, as it is or, between =?base64? and
// ?=, in base64.
func Says(header, text string) bool {
	inner, encoded := strings.CutPrefix(header, "=?base64?")
	if encoded {
		inner, encoded = strings.CutSuffix(inner, "?=")
	}
	if !encoded {
		// What is not visible ASCII must be encoded.
		return header == text && !strings.ContainsFunc(text, func(c rune) bool {
			return (c < ' ' || c > '~') &&
				c != '\t'
		})
	}
	decoded, err := base64.StdEncoding.DecodeString(inner)
	return err == nil && string(decoded) == text
}
