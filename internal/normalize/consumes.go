package normalize

import (
	"strings"

	"github.com/fairlead/fairlead/internal/diag"
	"github.com/fairlead/fairlead/internal/document"
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
		r.report(diag.ImportFailed, n.At, "Add “from” with the path of the file.", "the import of “%s” names no file", n.Get("import").Str())
		return &model.Consume{Node: n, Type: "http", Namespace: name.Str(), Missing: "“" + n.Get("import").Str() + "”"}
	}
	r.keys(n, "a consumed API", "type", "namespace", "name", "description", "baseUri", "inputParameters", "authentication", "auth", "tunnel",
		"resources", "operations", "address", "import", "from", "location", "as", "display", "label", "tags")
	namespace, _ := n.First("namespace", "name")
	base, _ := n.First("baseUri", "address")
	c := &model.Consume{
		Node: n, Type: n.Get("type").Str(), Namespace: namespace.Str(), Description: n.Get("description").Str(), BaseURI: strings.TrimSpace(base.Str()),
		Inputs: r.params(n.Get("inputParameters")), Tunnel: n.Get("tunnel"),
		CallerFirst: n.Get("x-fairlead").Get("authorization").Str() == "caller-first",
	}
	if auth, _ := n.First("authentication", "auth"); auth != nil {
		c.Auth = r.auth(auth)
	}
	if exchange := n.Get("x-fairlead").Get("tokenExchange"); exchange != nil { // goes before what the document declares
		if c.Auth = r.auth(exchange); c.Auth != nil {
			c.Auth.Type = model.TokenExchange
		}
	}
	for _, e := range r.named(n.Get("resources"), "resource", true) {
		c.Resources = append(c.Resources, r.consumedResource(e))
	}
	if ops := n.Get("operations"); ops != nil {
		c.Resources = append(c.Resources, r.consumedResource(entry1(n, "")))
	}
	return c
}

func entry1(n *document.Node, name string) entry { return entry{name, n.Range(), n} }

func (r *reader) consumedResource(e entry) *model.ConsumedResource {
	n := e.node
	if n.Get("baseUri") == nil {
		r.keys(n, "a consumed resource", "name", "display", "label", "tags", "description", "path", "inputParameters", "operations")
	}
	res := &model.ConsumedResource{Node: n, Name: e.name, Display: display(n), Description: n.Get("description").Str(), Path: strings.TrimSpace(n.Get("path").Str())}
	if n.Get("baseUri") == nil {
		res.Inputs = r.params(n.Get("inputParameters"))
	}
	for _, op := range r.named(n.Get("operations"), "operation", true) {
		res.Operations = append(res.Operations, r.operation(res, op))
	}
	return res
}

func (r *reader) operation(res *model.ConsumedResource, e entry) *model.Operation {
	n := e.node
	r.keys(n, "a consumed operation", "name", "id", "operationId", "display", "label", "tags", "description", "method", "path", "inputParameters", "outputParameters",
		"outputRawFormat", "outputSchema", "outputMediaType", "maxBinarySize", "body", "requestBody")
	name := e.name
	if name == "" {
		id, _ := n.First("id", "operationId")
		name = id.Str()
	}
	op := &model.Operation{
		Node: n, Resource: res, Name: name, Display: display(n), Description: n.Get("description").Str(),
		Method: strings.ToUpper(n.Get("method").Str()), Path: strings.TrimSpace(n.Get("path").Str()),
		Inputs: r.params(n.Get("inputParameters")), Outputs: r.outputs(n.Get("outputParameters")),
		RawFormat: n.Get("outputRawFormat").Str(), OutputSchema: n.Get("outputSchema").Str(),
		MediaType: n.Get("outputMediaType").Str(), MaxBinarySize: n.Get("maxBinarySize").Str(),
		NoAuth: n.Get("x-fairlead").Get("authentication").Str() == "none", Secrets: texts(n.Get("x-fairlead").Get("secrets")),
	}
	if op.Method == "" {
		op.Method = "GET"
	}
	if op.Path != "" && res.Path != "" && op.Path != res.Path {
		how := "replaces"
		if firstSegment(op.Path) != firstSegment(res.Path) {
			how, op.Path = "continues", strings.TrimRight(res.Path, "/")+"/"+strings.TrimLeft(op.Path, "/")
		}
		r.report(diag.OperationPath, n.Where("path"), "Put the operation under a resource with the whole path.", "the operation's own path %s its resource's path “%s”: %s", how, res.Path, op.Path)
	}
	if body, _ := n.First("body", "requestBody"); !body.IsNull() {
		op.Body = r.body(body)
	}
	return op
}

// firstSegment tells whole paths from continued ones: authors who give an
// operation a path of its own repeat the resource's path from its beginning
// (/repos, /repos/{id}), or write what comes after it (/accounts, /{id}).
func firstSegment(path string) string {
	segment, _, _ := strings.Cut(strings.TrimLeft(path, "/"), "/")
	return segment
}

// bodyTypes maps the spellings of body types that occur to ours.
var bodyTypes = map[string]string{
	"json": "json", "application/json": "json", "text": "text", "text/plain": "text", "plain": "text", "xml": "xml", "application/xml": "xml", "soap": "xml",
	"sparql": "sparql", "form": "form", "formurlencoded": "form", "form-urlencoded": "form", "urlencoded": "form", "application/x-www-form-urlencoded": "form",
	"multipart": "multipart", "multipartform": "multipart", "multipart-form": "multipart", "multipart/form-data": "multipart", "form-data": "multipart", "formdata": "multipart",
	"binary": "binary", "octet-stream": "binary", "application/octet-stream": "binary", "yaml": "yaml", "raw": "raw", "application/cbor": "binary",
}

func (r *reader) body(n *document.Node) *model.Body {
	switch {
	case n.IsScalar():
		return &model.Body{Node: n, Type: "raw", Data: n}
	case n.Is(value.Object) && n.Get("type").IsScalar() && (n.Get("data") != nil || len(n.Pairs) == 1 || bodyTypes[strings.ToLower(n.Get("type").Str())] != ""):
		t := n.Get("type")
		kind, ok := bodyTypes[strings.ToLower(t.Text)]
		if !ok {
			hint := diag.Meant(t.Text, []string{"json", "text", "xml", "sparql", "formUrlEncoded", "multipartForm", "binary", "yaml"}, "Use json, text, xml, sparql, formUrlEncoded, multipartForm, binary or yaml.")
			r.report(diag.BodyUnknown, t.At, hint, "the body type “%s” is not known; the body is sent as JSON", t.Text)
			kind = "json"
		}
		data, _ := n.First("data", "value", "content", "parts")
		return &model.Body{Node: n, Type: kind, Data: data}
	default:
		return &model.Body{Node: n, Type: "json", Data: n}
	}
}

// authFields maps old spellings of authentication fields to those of the format.
var authFields = map[string]string{
	"in": "placement", "name": "key", "headername": "key", "header": "key", "user": "username", "tokenUri": "tokenEndpoint", "tokenUrl": "tokenEndpoint",
	"client_id": "clientId", "client_secret": "clientSecret", "refresh_token": "refreshToken", "grant_type": "grantType", "scopes": "scope", "secretKey": "secretAccessKey",
}

// authTypes maps spellings of authentication types to ours.
var authTypes = map[string]string{
	"apikey": "apikey", "api-key": "apikey", "api_key": "apikey", "header": "apikey", "query": "apikey", "token": "bearer", "oauth1": "oauth1", "oauth-1": "oauth1",
	"aws-sig-v4": "aws-sigv4", "awssigv4": "aws-sigv4",
}

func (r *reader) auth(n *document.Node) *model.Auth {
	if r.is(n, value.Object, "an authentication block") == nil {
		return nil
	}
	kind := strings.ToLower(n.Get("type").Str())
	a := &model.Auth{Node: n, Type: kind, Fields: map[string]*document.Node{}}
	if t, ok := authTypes[kind]; ok {
		a.Type = t
	}
	for _, p := range n.Pairs {
		name := p.Key
		if mapped, ok := authFields[name]; ok && n.Get(mapped) == nil {
			name = mapped
		}
		a.Fields[name] = p.Value
	}
	if a.Type == "apikey" {
		if a.Fields["value"] == nil {
			a.Fields["value"] = a.Fields["token"]
		}
		if kind == "query" && a.Fields["placement"] == nil {
			a.Fields["placement"] = &document.Node{Kind: value.String, Text: "query", At: n.At}
		}
		// {header: X-Key, key: "{{SECRET}}"}: there, key is the secret.
		if h := n.Get("header"); h != nil && n.Get("key") != nil && n.Get("value") == nil {
			a.Fields["key"], a.Fields["value"] = h, n.Get("key")
		}
	}
	if a.Type == "bearer" && a.Fields["token"] == nil {
		a.Fields["token"] = a.Fields["value"]
	}
	return a
}
