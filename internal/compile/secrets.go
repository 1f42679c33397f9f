package compile

import (
	"slices"
	"strings"

	"github.com/fairlead/fairlead/internal/diag"
	"github.com/fairlead/fairlead/internal/document"
	"github.com/fairlead/fairlead/internal/jsonpath"
	"github.com/fairlead/fairlead/internal/model"
	"github.com/fairlead/fairlead/internal/plan"
	"github.com/fairlead/fairlead/internal/value"
)

// secretsOf settles which parts of a call's answer are secret: x-fairlead: {secrets: […]}
// of the operation, its outputs that are marked so, and what a session is made of. ok
// is false when one cannot be told: nobody may call the operation then.
func (k *compiler) secretsOf(c *plan.Call) (ok bool) {
	var paths []*jsonpath.Path
	op := c.Operation
	ok = true
	at := op.Node.Get("x-fairlead").Get("secrets")
	for i, text := range op.Secrets {
		n := at
		if at.Is(value.Array) && i < len(at.Items) {
			n = at.Items[i]
		}
		ok = k.secretPath(&paths, text, n) && ok
	}
	for _, o := range op.Outputs {
		k.marked(o, "$", "", func(path string, n *document.Node) { ok = k.secretPath(&paths, path, n) && ok })
	}
	if part, is := k.parted[op]; is && part.role != plan.LogoutRole {
		for _, p := range slices.Concat(part.session.Answer.Token, part.session.Answer.Renews) {
			switch {
			case p.Path != nil && !slices.ContainsFunc(paths,
				func(o *jsonpath.Path) bool { return o.String() == p.Path.String() }):
				paths = append(paths, p.Path)
			case p.Header != "":
				c.SecretHeaders = append(c.SecretHeaders, p.Header)
			case p.Cookie != "":
				c.SecretCookies = append(c.SecretCookies, p.Cookie)
			}
		}
	}
	c.Secrets = paths
	return ok
}

// shown are the parts of a shaped answer that its outputs declare secret.
func (k *compiler) shown(outputs []*model.Output) (paths []*jsonpath.Path) {
	named := !slices.ContainsFunc(outputs, func(o *model.Output) bool { return o.Name == "" })
	for _, o := range outputs {
		path := "$"
		if named {
			path += member(o.Name)
		}
		k.places(o, path, func(path string, n *document.Node) { k.secretPath(&paths, path, n) })
	}
	return paths
}

func (k *compiler) secretPath(paths *[]*jsonpath.Path, text string, n *document.Node) bool {
	if !k.spend(textCost(text), n.Range()) {
		return false
	}
	path, _, err := jsonpath.Compile(text, jsonpath.Lenient)
	switch {
	case err != nil:
		k.reportOnce(diag.BadPath, n.Range(), "Correct the JSONPath.", "the secret “%s” is not a JSONPath: %s", text, err)
	case !path.Locates():
		k.reportOnce(diag.BadPath, n.Range(), "Write where the secret stands.",
			"the secret “%s” is what a function makes, and no part of the answer", text)
	default:
		*paths = append(*paths, path)
		return true
	}
	k.failed = true
	return false
}

// marked gives found the path, in the API's answer, of each output below o that is
// marked as secret. base is where its parent stands, own its name if that is its
// place there.
func (k *compiler) marked(o *model.Output, base, own string, found func(path string, n *document.Node)) {
	switch mapping := strings.TrimSpace(o.Mapping); {
	case mapping != "":
		base = below(base, mapping)
	case own != "":
		base += member(own)
	}
	if o.Secret {
		found(base, o.Node)
	}
	for _, p := range o.Properties {
		k.marked(p, base, p.Name, found)
	}
	for _, each := range []*model.Output{o.Items, o.Values} {
		if each != nil {
			k.marked(each, base+"[*]", "", found)
		}
	}
}

// below is a path that is relative to the node at base.
func below(base, path string) string {
	if base == "$" {
		return path
	}
	path = strings.TrimSuffix(strings.TrimPrefix(path, "$"), ".")
	if path != "" && path[0] != '.' && path[0] != '[' {
		path = "." + path
	}
	return base + path
}

// places gives found the path, in the shaped answer, of each output from o down that is
// marked as secret; path is where o stands.
func (k *compiler) places(o *model.Output, path string, found func(path string, n *document.Node)) {
	if o.Secret {
		found(path, o.Node)
	}
	for _, p := range o.Properties {
		k.places(p, path+member(p.Name), found)
	}
	for _, each := range []*model.Output{o.Items, o.Values} {
		if each != nil {
			k.places(each, path+"[*]", found)
		}
	}
}

// member is the step of a path to a member, quoted as RFC 9535 does.
func member(name string) string { return "[" + string(value.AppendString(nil, name)) + "]" }
