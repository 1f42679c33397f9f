package normalize

import (
	"cmp"
	"slices"
	"strings"

	"github.com/fairlead/fairlead/internal/diag"
	"github.com/fairlead/fairlead/internal/document"
	"github.com/fairlead/fairlead/internal/element"
	"github.com/fairlead/fairlead/internal/model"
	"github.com/fairlead/fairlead/internal/value"
)

// consume reads a consumed API. entry is what stands in the document itself; n
// is nil when entry is an import that brought nothing: then the namespace is
// kept, so that calls to it say what they miss.
func (r *reader) consume(n, entry *document.Node) *model.Consume {
	if n == nil {
		name, _ := entry.First("as", "import")
		if name.Str() == "" {
			return nil
		}
		from, _ := entry.First("from", "location")
		return &model.Consume{Node: entry, Type: "http", Namespace: name.Str(), Missing: from.Str()}
	}
	if n.Get("import") != nil && n.Get("baseUri") == nil && n.Get("resources") == nil {
		name, _ := n.First("as", "import")
		r.report(diag.ImportFailed, n.At, "Add “from” with the path of the file.", "the import of “%s” names no file",
			n.Get("import").Str())
		return &model.Consume{Node: n, Type: "http", Namespace: name.Str(), Missing: "“" + n.Get("import").Str() + "”"}
	}
	c := &model.Consume{Node: n}
	defer r.guarding(&c.Unreadable)()
	variant, known := element.Get(element.Consumed).Variant(n.Get("type").Str())
	if !known {
		variant.Of = element.ConsumedHTTP
	}
	f := r.read(n, variant.Of)
	c.Type, c.Namespace, c.Description = f.text("type"), f.text("namespace"), f.text("description")
	r.apiCredential(c, f)
	if variant.Of == element.ConsumedMCP {
		r.report(diag.NotServed, n.Where("type"), "What calls its tools is withheld.",
			"consumed MCP servers are not called yet")
		return c
	}
	c.BaseURI, c.Tunnel = strings.TrimSpace(f.text("baseUri")), f.node("tunnel")
	r.foreign(f.node("baseUri"), false)
	c.Inputs = r.params(f.node("inputParameters"))
	for _, e := range r.named(f.node("resources"), "resource", true) {
		c.Resources = append(c.Resources, r.consumedResource(e))
	}
	if f.node("operations") != nil {
		c.Resources = append(c.Resources, r.operations(&model.ConsumedResource{Node: n}, f.node("operations")))
	}
	r.ownPaths(c)
	return c
}

// apiCredential reads what a consumed API is sent as a credential, and how it is called.
func (r *reader) apiCredential(c *model.Consume, f fields) {
	if auth := f.node("authentication"); auth != nil {
		c.Auth = r.auth(auth, element.AuthOut)
	}
	own := f.block("x-fairlead")
	c.CallerFirst = strings.EqualFold(own.text("authorization"), "caller-first")
	c.Sending, c.Session = r.sending(own), r.session(own)
	if own.node("proxy") != nil || own.node("tls") != nil {
		tls := own.block("tls")
		c.Connection = &model.Connection{Proxy: own.node("proxy"), CA: tls.node("ca"), Cert: tls.node("cert"),
			Key: tls.node("key")}
	}
	if exchange := own.node("tokenExchange"); exchange != nil { // goes before what the document declares
		own.block("tokenExchange")
		c.Auth = r.authFields(exchange, model.TokenExchange, element.TokenExchange)
	}
}

func (r *reader) consumedResource(e entry) *model.ConsumedResource {
	f := r.read(e.node, element.ConsumedResource)
	own := f.block("x-fairlead")
	res := &model.ConsumedResource{Node: e.node, Name: e.name, Display: f.text("display"),
		Description: f.text("description"), Path: strings.TrimSpace(f.text("path"))}
	res.Inputs, res.Sending = r.params(f.node("inputParameters")), r.sending(own)
	return r.operations(res, f.node("operations"))
}

func (r *reader) operations(res *model.ConsumedResource, n *document.Node) *model.ConsumedResource {
	for _, e := range r.named(n, "operation", true) {
		res.Operations = append(res.Operations, r.operation(res, e))
	}
	return res
}

func (r *reader) operation(res *model.ConsumedResource, e entry) *model.Operation {
	op := &model.Operation{Node: e.node, Resource: res}
	defer r.guarding(&op.Unreadable)()
	f := r.read(e.node, element.ConsumedOperation)
	own := f.block("x-fairlead")
	op.Name, op.Display, op.Description = cmp.Or(e.name, f.text("name")), f.text("display"), f.text("description")
	op.Method, op.Path = cmp.Or(strings.ToUpper(f.text("method")), "GET"), strings.TrimSpace(f.text("path"))
	op.Inputs, op.Outputs = r.params(f.node("inputParameters")), r.outputs(f.node("outputParameters"))
	op.RawFormat, op.OutputSchema = f.text("outputRawFormat"), f.text("outputSchema")
	op.MediaType, op.MaxBinarySize = f.text("outputMediaType"), f.text("maxBinarySize")
	op.NoBody = strings.EqualFold(own.text("body"), "none")
	op.NoAuth, op.Secrets = strings.EqualFold(own.text("authentication"), "none"), own.texts("secrets")
	op.Sending = r.sending(own)
	if body := f.node("body"); !body.IsNull() {
		op.Body = r.body(body)
	}
	return op
}

// ownPaths settles the paths that operations of an API have beside their resource's.
// Authors either repeat the resource's path from its beginning (/repos, /repos/{id}) or
// write what comes after it (/accounts, /{id}), all through an API: where one operation
// repeats it, all are whole paths.
func (r *reader) ownPaths(c *model.Consume) {
	whole := slices.ContainsFunc(c.Resources, func(res *model.ConsumedResource) bool {
		return slices.ContainsFunc(res.Operations, func(op *model.Operation) bool { return repeats(op.Path, res.Path) })
	})
	for _, res := range c.Resources {
		for _, op := range res.Operations {
			if op.Path == "" || res.Path == "" || op.Path == res.Path {
				continue
			}
			how := "replaces"
			if !whole {
				how, op.Path = "continues", strings.TrimRight(res.Path, "/")+"/"+strings.TrimLeft(op.Path, "/")
			}
			r.report(diag.OperationPath, op.Node.Where("path"),
				"Put the operation under a resource with the whole path.",
				"the operation's own path %s its resource's path “%s”: %s", how, res.Path, op.Path)
		}
	}
}

// repeats reports whether path begins with all of base, whatever its placeholders are
// called.
func repeats(path, base string) bool {
	of, all := segments(path), segments(base)
	return len(all) > 0 && len(of) >= len(all) && slices.EqualFunc(of[:len(all)], all, func(a, b string) bool {
		return a == b || isPlaceholder(a) && isPlaceholder(b)
	})
}

func segments(path string) []string {
	path, _, _ = strings.Cut(path, "?")
	return strings.FieldsFunc(path, func(c rune) bool { return c == '/' })
}

func isPlaceholder(segment string) bool {
	return strings.HasPrefix(segment, "{") && strings.HasSuffix(segment, "}")
}

func (r *reader) body(n *document.Node) *model.Body {
	types := element.Get(element.Body).Field("type")
	t := n.Get("type")
	kind, known := types.Meaning(t.Str())
	switch {
	case n.IsScalar():
		return &model.Body{Node: n, Type: "raw", Data: n}
	case n.Is(value.Object) && t.IsScalar() && (n.Get("data") != nil || len(n.Pairs) == 1 || known):
		if !known {
			last := len(types.Values) - 1
			hint := r.finder.Meant(t.Text, slices.Values(types.Values),
				"Use "+strings.Join(types.Values[:last], ", ")+" or "+types.Values[last]+".")
			r.report(diag.BodyUnknown, t.At, hint, "the body type “%s” is not known; the body is sent as JSON", t.Text)
			kind = "json"
		}
		data, _ := n.First("data", "value", "content", "parts")
		return &model.Body{Node: n, Type: kind, Data: data}
	default:
		return &model.Body{Node: n, Type: "json", Data: n}
	}
}

// auth reads an authentication block, in or out. The type decides which keys it has.
func (r *reader) auth(n *document.Node, union element.ID) *model.Auth {
	if !n.Is(value.Object) {
		return nil
	}
	kind := strings.ToLower(n.Get("type").Str())
	variant, known := element.Get(union).Variant(kind)
	if !known {
		return r.authFields(n, kind, union)
	}
	a := r.authFields(n, variant.Value, variant.Of)
	if kind == "query" && a.Fields["placement"] == nil {
		a.Fields["placement"] = &document.Node{Kind: value.String, Text: "query", At: n.At}
	}
	// {header: X-Key, key: "{{SECRET}}"}: there, key is the secret.
	if h := n.Get("header"); a.Type == "apikey" && h != nil && n.Get("key") != nil && n.Get("value") == nil {
		a.Fields["key"], a.Fields["value"] = h, n.Get("key")
	}
	return a
}

// authFields reads the fields of an authentication block of a known kind. Those
// that its table does not have are kept under their own names.
func (r *reader) authFields(n *document.Node, kind string, id element.ID) *model.Auth {
	a := &model.Auth{Node: n, Type: kind, Fields: map[string]*document.Node{}}
	f := r.read(n, id)
	for _, p := range n.Pairs {
		if f.of.Index(p.Key) < 0 {
			a.Fields[p.Key] = p.Value
		}
	}
	for i, p := range f.pairs {
		if p != nil {
			a.Fields[f.of.Fields[i].Key] = p.Value
			r.foreign(p.Value, f.of.Fields[i].Protects)
		}
	}
	if a.Fields["x-fairlead"] != nil && f.of.Index("x-fairlead") >= 0 {
		delete(a.Fields, "x-fairlead")
		own := f.block("x-fairlead")
		if claim := own.node("subject"); claim != nil {
			a.Fields["subject"] = claim
		}
		if client := own.node("signIn"); client.Is(value.Object) {
			for _, p := range own.block("signIn").pairs {
				if p != nil {
					a.Fields["signIn."+p.Key] = p.Value
				}
			}
		}
	}
	return a
}
