package compile

import (
	"cmp"
	"maps"
	"net/textproto"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/fairlead/fairlead/internal/diag"
	"github.com/fairlead/fairlead/internal/document"
	"github.com/fairlead/fairlead/internal/jsonpath"
	"github.com/fairlead/fairlead/internal/model"
	"github.com/fairlead/fairlead/internal/plan"
	"github.com/fairlead/fairlead/internal/session"
	"github.com/fairlead/fairlead/internal/upstream"
	"github.com/fairlead/fairlead/internal/value"
)

// customToken is the type of authentication by a token that an operation answers.
const customToken = "custom-token"

// tokenCompiler compiles custom-token authentication: a session of a service account
// alone. What its operation gets comes from binds and the document, never from callers.
type tokenCompiler struct {
	*compiler
	api  *model.Consume
	auth *model.Auth
}

func (c *tokenCompiler) compile() *plan.Session {
	s := &plan.Session{Namespace: c.api.Namespace, Document: cmp.Or(c.options.Document, c.model.File),
		Capability: c.model.Name()}
	acquire := c.auth.Fields["acquire"]
	if !acquire.Is(value.Object) {
		c.lacks("acquire")
		return nil
	}
	if token := c.path(acquire, "tokenField"); token != nil {
		s.Answer.Token = []plan.AnswerPart{{Path: token}}
	} else if !c.failed {
		c.lacks("acquire.tokenField")
	}
	if in := c.path(acquire, "expiresInField"); in != nil {
		s.Answer.Expires = []plan.Expiry{{In: in}}
	}
	switch c.auth.Text("placement") {
	case "header":
		s.Send = upstream.Carrier{Place: upstream.InHeader,
			Name: textproto.CanonicalMIMEHeaderKey(c.name("headerName"))}
	case "query":
		s.Send = upstream.Carrier{Place: upstream.InQuery, Name: c.name("paramName")}
	}
	if n := c.auth.Fields["safetyMargin"]; !n.IsNull() {
		seconds, err := strconv.Atoi(n.Str())
		if err != nil || seconds < 0 {
			c.wrong(n, "Write a number of seconds.", "the margin “%s” is no number of seconds", n.Str())
		}
		s.Margin = time.Duration(seconds) * time.Second
	}
	if c.failed {
		return nil
	}
	s.At = c.whereabouts(c.api)
	s.Service = c.service(acquire)
	s.Definition = session.Digest(customToken, c.bases[c.api].text, string(c.auth.Node.Value().AppendJSON(nil)))
	return s
}

// service is the request for a token.
func (c *tokenCompiler) service(acquire *document.Node) *plan.Unit {
	target, at := acquire.Get("call").Str(), acquire.Where("call")
	if target == "" {
		c.lacks("acquire.call")
		return nil
	}
	api, op := c.resolve(target, at)
	if op == nil {
		return nil
	}
	if a := api.Auth; a != nil && !op.NoAuth &&
		!slices.Contains([]string{"basic", "bearer", "apikey", "headers"}, a.Type) {
		c.wrong(acquire.Get("call"), "Call an operation that needs no token or signature itself.",
			"“%s” needs %s authentication itself", target, a.Type)
		return nil
	}
	c.plainLogin(api, op, at)
	s := c.ownUnit(c.api, "token")
	s.inAuth = true
	with := []model.Argument{}
	if n := acquire.Get("with"); n.Is(value.Object) {
		for i := range n.Pairs {
			with = append(with, model.Argument{Key: n.Pairs[i].Key, Pair: &n.Pairs[i], Value: n.Pairs[i].Value})
		}
	}
	if !s.only(target, at, with) {
		return nil
	}
	if len(s.used) > 0 { // whatever the operation reads beyond this would be an input of the caller's
		names := strings.Join(slices.Sorted(maps.Keys(s.used)), ", ")
		c.wrong(acquire, "Give it below with, from a bind: {"+names+": \"{{NAME}}\"}.",
			"“%s” gets no %s: a token is not asked for with callers' inputs", target, names)
	}
	return s.unit
}

// path is a JSONPath below acquire; nil when it is not there.
func (c *tokenCompiler) path(acquire *document.Node, key string) *jsonpath.Path {
	n := acquire.Get(key)
	if n.IsNull() {
		return nil
	}
	path, _, err := jsonpath.Compile(n.Str(), jsonpath.Lenient)
	if err != nil {
		c.wrong(n, "Write a JSONPath, for example $.access_token.", "%s is no JSONPath: %s", key, err)
	}
	return path
}

// name is a field that is a name and must be there.
func (c *tokenCompiler) name(field string) string {
	if c.auth.Text(field) == "" {
		c.lacks(field)
	}
	return c.auth.Text(field)
}

func (c *tokenCompiler) lacks(field string) {
	c.report(diag.AuthIncomplete, c.auth.Node.Range(), "Add "+field+".", "%s authentication lacks “%s”", customToken,
		field)
}

// wrong reports what keeps tokens from being had.
func (c *tokenCompiler) wrong(n *document.Node, hint, format string, args ...any) {
	c.reportOnce(diag.AuthIncomplete, n.Range(), hint, format, args...)
	c.failed = true
}
