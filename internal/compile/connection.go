package compile

import (
	"net/url"

	"github.com/fairlead/fairlead/internal/diag"
	"github.com/fairlead/fairlead/internal/document"
	"github.com/fairlead/fairlead/internal/expr"
	"github.com/fairlead/fairlead/internal/upstream"
	"github.com/fairlead/fairlead/internal/value"
)

// connection compiles what the API says of its connections: nil when it says nothing.
// Its texts read what those of authentication do. What cannot be read withholds the
// call: it would go another way than its author wants.
func (c *call) connection() (*upstream.Connection, bool) {
	said := c.api.Connection
	if said == nil {
		return nil, true
	}
	before := c.sensitive
	c.sensitive = true
	defer func() { c.sensitive = before }()
	out := &upstream.Connection{}
	for _, part := range []struct {
		name   string
		n      *document.Node
		to     *expr.Expr
		public bool
	}{{"proxy", said.Proxy, &out.Proxy, true}, {"ca", said.CA, &out.CA, true}, {"cert", said.Cert, &out.Cert, false},
		{"key", said.Key, &out.Key, false}} {
		if part.n.IsNull() {
			continue
		}
		text, named, ok := c.pemFile(part.n, ".pem", ".crt", ".cer", ".key")
		switch {
		case part.name == "proxy" || !named:
			if *part.to, ok = c.connectionText(part.n, part.public); !ok {
				return nil, false
			}
		case !ok:
			c.compiler.reportOnce(diag.AuthIncomplete, part.n.Range(),
				"Put the PEM file there, or bind its content as a secret.",
				"the file “%s” of tls of “%s” cannot be read", part.n.Text, c.api.Namespace)
			c.compiler.failed = true
			return nil, false
		case part.public:
			*part.to = expr.Literal(value.Of(text))
		default:
			*part.to = c.written(text)
		}
	}
	return out, true
}

// connectionText is a text with variables. Without any it is a credential, unless it is
// public, as the URL of a proxy is that holds no password.
func (c *call) connectionText(n *document.Node, public bool) (expr.Expr, bool) {
	e, ok := c.credentialText(n)
	v, fixed := e.Constant()
	if !ok || !fixed {
		return e, ok
	}
	if u, err := url.Parse(v.Text()); public && (err != nil || u.User == nil) {
		return e, true
	}
	c.compiler.writtenDown(n)
	return c.written(v.Text()), true
}
