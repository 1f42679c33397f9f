package compile

import (
	"net/textproto"
	"strings"
	"time"

	"github.com/fairlead/fairlead/internal/document"
	"github.com/fairlead/fairlead/internal/jsonpath"
	"github.com/fairlead/fairlead/internal/plan"
	"github.com/fairlead/fairlead/internal/upstream"
	"github.com/fairlead/fairlead/internal/value"
)

// parts reads where texts stand in an answer: one place or a list of them.
func (c *sessionCompiler) parts(n *document.Node) (all []plan.AnswerPart) {
	for _, n := range alternatives(n) {
		var part plan.AnswerPart
		header, cookie := n.Get("header").Str(), n.Get("cookie").Str()
		switch {
		case header != "":
			part.Header = textproto.CanonicalMIMEHeaderKey(header)
		case cookie != "":
			part.Cookie = cookie
		default:
			if part.Path = c.path(n); part.Path == nil {
				continue
			}
		}
		all = append(all, part)
	}
	return all
}

// alternatives are the entries of a list, or the one that is no list.
func alternatives(n *document.Node) []*document.Node {
	switch {
	case n.IsNull():
		return nil
	case n.Is(value.Array):
		return n.Items
	}
	return []*document.Node{n}
}

func (c *sessionCompiler) path(n *document.Node) *jsonpath.Path {
	if !n.Is(value.String) || !strings.HasPrefix(n.Text, "$") {
		c.wrong(n, "Write a JSONPath such as $.token, {header: NAME} or {cookie: NAME}.",
			"“%s” is no part of an answer", n.Str())
		return nil
	}
	path, _, err := jsonpath.Compile(n.Text, jsonpath.Lenient)
	if err != nil {
		c.wrong(n, "Correct the JSONPath.", "“%s” is no JSONPath: %s", n.Text, err)
	}
	return path
}

func (c *sessionCompiler) expiries(n *document.Node) (all []plan.Expiry) {
	for _, n := range alternatives(n) {
		var e plan.Expiry
		switch in := n.Get("in"); {
		case in != nil:
			e.In = c.path(in)
		case strings.HasPrefix(n.Str(), "$"):
			e.At = c.path(n)
		default:
			e.Life = c.duration(n)
		}
		all = append(all, e)
	}
	return all
}

// duration reads a duration; a bare number is seconds.
func (c *sessionCompiler) duration(n *document.Node) time.Duration {
	if n.IsNull() {
		return 0
	}
	text := n.Str()
	if n.Is(value.Number) {
		text += "s"
	}
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 {
		c.wrong(n, "Write a duration such as 45s, 30m or 12h.", "“%s” is no duration", n.Str())
	}
	return d
}

func (c *sessionCompiler) shown(n *document.Node) (all []plan.ShownPart) {
	if n.IsNull() {
		return nil
	}
	for _, p := range n.Pairs {
		if path := c.path(p.Value); path != nil {
			all = append(all, plan.ShownPart{Name: p.Key, Path: path})
		}
	}
	return all
}

// carrier reads how the token is sent.
func (c *sessionCompiler) carrier(n *document.Node) (carrier upstream.Carrier) {
	if n.IsNull() || n.Str() == "bearer" {
		return carrier
	}
	header, query, cookie := n.Get("header").Str(), n.Get("query").Str(), n.Get("cookie").Str()
	switch {
	case header != "":
		carrier = upstream.Carrier{Place: upstream.InHeader, Name: textproto.CanonicalMIMEHeaderKey(header),
			Prefix: n.Get("prefix").Str()}
	case query != "":
		carrier = upstream.Carrier{Place: upstream.InQuery, Name: query}
	case cookie != "":
		carrier = upstream.Carrier{Place: upstream.InCookie, Name: cookie}
	default:
		c.wrong(n, "Write bearer, {header: NAME, prefix: TEXT}, {query: NAME} or {cookie: NAME}.",
			"nobody knows how the token of “%s” is sent", c.api.Namespace)
	}
	return carrier
}
