package mcp

import (
	"cmp"
	"encoding/base64"
	"net/http"
	"slices"
	"strings"

	"github.com/fairlead/fairlead/internal/value"
)

// The revisions served, newest first. Modern ones carry everything in each
// request's _meta; legacy ones begin with initialize.
const (
	modernVersion = "2026-07-28"
	newestLegacy  = "2025-11-25"
	batchVersion  = "2025-03-26" // the only one with batches, and what no header means
)

var versions = []string{modernVersion, newestLegacy, "2025-06-18", batchVersion, "2024-11-05"}

const (
	metaVersion      = "io.modelcontextprotocol/protocolVersion"
	metaCapabilities = "io.modelcontextprotocol/clientCapabilities"
	metaServer       = "io.modelcontextprotocol/serverInfo"
	metaSubscription = "io.modelcontextprotocol/subscriptionId"
)

// mirrored is the parameter that a modern HTTP request repeats as Mcp-Name.
type mirrored uint8

const (
	nothing mirrored = iota
	itsName
	itsURI
)

// method is one method of MCP.
type method struct {
	modern, legacy bool
	feature        feature
	mirror         mirrored
	slow           bool // may wait for somebody: stdio runs it beside the others
	stream         bool // answers by events, as long as the client listens
	serve          func(*request) *rpcError
}

var methods = map[string]*method{
	"initialize":               {legacy: true, serve: (*request).initialize},
	"ping":                     {legacy: true, serve: (*request).empty},
	"logging/setLevel":         {legacy: true, serve: (*request).empty}, // nothing is logged to clients
	"server/discover":          {modern: true, serve: (*request).discover},
	"tools/list":               {modern: true, legacy: true, feature: toolsFeature, serve: (*request).listTools},
	"tools/call":               {modern: true, legacy: true, feature: toolsFeature, mirror: itsName, slow: true, serve: (*request).callTool},
	"resources/list":           {modern: true, legacy: true, feature: resourcesFeature, serve: (*request).listResources},
	"resources/templates/list": {modern: true, legacy: true, feature: resourcesFeature, serve: (*request).listTemplates},
	"resources/read":           {modern: true, legacy: true, feature: resourcesFeature, mirror: itsURI, slow: true, serve: (*request).readResource},
	"resources/subscribe":      {legacy: true, feature: resourcesFeature, serve: (*request).subscribe},
	"resources/unsubscribe":    {legacy: true, feature: resourcesFeature, serve: (*request).unsubscribe},
	"prompts/list":             {modern: true, legacy: true, feature: promptsFeature, serve: (*request).listPrompts},
	"prompts/get":              {modern: true, legacy: true, feature: promptsFeature, mirror: itsName, slow: true, serve: (*request).getPrompt},
	"completion/complete":      {modern: true, legacy: true, feature: completionsFeature, serve: (*request).complete},
	"subscriptions/listen":     {modern: true, slow: true, stream: true, serve: (*request).listen},
}

// versionOf decides which revision a message speaks. Over HTTP header says it,
// and _meta of a modern request must agree; on stdio header is nil, and spoken
// is what initialize agreed on.
func (m *message) versionOf(header http.Header, spoken string) (string, *rpcError) {
	var said string
	if header != nil {
		values := header["Mcp-Protocol-Version"]
		if len(values) > 1 {
			return "", mismatch("MCP-Protocol-Version is given more than once")
		}
		if len(values) == 1 {
			said = values[0]
		}
	}
	meta := string(m.params.meta.version)
	switch {
	case meta != "" && header != nil && said != meta:
		return modernVersion, mismatch("MCP-Protocol-Version must be " + quoteShort(meta) + ", as _meta says")
	case meta != "":
		said = meta
	case said == "" && (string(m.method) == "server/discover" || string(m.method) == "subscriptions/listen"):
		said = modernVersion
	case said == "" && header == nil:
		said = cmp.Or(spoken, newestLegacy)
	case said == "":
		said = batchVersion
	}
	if said != modernVersion {
		if !slices.Contains(versions, said) {
			return modernVersion, unsupported(said)
		}
		return said, nil
	}
	if m.id != nil {
		switch {
		case meta == "":
			return said, invalidParams("_meta must have " + metaVersion)
		case !m.params.meta.capabilities:
			return said, invalidParams("_meta must have the object " + metaCapabilities)
		}
	}
	return said, nil
}

func unsupported(version string) *rpcError {
	supported := value.List()
	for _, v := range versions {
		supported.Append(value.Of(v))
	}
	return &rpcError{code: codeUnsupported, status: http.StatusBadRequest, message: "Unsupported protocol version",
		data: value.Map(value.Member{Name: "supported", Value: supported}, value.Member{Name: "requested", Value: value.Of(version)}).AppendJSON(nil)}
}

func mismatch(why string) *rpcError {
	return &rpcError{code: codeHeaderMismatch, status: http.StatusBadRequest, message: "Header mismatch: " + why}
}

// checkHeaders checks that the headers of a modern request repeat its method
// and name (SEP-2243).
func (m *message) checkHeaders(header http.Header) *rpcError {
	if said := header["Mcp-Method"]; len(said) != 1 || said[0] != string(m.method) {
		return mismatch("the header Mcp-Method must be given once and say what the body says")
	}
	if known := methods[string(m.method)]; known != nil {
		switch {
		case known.mirror == itsName && m.params.name != nil:
			return mirrors(header["Mcp-Name"], "Mcp-Name", m.params.name)
		case known.mirror == itsURI && m.params.uri != nil:
			return mirrors(header["Mcp-Name"], "Mcp-Name", m.params.uri)
		}
	}
	return nil
}

func mirrors(values []string, name string, body []byte) *rpcError {
	if len(values) != 1 {
		return mismatch("the header " + name + " must be given once")
	}
	if !says(values[0], string(body)) {
		return mismatch("the header " + name + " does not say what the body says")
	}
	return nil
}

// says reports whether a header has the text, as it is or, between =?base64? and
// ?=, in base64.
func says(header, text string) bool {
	inner, encoded := strings.CutPrefix(header, "=?base64?")
	if encoded {
		inner, encoded = strings.CutSuffix(inner, "?=")
	}
	if !encoded {
		// What is not visible ASCII must be encoded.
		return header == text && !strings.ContainsFunc(text, func(c rune) bool { return (c < ' ' || c > '~') && c != '\t' })
	}
	decoded, err := base64.StdEncoding.DecodeString(inner)
	return err == nil && string(decoded) == text
}

// checkParamHeaders checks that the headers of a modern tools/call repeat the
// arguments that the tool's schema marks with x-mcp-header (SEP-2243).
func (r *request) checkParamHeaders(t *tool) *rpcError {
	for i := range t.args {
		a := &t.args[i]
		if a.Schema == nil || a.Schema.MCPHeader == "" {
			continue
		}
		name := "Mcp-Param-" + a.Schema.MCPHeader
		values := r.header.Values(name)
		v := r.argument(t, i)
		switch {
		case v.IsAbsent() || v.Kind() == value.Null:
			if len(values) > 0 {
				return mismatch("the header " + name + " is given, and the argument " + a.name + " is not")
			}
		case len(values) != 1:
			return mismatch("the header " + name + " must be given once, as the argument " + a.name + " is given")
		case !says(values[0], v.Text()) && !sameNumber(values[0], v):
			return mismatch("the header " + name + " does not say what the argument " + a.name + " says")
		}
	}
	return nil
}

// argument is what the caller gave for an argument, by either of its names.
func (r *request) argument(t *tool, index int) (v value.Value) {
	for _, g := range r.params.arguments {
		if i, ok := t.byArg[string(g.name)]; ok && i == index {
			v = g.value
		}
	}
	return v
}

// sameNumber reports whether a header has the integer v in another spelling.
func sameNumber(header string, v value.Value) bool {
	said, err := value.Parse([]byte(header))
	given, bad := value.Parse([]byte(v.Text()))
	a, isInteger := said.Int64()
	b, alike := given.Int64()
	return err == nil && bad == nil && isInteger && alike && a == b
}

// quoteShort quotes what a caller sent, without repeating much of it.
func quoteShort(s string) string {
	if len(s) > 100 {
		s = strings.ToValidUTF8(s[:100], "") + "…"
	}
	return `"` + s + `"`
}
