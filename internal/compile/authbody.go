package compile

import (
	"mime"
	"slices"
	"strings"

	"github.com/fairlead/fairlead/internal/diag"
	"github.com/fairlead/fairlead/internal/document"
	"github.com/fairlead/fairlead/internal/model"
	"github.com/fairlead/fairlead/internal/upstream"
	"github.com/fairlead/fairlead/internal/value"
)

// bodyKey is the member of the body that the API's authentication fills, "" when
// there is none.
func (c *call) bodyKey() string {
	a := c.api.Auth
	if a == nil || c.op.NoAuth || a.Type != "apikey" || !strings.EqualFold(a.Text("placement"), "body") {
		return ""
	}
	return a.Text("key")
}

// withoutKey is a body block without the member or part that authentication fills.
func (c *call) withoutKey(b *model.Body) *model.Body {
	key := c.bodyKey()
	if key == "" || b.Data.IsScalar() {
		return b
	}
	data := *b.Data
	data.Pairs = slices.DeleteFunc(slices.Clone(data.Pairs), func(p document.Pair) bool { return p.Key == key })
	data.Items = slices.DeleteFunc(slices.Clone(data.Items),
		func(n *document.Node) bool { return b.Type == "multipart" && n.Get("name").Str() == key })
	rest := *b
	rest.Data = &data
	return &rest
}

// contentType is that of a body that holds nothing but the API key.
func (c *call) contentType() string {
	if c.bodyType() == "form" {
		return upstream.BodyTypes["form"].ContentType
	}
	return upstream.BodyTypes["json"].ContentType
}

// holdsKey reports whether the API key can be put into the body of r, if that is its
// place.
func (c *call) holdsKey(r *upstream.Request) bool {
	key := c.bodyKey()
	if key == "" {
		return true
	}
	why := ""
	switch b := r.Body; {
	case b == nil && slices.Contains([]string{"GET", "HEAD", "OPTIONS"}, r.Method):
		why = "a " + r.Method + " has no body"
	case b == nil, b.Kind == upstream.MultipartBody, b.Kind == upstream.FormBody:
	case b.Kind == upstream.TreeBody && b.Tree.Kind == value.Array:
		why = "its body is a list"
	default:
		media, _, _ := mime.ParseMediaType(b.ContentType)
		if !upstream.IsJSON(media) && media != upstream.BodyTypes["form"].ContentType {
			why = "its body is " + media
		}
	}
	if why != "" {
		c.compiler.reportOnce(diag.AuthUnknown, c.op.Node.Where("name"),
			"Use header or query if the API takes it there, or x-fairlead: {authentication: none} on the operation.",
			"the API key “%s” cannot be placed in the body of %s: %s", key, c.target(), why)
		c.compiler.failed = true
	}
	return why == ""
}
