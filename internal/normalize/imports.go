package normalize

import (
	"cmp"
	"path/filepath"
	"slices"
	"strings"

	"github.com/fairlead/fairlead/internal/diag"
	"github.com/fairlead/fairlead/internal/document"
	"github.com/fairlead/fairlead/internal/template"
	"github.com/fairlead/fairlead/internal/value"
)

// imports returns n, or, where n is an import entry, the element of the section
// that it names, under its alias. It is nil when the import brings nothing.
func (r *reader) imports(n *document.Node, section string) *document.Node {
	if !n.Is(value.Object) {
		r.is(n, value.Object, "an entry of "+section)
		return nil
	}
	name := n.Get("import").Str()
	from, key := n.First("from", "location")
	if from == nil || key == "location" && name == "" || n.Get("baseUri") != nil || n.Get("keys") != nil {
		return n
	}
	root := r.importFile(from)
	if root == nil || r.brought > document.MaxNodes { // which has been reported
		return nil
	}
	items := root.Get(section)
	if items.IsNull() || len(items.Items) == 0 {
		items = root.Get("capability").Get(section)
	}
	r.brought += 1 // what it looks through counts too
	if items != nil {
		r.brought += len(items.Items)
	}
	source := r.pick(items, n, from)
	if r.brought += source.Size(document.MaxNodes); r.brought > document.MaxNodes {
		r.report(diag.DocumentLimit, from.At, "Import less, or split the document.",
			"the imports bring more than %d values", document.MaxNodes)
		return nil
	}
	if source == nil {
		return nil
	}
	if section != "binds" {
		r.bindsLeft(root, source, from)
	}
	return alias(source, n, name)
}

// Inline puts what the document imports in the place of its imports, so that an
// overlay reaches it. An import that brings nothing stays, for Capability to report.
// The list says what there is to say of the others.
func Inline(file string, root *document.Node, files Files) diag.List {
	r := newReader(file, files)
	for _, section := range []string{"binds", "consumes", "aggregates", "exposes"} {
		for _, holder := range []*document.Node{root, root.Get("capability")} {
			items := holder.Get(section)
			if !items.Is(value.Array) {
				continue
			}
			for i, item := range items.Items {
				if item.Get("import") == nil && item.Get("from") == nil {
					continue
				}
				before := len(r.diags)
				if source := r.imports(item, section); source == nil {
					r.diags = r.diags[:before]
				} else if source != item {
					items.Items[i] = clone(source) // two imports of one thing are two things to an overlay
				}
			}
			if section == "binds" {
				r.binds(items)
			}
		}
	}
	return r.diags
}

// binds notes what a section binds.
func (r *reader) binds(section *document.Node) {
	for _, bind := range section.Items {
		if keys := bind.Get("keys"); keys.Is(value.Object) {
			for _, p := range keys.Pairs {
				r.bound[p.Key] = true
			}
		}
	}
}

func clone(n *document.Node) *document.Node {
	if n == nil {
		return nil
	}
	c := *n
	c.Pairs, c.Items = slices.Clone(n.Pairs), slices.Clone(n.Items)
	for i := range c.Pairs {
		c.Pairs[i].Value = clone(c.Pairs[i].Value)
	}
	for i := range c.Items {
		c.Items[i] = clone(c.Items[i])
	}
	return &c
}

// bindsLeft reports that a file from which source is imported binds variables
// that source uses, and that nothing binds here.
func (r *reader) bindsLeft(root, source, from *document.Node) {
	t, err := template.Compile(source.Value().Text(), template.Double)
	if r.left[from.Str()] || err != nil {
		return
	}
	used := map[string]bool{}
	for _, v := range t.Vars() {
		used[v.Name[strings.LastIndexByte(v.Name, '.')+1:]] = true
	}
	for _, section := range []*document.Node{root.Get("binds"), root.Get("capability").Get("binds")} {
		if !section.Is(value.Array) {
			continue
		}
		for _, bind := range section.Items {
			if keys := bind.Get("keys"); keys.Is(value.Object) && r.leaves(bind, keys, used, from) {
				return
			}
		}
	}
}

// leaves is bindsLeft for one bind.
func (r *reader) leaves(bind, keys *document.Node, used map[string]bool, from *document.Node) bool {
	for _, p := range keys.Pairs {
		if used[p.Key] && !r.bound[p.Key] {
			r.left[from.Str()] = true
			r.report(diag.ImportBinds, from.At,
				"Import them, too: binds: [{from: "+from.Str()+", import: "+bind.Get("namespace").Str()+"}].",
				"“%s” binds “%s”, and an import brings no binds with it", from.Str(), p.Key)
			return true
		}
	}
	return false
}

func (r *reader) importFile(from *document.Node) *document.Node {
	if root, ok := r.imported[from.Str()]; ok {
		return root
	}
	if path := filepath.Clean(document.FilePath(from.Str())); path == filepath.Base(r.file) {
		r.report(diag.ImportFailed, from.At, "Remove the import; what the file declares is there already.",
			"“%s” is this document itself", from.Str())
		return nil
	}
	if r.files == nil {
		r.report(diag.ImportFailed, from.At, "Serve the document from a file, beside the files that it imports.",
			"“%s” cannot be imported: the document has no folder", from.Str())
		return nil
	}
	root, diags := r.files.Load(from.Str())
	if root == nil {
		reason := "it cannot be read"
		if len(diags) > 0 {
			reason = diags[0].Message
		}
		r.report(diag.ImportFailed, from.At,
			"Put the file there, or correct the path; whatever needs it is withheld.", "“%s” cannot be imported: %s",
			from.Str(), reason)
		return nil
	}
	r.imported[from.Str()] = root
	r.diags = append(r.diags, diags...)
	return root
}

// pick takes the element with the namespace that entry imports: an import of an
// import is not followed, and the only element is taken whatever it is called.
func (r *reader) pick(items, entry, from *document.Node) *document.Node {
	name, at := entry.Get("import").Str(), entry.Where("import")
	var names []string
	var only *document.Node
	for _, item := range r.list(items, "the imported section") {
		if !item.Is(value.Object) {
			continue
		}
		if item.Get("import") != nil {
			if known, _ := item.First("as", "import"); name != "" && known.Str() == name {
				r.report(diag.ImportFailed, at,
					"Import it from the file that declares it; until then whatever needs it is withheld.",
					"“%s” imports “%s” itself, and an import of an import is not followed", from.Str(), name)
				return nil
			}
			continue
		}
		namespace, _ := item.First("namespace", "name")
		if name != "" && namespace.Str() == name {
			return item
		}
		names = append(names, namespace.Str())
		only = item
	}
	if len(names) == 1 {
		if name != "" {
			r.report(diag.ImportName, at, "Import it as “"+names[0]+"”.",
				"“%s” has no “%s”; its only entry “%s” is taken for it", from.Str(), name, names[0])
		}
		return only
	}
	hint := r.finder.Meant(name, slices.Values(names), "Correct the namespace; whatever needs it is withheld.")
	r.report(diag.ImportFailed, at, hint, "“%s” has no entry “%s”", from.Str(), name)
	return nil
}

// alias is a shallow copy of source under the name by which the importing
// document knows it. What the entry says besides goes before what source says:
// authentication that an author adds to an import is not lost.
func alias(source, entry *document.Node, name string) *document.Node {
	as := cmp.Or(entry.Get("as").Str(), name)
	copied := *source
	copied.Pairs = nil
	if as != "" {
		copied.Pairs = append(copied.Pairs,
			document.Pair{Key: "namespace", KeyAt: entry.At,
				Value: &document.Node{Kind: value.String, Text: as, At: entry.At}})
	}
	for _, p := range entry.Pairs {
		if !slices.Contains(importing, p.Key) {
			copied.Pairs = append(copied.Pairs, p)
		}
	}
	own := len(copied.Pairs)
	for _, p := range source.Pairs {
		if !slices.ContainsFunc(copied.Pairs[:own], func(o document.Pair) bool { return o.Key == p.Key }) {
			copied.Pairs = append(copied.Pairs, p)
		}
	}
	return &copied
}

// importing are the keys by which an entry says what it imports, and those that
// it cannot change of that.
var importing = []string{"from", "location", "import", "as", "type", "namespace", "name"}
