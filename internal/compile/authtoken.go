package compile

import (
	"maps"
	"net/textproto"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/fairlead/fairlead/internal/diag"
	"github.com/fairlead/fairlead/internal/document"
	"github.com/fairlead/fairlead/internal/expr"
	"github.com/fairlead/fairlead/internal/jsonpath"
	"github.com/fairlead/fairlead/internal/model"
	"github.com/fairlead/fairlead/internal/upstream"
	"github.com/fairlead/fairlead/internal/value"
)

// customToken compiles a token that an operation of another API answers. What
// that operation gets comes from binds and the document, never from callers.
func (f *authFields) customToken() upstream.Auth {
	acquire := f.auth.Fields["acquire"]
	if !acquire.Is(value.Object) {
		f.missing("acquire")
		return nil
	}
	t := &upstream.CustomToken{Token: f.path(acquire, "tokenField"), ExpiresIn: f.path(acquire, "expiresInField")}
	if t.Token == nil && !f.failed {
		f.missing("acquire.tokenField")
	}
	switch f.auth.Text("placement") {
	case "header":
		t.Place, t.Name = upstream.InHeader, textproto.CanonicalMIMEHeaderKey(f.name("headerName"))
	case "query":
		t.Place, t.Name = upstream.InQuery, f.name("paramName")
	}
	if n := f.auth.Fields["safetyMargin"]; !n.IsNull() {
		seconds, err := strconv.Atoi(n.Str())
		if err != nil || seconds < 0 {
			f.wrong(n, "Write a number of seconds.", "the margin “%s” is no number of seconds", n.Str())
		}
		t.Margin = time.Duration(seconds) * time.Second
	}
	if f.failed {
		return nil
	}
	t.Request = f.acquisition(acquire)
	return t
}

// acquisition is the request for a token.
func (f *authFields) acquisition(acquire *document.Node) *upstream.Request {
	k, s := f.call.compiler, f.call.scope
	target, at := acquire.Get("call").Str(), acquire.Where("call")
	if target == "" {
		f.missing("acquire.call")
		return nil
	}
	api, op := k.resolve(target, at)
	if op == nil {
		f.failed = true
		return nil
	}
	if a := api.Auth; a != nil && !op.NoAuth && !slices.Contains([]string{"basic", "bearer", "apikey", "headers"}, a.Type) {
		f.wrong(acquire.Get("call"), "Call an operation that needs no token or signature itself.",
			"“%s” needs %s authentication itself", target, a.Type)
		return nil
	}
	k.plainLogin(api, op, acquire.Where("call"))
	// Whatever the operation reads beyond this would be an input of the caller's.
	inner := &scope{compiler: k, unit: s.unit, apis: s.apis, outer: map[string]expr.Expr{},
		declared: map[string]bool{}, steps: map[string]int{},
		fields: map[string]stepFields{}, reads: map[int]bool{}, used: map[string]bool{},
		requirements: map[string]*requirement{}, inAuth: true}
	with := []model.Argument{}
	if n := acquire.Get("with"); n.Is(value.Object) {
		for i := range n.Pairs {
			with = append(with, model.Argument{Key: n.Pairs[i].Key, Pair: &n.Pairs[i], Value: n.Pairs[i].Value})
		}
	}
	call, ok := inner.bindCall(target, at, with)
	if !ok {
		f.failed = true
		return nil
	}
	if len(inner.used) > 0 {
		names := strings.Join(slices.Sorted(maps.Keys(inner.used)), ", ")
		f.wrong(acquire, "Give it below with, from a bind: {"+names+": \"{{NAME}}\"}.",
			"“%s” gets no %s: a token is not asked for with callers' inputs", target, names)
		return nil
	}
	return call.Request
}

// path is a JSONPath below acquire; nil when it is not there.
func (f *authFields) path(acquire *document.Node, key string) *jsonpath.Path {
	n := acquire.Get(key)
	if n.IsNull() {
		return nil
	}
	path, _, err := jsonpath.Compile(n.Str(), jsonpath.Lenient)
	if err != nil {
		f.wrong(n, "Write a JSONPath, for example $.access_token.", "%s is no JSONPath: %s", key, err)
	}
	return path
}

// name is a field that is a name and must be there.
func (f *authFields) name(field string) string {
	if f.auth.Text(field) == "" {
		f.missing(field)
	}
	return f.auth.Text(field)
}

// wrong reports what cannot work, once for all units.
func (f *authFields) wrong(n *document.Node, hint, format string, args ...any) {
	f.call.compiler.reportOnce(diag.AuthIncomplete, n.Range(), hint, format, args...)
	f.call.compiler.failed, f.failed = true, true
}
