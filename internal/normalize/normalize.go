// Package normalize makes one model of a document of any version: lists and
// maps, old names and new, side by side. The shape decides, never the version
// string. Nothing behind it knows versions.
//
// Keys that have a meaning to Fairlead are taken silently wherever authors put
// them; keys without one are reported, because a misspelt key is a silent loss.
package normalize

import (
	"fmt"
	"slices"
	"strings"

	"github.com/fairlead/fairlead/internal/diag"
	"github.com/fairlead/fairlead/internal/document"
	"github.com/fairlead/fairlead/internal/element"
	"github.com/fairlead/fairlead/internal/model"
	"github.com/fairlead/fairlead/internal/value"
)

// Files reads what a document imports. The path is relative to the document's
// folder and is confined by whoever implements it.
type Files interface {
	Load(path string) (*document.Node, diag.List)
}

// Capability makes the model of a parsed document. It is nil when the tree is
// not a capability document at all; then the list says what was found instead.
func Capability(file string, root *document.Node, files Files) (*model.Capability, diag.List) {
	r := newReader(file, files)
	c := r.capability(file, root)
	return c, r.diags
}

type reader struct {
	file     string
	diags    diag.List
	files    Files
	imported map[string]*document.Node
	bound    map[string]bool     // variables that the document's binds bind
	noted    map[diag.Range]bool // words that were taken for booleans
	left     map[string]bool     // imported files of which it was said that their binds stay there

	profiles   map[string]value.Value // how calls are sent, by name
	unreadable *bool                  // of what is being read: a key that protects it cannot be read
	scripting  *model.Scripting
	finder     diag.Finder
	brought    int // values that imports have brought so far
}

func newReader(file string, files Files) *reader {
	return &reader{file: file, files: files, imported: map[string]*document.Node{}, bound: map[string]bool{},
		left: map[string]bool{}, noted: map[diag.Range]bool{}}
}

func (r *reader) report(code *diag.Code, at diag.Range, hint, format string, args ...any) {
	r.diags.Add(code, at, hint, format, args...)
}

// is reports a member of the wrong kind and returns nil for it.
func (r *reader) is(n *document.Node, kind value.Kind, what string) *document.Node {
	if n.IsNull() || n.Kind == kind {
		if n.IsNull() {
			return nil
		}
		return n
	}
	r.report(diag.WrongType, n.At, "Write it as "+kindPhrase(kind)+".", "%s must be %s, not %s; it is ignored", what,
		kindPhrase(kind), kindPhrase(n.Kind))
	return nil
}

func kindPhrase(k value.Kind) string {
	switch k {
	case value.Object:
		return "a mapping"
	case value.Array:
		return "a list"
	case value.Null:
		return "empty"
	default:
		return "a " + k.String()
	}
}

// entry is one element of a named collection.
type entry struct {
	name string
	at   diag.Range // of the name
	node *document.Node
}

// named reads a collection that is a list of elements with a name, or a map by
// name. Of two equal names the last wins at the place of the first, except that
// resources, which are known by their paths, are all kept.
func (r *reader) named(n *document.Node, what string, nameless bool) (entries []entry) {
	places := map[string]int{}
	add := func(e entry) {
		if i, twice := places[e.name]; twice && e.name != "" && what != "resource" {
			r.report(diag.DuplicateName, e.at, "Give one of them another name.",
				"the %s “%s” is declared twice; the last one counts", what, e.name)
			entries[i].node = e.node
			return
		}
		places[e.name] = len(entries)
		entries = append(entries, e)
	}
	switch {
	case n.IsNull():
	case n.Kind == value.Object:
		for _, p := range n.Pairs {
			if m := r.is(p.Value, value.Object, "the "+what+" “"+p.Key+"”"); m != nil {
				add(entry{p.Key, p.KeyAt, m})
			}
		}
	case n.Kind == value.Array:
		for i, item := range n.Items {
			if m := r.is(item, value.Object, "an entry of the "+what+" list"); m != nil {
				name := m.Get("name").Str()
				if name == "" && !nameless {
					name = fmt.Sprintf("%s-%d", strings.ReplaceAll(what, " ", "-"), i+1)
					r.report(diag.MissingName, m.At, "Add a name.", "the %s has no name; it is called “%s”", what, name)
				}
				add(entry{name, m.Where("name"), m})
			}
		}
	default:
		r.is(n, value.Array, "the "+what+" collection")
	}
	return entries
}

func (r *reader) list(n *document.Node, what string) []*document.Node {
	if n.IsNull() {
		return nil
	}
	if n.Kind != value.Array {
		if n.Kind == value.Object && len(n.Pairs) > 0 && n.Pairs[0].Value.Is(value.Object) {
			var items []*document.Node // keyed by namespace
			for _, p := range n.Pairs {
				if p.Value.Is(value.Object) && p.Value.Get("namespace") == nil {
					p.Value.Pairs = append(p.Value.Pairs,
						document.Pair{Key: "namespace", KeyAt: p.KeyAt,
							Value: &document.Node{Kind: value.String, Text: p.Key, At: p.KeyAt}})
				}
				items = append(items, p.Value)
			}
			return items
		}
		r.is(n, value.Array, what)
		return nil
	}
	return n.Items
}

func texts(n *document.Node) (list []string) {
	if n.IsScalar() {
		return []string{n.Text}
	}
	if n != nil {
		for _, item := range n.Items {
			if item.IsScalar() {
				list = append(list, item.Text)
			}
		}
	}
	return list
}

func (r *reader) capability(file string, root *document.Node) *model.Capability {
	if !root.Is(value.Object) {
		r.report(diag.NotCapability, diag.Range{File: file},
			"A capability document is a mapping with a capability section.", "the file holds no mapping but %s",
			kindPhrase(nodeKind(root)))
		return nil
	}
	c := &model.Capability{File: file, Node: root}
	body := root.Get("capability")
	if !body.Is(value.Object) {
		sections := []string{"consumes", "exposes", "aggregates", "binds"}
		if n, _ := root.First(sections...); n == nil || n.IsScalar() {
			r.notCapability(file, root)
			return nil
		}
		body = nil
	}
	c.Version = r.version(root)
	defer r.guarding(&c.Unreadable)()
	f := r.read(root, element.Document)
	r.readProfiles(f.block("x-fairlead"), r.read(body, element.Capability).block("x-fairlead"))
	c.Info = info(f.block("info"))
	for _, section := range []*document.Node{root.Get("externalRefs"), root.Get("binds"), body.Get("binds")} {
		for _, n := range r.list(section, "binds") {
			if b := r.bind(n); b != nil {
				c.Binds = append(c.Binds, b)
			}
		}
	}
	for _, b := range c.Binds {
		for _, key := range b.Keys {
			r.bound[key.Name] = true
		}
	}
	for _, section := range []*document.Node{body.Get("consumes"), root.Get("consumes")} {
		for _, n := range r.list(section, "consumes") {
			if m := r.consume(r.imports(n, "consumes"), n); m != nil {
				c.Consumes = append(c.Consumes, m)
			}
		}
	}
	for _, section := range []*document.Node{body.Get("aggregates"), root.Get("aggregates")} {
		for _, n := range r.list(section, "aggregates") {
			if m := r.aggregate(r.imports(n, "aggregates")); m != nil {
				c.Aggregates = append(c.Aggregates, m)
			}
		}
	}
	for _, section := range []*document.Node{body.Get("exposes"), root.Get("exposes")} {
		for _, n := range r.list(section, "exposes") {
			if m := r.expose(r.imports(n, "exposes")); m != nil {
				c.Exposes = append(c.Exposes, m)
			}
		}
	}
	if r.scripting != nil {
		c.Scripting = *r.scripting
	}
	r.uniqueNamespaces(c)
	return c
}

func nodeKind(n *document.Node) value.Kind {
	if n == nil {
		return value.Null
	}
	return n.Kind
}

func (r *reader) notCapability(file string, root *document.Node) {
	found := "no capability section"
	for _, key := range []string{"kind", "apiVersion", "openapi", "swagger", "asyncapi"} {
		if n := root.Get(key); n.IsScalar() {
			found = key // and not its value: the file may hold secrets
			break
		}
	}
	if n := root.Get("naftiko"); n.Is(value.Object) {
		found = "naftiko as a mapping, a form from before 0.3"
	}
	if n := root.Get("capability"); n != nil && !n.Is(value.Object) {
		found = "a capability that is " + kindPhrase(n.Kind)
	}
	hint := "A capability document has a capability section with consumes and exposes."
	for _, m := range root.Pairs {
		if near, ok := diag.Near(m.Key, []string{"capability"}); ok && m.Key != near {
			hint = "Did you mean “" + near + "” by “" + m.Key + "”?"
		}
	}
	r.report(diag.NotCapability, diag.Range{File: file, Start: root.At.Start}, hint,
		"this is not a capability document: found %s", found)
}

// versions known to Fairlead, by family; a version outside them is read as the newest.
var versions = map[string][]string{
	"naftiko": {"0.3", "0.4", "0.5", "1.0.0-alpha1", "1.0.0-alpha2", "1.0.0-alpha3"},
	"ikanos": {"0.4", "0.5", "1.0.0-alpha1", "1.0.0-alpha2", "1.0.0-alpha3", "1.0.0-alpha4",
		"1.0.0-beta1", "1.0.0-beta2", "1.0.0-beta3", "1.0.0-beta4", "1.0.0-beta5"},
}

func (r *reader) version(root *document.Node) model.Version {
	n, family := root.First("ikanos", "naftiko")
	if !n.IsScalar() {
		r.report(diag.UnknownVersion, root.Range(), "Add a first line such as “ikanos: 1.0.0-beta5”.",
			"the document names no specification version; it is read as the newest")
		return model.Version{}
	}
	v := model.Version{Family: family, Raw: n.Text}
	if !slices.Contains(versions[family], v.Raw) {
		r.report(diag.UnknownVersion, n.At, "Nothing needs to change if the document works.",
			"version “%s” is not known; it is read as the newest", v.Raw)
	}
	return v
}

func info(f fields) model.Info {
	return model.Info{
		Node: f.from, Display: f.text("display"), Description: f.text("description"), Version: f.text("version"),
		Tags: f.texts("tags"), Created: f.text("created"), Modified: f.text("modified"),
	}
}

func (r *reader) bind(n *document.Node) *model.Bind {
	if !n.Is(value.Object) {
		r.is(n, value.Object, "a bind")
		return nil
	}
	if n.Get("import") != nil && n.Get("keys") == nil {
		n = r.imports(n, "binds")
		if n == nil {
			return nil
		}
	}
	f := r.read(n, element.Bind)
	b := &model.Bind{Node: n, Namespace: f.text("namespace"), Description: f.text("description"),
		Location: f.text("location")}
	keys, fallback := f.node("keys"), map[string]*document.Node{}
	if others := f.block("x-fairlead").node("fallback"); others.Is(value.Object) {
		for _, p := range others.Pairs {
			fallback[p.Key] = p.Value
		}
	}
	switch {
	case keys.Is(value.Object):
		for i := range keys.Pairs {
			p := &keys.Pairs[i]
			source := p.Value.Str()
			if source == "" {
				source = p.Key
			}
			b.Keys = append(b.Keys, model.BindKey{Node: &document.Node{Kind: value.String, Text: p.Key, At: p.KeyAt},
				Name: p.Key, Source: source, Fallback: texts(fallback[p.Key])})
		}
	case keys.Is(value.Array):
		for _, item := range keys.Items {
			if item.IsScalar() {
				b.Keys = append(b.Keys, model.BindKey{Node: item, Name: item.Text, Source: item.Text})
			}
		}
	}
	return b
}

func (r *reader) aggregate(n *document.Node) *model.Aggregate {
	if n == nil {
		return nil
	}
	f := r.read(n, element.Aggregate)
	f.block("x-fairlead")
	a := &model.Aggregate{Node: n, Namespace: f.text("namespace"), Display: f.text("display")}
	for _, e := range r.named(f.node("flows"), "flow", false) {
		flow := &model.Flow{}
		r.unit(&flow.Unit, e, element.Flow, func(f fields) {
			s := f.block("semantics")
			flow.MediaType = f.text("outputMediaType")
			flow.Semantics = model.Semantics{Safe: s.truth("safe"), Idempotent: s.truth("idempotent"),
				Cacheable: s.truth("cacheable")}
		})
		a.Flows = append(a.Flows, flow)
	}
	return a
}

// uniqueNamespaces reports namespaces of consumed APIs that stand twice (a call
// reaches the first), and of servers of one type.
func (r *reader) uniqueNamespaces(c *model.Capability) {
	consumed, exposed := map[string]bool{}, map[string]bool{}
	for _, m := range c.Consumes {
		if consumed[m.Namespace] && m.Namespace != "" {
			r.report(diag.DuplicateName, m.Node.Where("namespace"), "Give one of them another namespace.",
				"the consumed namespace “%s” is declared twice; an operation is looked for in both, the first wins",
				m.Namespace)
		}
		consumed[m.Namespace] = true
	}
	for _, e := range c.Exposes {
		name := e.Type + " " + e.Namespace
		twice := exposed[name] && e.Namespace != ""
		exposed[name] = true
		if twice {
			r.report(diag.DuplicateName, e.Node.Where("namespace"), "Give one of them another namespace.",
				"two %s servers have the namespace “%s”; clients cannot tell them apart", e.Type, e.Namespace)
		}
	}
}
