package host

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/net/publicsuffix"

	"github.com/fairlead/fairlead/internal/diag"
	"github.com/fairlead/fairlead/internal/document"
	"github.com/fairlead/fairlead/internal/plan"
	"github.com/fairlead/fairlead/internal/secret"
	"github.com/fairlead/fairlead/internal/value"
)

// Grants say which documents get which secrets, where several are served in one
// process.
type Grants struct {
	list []grant
	only bool // nothing else is granted
}

// grant gives the secret of a name, see secret.Ref.Grant, to a document: its file,
// with or without its folder and its ending, or its display name; * is all.
type grant struct{ name, document string }

// ParseGrants reads grants, NAME=DOC.
func ParseGrants(texts []string) (g Grants, err error) {
	for _, text := range texts {
		i := strings.LastIndexByte(text, '=')
		if i <= 0 || i == len(text)-1 {
			return g, fmt.Errorf("“%s” is not NAME=DOC", text)
		}
		g.list = append(g.list, grant{grantName(strings.TrimSpace(text[:i])), strings.TrimSpace(text[i+1:])})
	}
	return g, nil
}

// grantName is a name as references have it: files by their whole path.
func grantName(text string) string {
	file, key, ok := strings.Cut(text, "#")
	if !ok || strings.Contains(file, "://") && !strings.HasPrefix(file, "file://") {
		return text
	}
	abs, err := filepath.Abs(document.FilePath(file))
	if err != nil {
		return text
	}
	return "file://" + filepath.ToSlash(abs) + "#" + key
}

// maxGrants bounds a file of grants, in bytes.
const maxGrants = 1 << 20

// ReadGrants adds the lines NAME=DOC of a file; # begins a comment. Nothing but
// what is granted by then, and by more grants, is granted to any document.
func (g *Grants) ReadGrants(file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	if len(text) > maxGrants {
		return errors.New("it is too large for a list of grants")
	}
	for i, line := range bytes.Split(text, []byte("\n")) {
		line, _, _ = bytes.Cut(line, []byte(" #"))
		if line = bytes.TrimSpace(line); len(line) == 0 || line[0] == '#' {
			continue
		}
		more, err := ParseGrants([]string{string(line)})
		if err != nil {
			return fmt.Errorf("line %d: %w", i+1, err)
		}
		g.list = append(g.list, more.list...)
	}
	g.only = true
	return nil
}

// named reports whether a grant is to d.
func (g grant) named(d *Document) bool {
	base := filepath.Base(d.Name)
	return slices.Contains([]string{"*", d.Name, base, strings.TrimSuffix(base, filepath.Ext(base))}, g.document) ||
		d.Model != nil && g.document == d.Model.Name()
}

// sites are where a secret of a document may go, as owners of domains; a document
// that only compares it, to let callers in, sends it nowhere.
type sites map[string]bool

// Share decides which of the documents get which secrets, before any of them runs,
// and says in their diagnostics what they do not get. A name that the operator
// grants is for those documents alone. Of the others, one that documents would
// send to different sites goes to none of them: published documents bind each
// other's names. But a document that had it, among those that are served already,
// keeps it. The texts name grants that mean nothing here.
func Share(documents, serving []*Document, g Grants) (unmatched []string) {
	if len(documents) < 2 && len(g.list) == 0 && !g.only {
		return nil
	}
	before := map[string]*Document{}
	for _, d := range serving {
		before[d.Name] = d
	}
	uses := make([]map[string]sites, len(documents))
	users := map[string][]int{} // documents, by what they use
	for i, d := range documents {
		if uses[i] = d.secretSites(); d.Plan == nil && before[d.Name] != nil { // which serves on
			uses[i] = before[d.Name].gets
		}
		for name := range uses[i] {
			users[name] = append(users[name], i)
		}
	}
	granted := map[string]map[int]bool{}
	for _, one := range g.list {
		if granted[one.name] == nil {
			granted[one.name] = map[int]bool{}
		}
		known := false
		for i, d := range documents {
			if one.named(d) {
				known, granted[one.name][i] = true, true
			}
		}
		switch {
		case !known:
			unmatched = append(unmatched, fmt.Sprintf("no document is named “%s” (grant of %s)", one.document,
				one.name))
		case len(users[one.name]) == 0:
			unmatched = append(unmatched, fmt.Sprintf("no document uses “%s”", one.name))
		}
	}
	for name, using := range users {
		if granted[name] == nil && !g.only {
			granted[name] = undisputed(name, using, uses, documents, before)
		}
	}
	for i, d := range documents {
		d.gets = map[string]sites{}
		refused := map[string]string{}
		for name, of := range uses[i] {
			if granted[name][i] {
				d.gets[name] = of
			} else {
				refused[name] = "--grant " + name + "=" + shortName(d, documents)
			}
		}
		if len(refused) > 0 && d.Plan != nil {
			d.refuse(refused, documents, users, uses, g.only)
		}
	}
	return unmatched
}

// undisputed are the documents that get a name which nobody has granted.
func undisputed(name string, using []int, uses []map[string]sites, documents []*Document,
	before map[string]*Document) map[int]bool {
	all, disputed := map[int]bool{}, false
	var first sites
	for _, i := range using {
		all[i] = true
		if of := uses[i][name]; len(of) > 0 {
			disputed = disputed || first != nil && !maps.Equal(first, of)
			first = of
		}
	}
	if !disputed {
		return all
	}
	clear(all)
	for _, i := range using {
		for _, d := range before {
			if had, ok := d.gets[name]; ok && maps.Equal(had, uses[i][name]) {
				all[i] = true // the sites are those that had it
			}
		}
	}
	return all
}

// shortName is how a flag names a document.
func shortName(d *Document, all []*Document) string {
	base := filepath.Base(d.Name)
	for _, other := range all {
		if other != d && filepath.Base(other.Name) == base {
			return d.Name
		}
	}
	return base
}

// refuse keeps secrets from a document and says so. flags are by name.
func (d *Document) refuse(flags map[string]string, documents []*Document, users map[string][]int,
	uses []map[string]sites,
	only bool) {
	d.grants.Refused = func(r secret.Ref) string { return flags[r.Grant()] }
	for _, name := range slices.Sorted(maps.Keys(flags)) {
		hint := "Start with " + flags[name] + ", and with the like for every other document that is to have it."
		if only {
			d.Diags.Add(diag.SecretNotGranted, d.whereBound(name), hint, "“%s” is not granted to this document", name)
			continue
		}
		var own, others []string
		for _, i := range users[name] {
			for site := range uses[i][name] {
				if list := &others; documents[i] == d {
					own = append(own, site)
				} else if !slices.Contains(*list, site) {
					*list = append(*list, site)
				}
			}
		}
		slices.Sort(own)
		slices.Sort(others)
		others = slices.DeleteFunc(others, func(s string) bool { return slices.Contains(own, s) })
		d.Diags.Add(diag.SecretNotGranted, d.whereBound(name), hint,
			"“%s” is not granted: this document sends it to %s, others to %s", name, some(own),
			cmp.Or(some(others), "fewer"))
	}
	d.Diags.Sort()
	d.Diags.Cap()
}

// mostSites is how many sites a message names.
const mostSites = 3

func some(list []string) string {
	if n := len(list); n > mostSites {
		return strings.Join(list[:mostSites], ", ") + fmt.Sprintf(" and %d more", n-mostSites)
	}
	return strings.Join(list, ", ")
}

// whereBound is where a document binds a name.
func (d *Document) whereBound(name string) diag.Range {
	if i := strings.LastIndexByte(name, '#'); i >= 0 {
		name = name[i+1:]
	}
	for _, b := range d.Model.Binds {
		for _, k := range b.Keys {
			if k.Source == name || slices.Contains(k.Fallback, name) {
				return k.Node.At
			}
		}
	}
	return d.Model.Node.Range()
}

// secretSites are the secrets that a document uses, by the names of their grants,
// and where each may go: to the APIs of the units that use it, and wherever the
// authentication of these APIs leads.
func (d *Document) secretSites() map[string]sites {
	uses := map[string]sites{}
	if d.Plan == nil {
		return uses
	}
	add := func(slot *plan.SecretSlot, to sites) {
		for _, ref := range slot.Refs {
			name := ref.Grant()
			if uses[name] == nil {
				uses[name] = sites{}
			}
			maps.Copy(uses[name], to)
		}
	}
	apis := d.reaches()
	reach := func(u *plan.Unit, namespaces ...string) {
		for _, s := range u.Steps {
			if s.Call != nil {
				namespace, _, _ := strings.Cut(s.Call.Request.Target, ".")
				namespaces = append(namespaces, namespace)
			}
		}
		for i := range u.Secrets {
			slot := &u.Secrets[i]
			to, known := sites{}, false
			for _, namespace := range namespaces {
				// What authentication alone reads goes where that says.
				if api := apis[namespace]; api != nil && (!slot.ForAuth || api.names(slot.Refs[0].Name)) {
					known = true
					maps.Copy(to, api.sites)
				}
			}
			if !known {
				for _, api := range apis {
					maps.Copy(to, api.sites)
				}
			}
			add(slot, to)
		}
	}
	for _, s := range d.Plan.Servers {
		if s.Auth != nil {
			to := sites{} // but for oauth2, its secrets are only compared
			for _, field := range []string{"authorizationServerUri", "introspectionEndpoint"} {
				if text := s.Auth.Model.Text(field); text != "" {
					to[d.site(text)] = true
				}
			}
			for i := range s.Auth.Secrets {
				add(&s.Auth.Secrets[i], to)
			}
		}
		for _, u := range s.Units() {
			reach(u)
		}
	}
	for _, s := range d.Plan.Sessions {
		for _, u := range s.Units() {
			reach(u, s.Namespace)
		}
	}
	return uses
}

// reached is where calls of an API go: to its base, to what its authentication names,
// and to other APIs of which that calls operations.
type reached struct {
	sites sites
	texts []string // of its authentication and keys of Fairlead's own
	also  []string // namespaces
}

// names reports whether the authentication names a variable, or may.
func (r *reached) names(variable string) bool {
	variable = variable[strings.LastIndexByte(variable, '.')+1:]
	return slices.ContainsFunc(r.texts, func(text string) bool { return strings.Contains(text, variable) })
}

// reaches are the APIs by namespace.
func (d *Document) reaches() map[string]*reached {
	apis := map[string]*reached{}
	for i, c := range d.Model.Consumes {
		api := apis[c.Namespace]
		if api == nil {
			api = &reached{sites: sites{}}
			apis[c.Namespace] = api
		}
		api.sites[d.site(d.Plan.Upstreams[i].URL)] = true
		if c.Auth != nil {
			api.read(d, c.Auth.Node)
		}
		api.read(d, c.Node.Get("x-fairlead"))
	}
	own := map[string]sites{}
	for namespace, api := range apis {
		own[namespace] = maps.Clone(api.sites)
	}
	for _, api := range apis {
		for _, other := range api.also {
			maps.Copy(api.sites, own[other])
		}
	}
	return apis
}

func (r *reached) read(d *Document, n *document.Node) {
	switch {
	case n == nil:
	case n.Is(value.Object):
		for i := range n.Pairs {
			r.read(d, n.Pairs[i].Value)
		}
	case n.Is(value.Array):
		for _, item := range n.Items {
			r.read(d, item)
		}
	default:
		r.texts = append(r.texts, n.Text)
		if strings.Contains(n.Text, "://") {
			r.sites[d.site(n.Text)] = true
		} else if namespace, _, ok := strings.Cut(n.Text, "."); ok {
			r.also = append(r.also, namespace)
		}
	}
}

var variable = regexp.MustCompile(`\{\{([^{}]*)\}\}|\{([^{}]*)\}`)

// site is who owns the host of a URL: the domain below a public suffix, or the host
// itself where it is none. Variables of it stand for where their values come from.
func (d *Document) site(text string) string {
	_, rest, ok := strings.Cut(text, "://")
	if !ok {
		rest = text
	}
	host, _, _ := strings.Cut(rest, "/")
	if i := strings.LastIndexByte(host, '@'); i >= 0 {
		host = host[i+1:]
	}
	name := host
	if u, err := url.Parse("//" + host); err == nil {
		name = u.Hostname()
	}
	if _, err := netip.ParseAddr(name); err == nil || name == "localhost" {
		return host // others listen at other ports
	}
	owner, err := publicsuffix.EffectiveTLDPlusOne(strings.ToLower(strings.TrimSuffix(name, ".")))
	if err != nil {
		owner = name
	}
	if !strings.ContainsAny(owner, "{}") {
		return owner
	}
	return variable.ReplaceAllStringFunc(host,
		func(v string) string { return "{" + d.source(strings.Trim(v, "{} ")) + "}" })
}

// source is where the value of a variable comes from, the same text in documents
// that take it from the same place.
func (d *Document) source(variable string) string {
	for _, b := range d.Model.Binds {
		for _, k := range b.Keys {
			if variable != k.Name && variable != b.Namespace+"."+k.Name || len(k.Fallback) > 0 {
				continue
			}
			if b.Location == "" {
				return k.Source
			}
			return d.Folder.Locate(b.Location) + "#" + k.Source
		}
	}
	if name, ok := strings.CutPrefix(variable, "env."); ok {
		return name
	}
	return variable + " of " + d.Name
}

// Ungranted are the secrets that none of the documents gets, and the flags that
// would grant them, for people.
func Ungranted(documents []*Document) (texts []string) {
	flags := map[string][]string{}
	for _, d := range documents {
		for _, g := range d.Diags {
			if g.Code == diag.SecretNotGranted.ID {
				name, _, _ := strings.Cut(strings.TrimPrefix(g.Message, "“"), "”")
				flags[name] = append(flags[name], "--grant "+name+"="+shortName(d, documents))
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(flags)) {
		texts = append(texts, name+" is kept from documents that would send it to different sites; of these flags take those that are meant: "+
			some(flags[name]))
	}
	return texts
}
