package compile

import (
	"net/netip"
	"net/url"
	"strings"

	"github.com/fairlead/fairlead/internal/diag"
	"github.com/fairlead/fairlead/internal/expr"
	"github.com/fairlead/fairlead/internal/model"
	"github.com/fairlead/fairlead/internal/plan"
	"github.com/fairlead/fairlead/internal/secret"
	"github.com/fairlead/fairlead/internal/template"
	"github.com/fairlead/fairlead/internal/upstream"
)

// base is where a consumed API is, before it is bound to a unit.
type base struct {
	text    string   // template
	fixed   *url.URL // when text has no variables
	problem string   // why calls cannot go there
}

// upstreams decides once for each consumed API where its calls go.
func (k *compiler) upstreams() {
	for _, c := range k.model.Consumes {
		b := k.base(c)
		k.bases[c] = b
		k.plan.Upstreams = append(k.plan.Upstreams,
			plan.Upstream{Namespace: c.Namespace, URL: secret.WithoutUser(b.text), Problem: b.problem})
		if !c.Tunnel.IsNull() {
			k.diags.Add(diag.NotServed, c.Tunnel.At, "Run Fairlead where the API can be reached.",
				"no tunnel is opened; “%s” is called directly", c.Namespace)
		}
	}
}

func (k *compiler) base(c *model.Consume) *base {
	text := c.BaseURI
	if to, ok := k.override(c); ok {
		text = redirected(text, to)
	}
	b := &base{text: text}
	at := c.Node.Where("baseUri")
	if c.Missing != "" {
		b.problem = "its import brought nothing"
		return b
	}
	t, err := template.Compile(text, template.SingleToo)
	if err != nil {
		b.problem = "its baseUri is not readable: " + err.Error()
		k.diags.Add(diag.BadTemplate, at, "Correct the braces.", "the baseUri of “%s” cannot be read: %s",
			c.Namespace, err)
		return b
	}
	if t.IsLiteral() {
		u, err := upstream.ParseBase(strings.TrimSpace(text))
		if err != nil {
			b.problem = "its baseUri “" + secret.WithoutUser(text) + "” is " + err.Error()
			if text == "" {
				b.problem = "it has no baseUri"
				k.diags.Add(diag.BaseURIUnusable, at,
					"Add baseUri, or start with --upstream "+c.Namespace+"=URL; until then its operations are withheld.",
					"“%s” has no baseUri", c.Namespace)
				return b
			}
			k.diags.Add(diag.BaseURIUnusable, at,
				"Correct it, or start with --upstream "+c.Namespace+"=URL; until then its operations are withheld.",
				"the baseUri “%s” of “%s” is %s", secret.WithoutUser(text), c.Namespace, err)
			return b
		}
		b.fixed = u
		if (c.Auth != nil || c.Session != nil) && b.isPlain() {
			k.diags.Add(diag.BaseURIPlaintext, at, "Use https.", "the credential of “%s” would travel unencrypted",
				c.Namespace)
		}
		return b
	}
	for _, v := range t.Vars() {
		if !k.baseKnows(c, v.Name) {
			b.problem = "its baseUri has the variable “" + v.Name + "” without a value"
			k.diags.Add(diag.BaseURIVariable, at,
				"Bind the variable (binds: keys: …), or start with --upstream "+c.Namespace+"=URL; until then its operations are withheld.",
				"the baseUri of “%s” has the variable “%s”, which nothing binds", c.Namespace, v.Name)
			return b
		}
	}
	return b
}

// baseKnows reports whether a variable of a base URI has a value that no caller
// chooses: a bind, or a parameter of the API with a fixed value or from the environment.
func (k *compiler) baseKnows(c *model.Consume, name string) bool {
	if k.bind(name) != nil {
		return true
	}
	for _, p := range c.Inputs {
		if p.Name == name && (p.Value != nil || p.In == "environment") {
			return true
		}
	}
	return false
}

func (k *compiler) override(c *model.Consume) (*url.URL, bool) {
	if u, ok := k.options.Upstream[c.Namespace]; ok {
		return u, true
	}
	if u, ok := k.options.Upstream[""]; ok {
		return u, true
	}
	declared, err := url.Parse(c.BaseURI)
	if err != nil {
		return nil, false
	}
	u, ok := k.options.Hosts[declared.Hostname()]
	return u, ok
}

// redirected points base at to: it keeps the path that base has, unless to has one.
func redirected(base string, to *url.URL) string {
	if to.Path != "" && to.Path != "/" {
		return strings.TrimRight(to.String(), "/")
	}
	path := base
	if _, rest, ok := strings.Cut(base, "://"); ok {
		path = rest
	} else if rest, ok := strings.CutPrefix(base, "//"); ok {
		path = rest
	} else if strings.HasPrefix(base, "/") {
		return to.Scheme + "://" + to.Host + strings.TrimRight(base, "/")
	}
	if i := strings.IndexByte(path, '/'); i >= 0 && !strings.ContainsAny(path[i:], "{?#") {
		return to.Scheme + "://" + to.Host + strings.TrimRight(path[i:], "/")
	}
	return to.Scheme + "://" + to.Host
}

func isLoopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// base compiles the base for a unit.
func (s *scope) base(c *model.Consume, b *base) (upstream.Base, bool) {
	if b.fixed != nil || b.problem != "" {
		return upstream.Base{Fixed: b.fixed, Problem: b.problem}, true
	}
	e, ok := s.text(b.text, template.SingleToo, c.Node.Where("baseUri"), func(name string, _ bool) expr.Expr {
		for _, p := range c.Inputs {
			if p.Name == name {
				return s.fixedParam(p)
			}
		}
		e, _ := s.bound(name)
		return e
	})
	return upstream.Base{Text: e}, ok
}

// isPlain reports whether requests travel unencrypted beyond the own machine.
func (b *base) isPlain() bool {
	return b.fixed != nil && b.fixed.Scheme == "http" && !isLoopback(b.fixed.Hostname())
}

// plainLogin warns of an operation that gets a password over an open line. at is where
// it is named.
func (k *compiler) plainLogin(api *model.Consume, op *model.Operation, at diag.Range) {
	if b := k.bases[api]; b != nil && b.isPlain() {
		k.reportOnce(diag.LoginPlaintext, at, "Use https in the baseUri of “"+api.Namespace+"”.",
			"“%s.%s” gets what somebody signs in with, over %s", api.Namespace, op.Name,
			b.fixed.Scheme+"://"+b.fixed.Host)
	}
}
