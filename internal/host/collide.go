package host

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/url"
	"path/filepath"
	"slices"
	"strings"

	"github.com/fairlead/fairlead/internal/adapter"
	"github.com/fairlead/fairlead/internal/adapter/connect"
	"github.com/fairlead/fairlead/internal/diag"
	"github.com/fairlead/fairlead/internal/plan"
	"github.com/fairlead/fairlead/internal/route"
)

// declared is a server as a document declares it.
type declared struct {
	id       serverID
	document *Document
	owner    *Document // document, or what should have taken its place
	server   *plan.Server
	bind     bind
}

// serverID says which server this is, across reloads.
type serverID struct {
	document, kind, namespace string
	repeat                    int // of equal ones, for documents that are named twice
	bind
}

// declaredBy lists the servers of documents that have something to serve.
func (c *Config) declaredBy(documents []*Document) []declared {
	return c.declarations(documents, func(d *Document) (all []*plan.Server) {
		for _, s := range d.Plan.Servers {
			if s.Serves() {
				all = append(all, s)
			}
		}
		return all
	})
}

// exposedBy lists the servers that documents expose, whether anything of them can
// be served or not.
func (c *Config) exposedBy(documents []*Document) []declared {
	return c.declarations(documents, func(d *Document) (all []*plan.Server) {
		for _, e := range d.Model.Exposes {
			all = append(all, &plan.Server{Model: e, Type: e.Type, Namespace: e.Namespace})
		}
		return all
	})
}

func (c *Config) declarations(documents []*Document, servers func(*Document) []*plan.Server) (all []declared) {
	repeats := map[serverID]int{}
	for _, d := range documents {
		if d.Plan == nil {
			continue
		}
		for _, s := range servers(d) {
			if !hosted(s) {
				continue
			}
			b := c.bindOf(s)
			id := serverID{d.Name, s.Type, s.Namespace, 0, b}
			repeats[id]++
			id.repeat = repeats[id] - 1
			all = append(all, declared{id, d, d, s, b})
		}
	}
	return all
}

// Collide withholds the units that would share requests with those of another
// document once the documents are served in one process, and says so in their
// diagnostics. Within a document the first of two equal routes stays.
func Collide(c Config) { c.collide(c.Documents, nil) }

// Collide is Collide for documents that are to replace those served: what is
// served stays, and what comes to it is withheld.
func (h *Host) Collide(documents []*Document) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.config.collide(documents, h.claims())
}

func (c *Config) collide(documents []*Document, serving map[claimKey]bool) {
	found := c.collisions(c.declaredBy(documents), serving)
	for _, d := range documents {
		d.withhold(found[d])
	}
}

// claimed is a claim and whose it is.
type claimed struct {
	adapter.Claim
	of   *declared
	name string
}

// claimKey says which claim this is, across reloads.
type claimKey struct {
	server         serverID
	methods, shape string
}

func (c *claimed) key() claimKey {
	return claimKey{c.of.id, strings.Join(c.Methods, " "), c.Pattern.Shape()}
}

func claimsOf(d *declared) (all []claimed) {
	k := kinds[d.server.Type]
	if k.claims == nil {
		return nil
	}
	for _, one := range k.claims(d.server) {
		name := "forward " + one.Pattern.String()
		if len(one.Methods) == 1 {
			name = one.Methods[0] + " " + one.Pattern.String()
		}
		all = append(all, claimed{one, d, name})
	}
	return all
}

// collision is a unit that cannot be served, and why; without a unit, what is only
// to be said.
type collision struct {
	unit *plan.Unit
	diag.Diagnostic
}

// collisions finds what cannot be served, by document. What is served already is
// never among it.
func (c *Config) collisions(all []declared, serving map[claimKey]bool) map[*Document][]collision {
	ports := map[int][]*declared{}
	for i := range all {
		if d := &all[i]; d.bind.port != 0 {
			ports[d.bind.port] = append(ports[d.bind.port], d)
		}
	}
	found := map[*Document][]collision{}
	for _, port := range ports {
		x := colliding{serving: serving, found: found, done: map[*plan.Unit]bool{}, told: map[*plan.Unit]bool{}}
		for _, class := range classes(port) {
			x.routes(class)
			x.reserved(class)
		}
		x.hidden(port, c)
	}
	return found
}

// classes are the sets of servers of one port that one caller reaches.
func classes(port []*declared) (all [][]*declared) {
	var by []exposure
	for _, d := range port {
		if r := d.bind.exposure(); !slices.Contains(by, r) {
			by = append(by, r)
		}
	}
	for _, r := range by {
		var class []*declared
		for _, d := range port {
			if own := d.bind.exposure(); own == (exposure{}) || own == r {
				class = append(class, d)
			}
		}
		all = append(all, class)
	}
	return all
}

// colliding looks for collisions on one port.
type colliding struct {
	serving map[claimKey]bool
	found   map[*Document][]collision
	done    map[*plan.Unit]bool // what is among found
	told    map[*plan.Unit]bool // of what something is only said
}

func (x *colliding) add(c *claimed, code *diag.Code, related *claimed, hint, format string, args ...any) {
	if x.done[c.Unit] {
		return
	}
	x.done[c.Unit] = true
	var l diag.List
	l.Add(code, where(c), hint, format, args...)
	if related != nil {
		l[0].Related = []diag.Related{{Range: where(related), Message: "the other one"}}
	}
	x.found[c.of.document] = append(x.found[c.of.document], collision{c.Unit, l[0]})
}

func where(c *claimed) diag.Range {
	key := "method"
	if c.Unit.Kind == "forward" {
		key = "path"
	}
	return c.Unit.Model.Node.Where(key)
}

// routes finds routes of several documents, and equal ones of servers of the
// same, that one request could match.
func (x *colliding) routes(class []*declared) {
	var all []claimed
	owners, table := map[*Document]int{}, route.Claims{}
	for _, d := range class {
		if _, ok := owners[d.owner]; !ok {
			owners[d.owner] = len(owners)
		}
		all = append(all, claimsOf(d)...)
	}
	for i := range all {
		for _, method := range all[i].Methods {
			table.Add(method, all[i].Pattern, owners[all[i].of.owner], i)
		}
	}
	first := map[string]*claimed{} // by document, method and shape
	for i := range all {
		c := &all[i]
		owner := owners[c.of.owner]
		shadowed, by := true, (*claimed)(nil)
		for _, method := range c.Methods {
			key := fmt.Sprint(owner, " ", method, " ", c.Pattern.Shape())
			if earlier := first[key]; earlier != nil && earlier.of != c.of {
				by = earlier
			} else {
				first[key], shadowed = c, false
			}
		}
		if x.serving[c.key()] {
			continue
		}
		if shadowed {
			x.add(c, diag.RouteConflict, by, "Give one of them another path, method or port.",
				"%s is claimed already by the server “%s”; the first wins", c.name, by.of.server.Namespace)
			continue
		}
		for _, method := range c.Methods {
			number, ok := table.Other(method, c.Pattern, owner)
			if !ok {
				continue
			}
			other := &all[number]
			if x.serving[other.key()] {
				x.add(c, diag.RouteCollision, other, "Give one of the documents another port or path.",
					"%s and %s of %s, which is served already, take the same requests: this one is not served",
					c.name, other.name, other.of.document.Name)
			} else {
				x.add(c, diag.RouteCollision, other, "Give one of the documents another port or path.",
					"%s and %s of %s take the same requests: neither is served", c.name, other.name,
					other.of.document.Name)
			}
			break
		}
	}
}

// reserved finds routes at the address of the sign-in pages, which take all requests
// there; of those that take others, too, it says so.
func (x *colliding) reserved(class []*declared) {
	if !slices.ContainsFunc(class, func(d *declared) bool { return d.document.signsIn() }) {
		return
	}
	table := route.Claims{}
	for _, path := range []string{connect.Path, connect.Path + "/{x+}"} {
		if own, err := route.ParseForward(path); err == nil {
			table.Add("", own, 0, 0)
		}
	}
	const hint = "Give it another path: those at " + connect.Path + " and below are of the sign-in pages."
	for _, d := range class {
		for _, c := range claimsOf(d) {
			if _, overlaps := table.Other("", c.Pattern, 1); !overlaps {
				continue
			}
			if reserved(c.Pattern.String()) {
				x.add(&c, diag.RouteReserved, nil, hint, "%s is where people sign in: it is not served", c.name)
			} else if !x.told[c.Unit] {
				x.told[c.Unit] = true
				var l diag.List
				l.Add(diag.RouteReserved, where(&c), hint, "%s does not take requests for %s, where people sign in", c.name,
					connect.Path)
				x.found[d.document] = append(x.found[d.document], collision{Diagnostic: l[0]})
			}
		}
	}
}

// hidden finds routes at the address of a server that takes all requests there.
func (x *colliding) hidden(port []*declared, c *Config) {
	for _, socket := range shared(port) {
		e := c.endpoints(socket, nil)
		if len(e.paths) == 0 {
			continue
		}
		owners := map[string]*declared{}
		for _, d := range socket {
			for _, path := range append(e.paths[d.id], e.unclear...) {
				if kinds[d.server.Type].claims == nil && owners[path] == nil {
					owners[path] = d
				}
			}
		}
		for _, d := range socket {
			for _, one := range claimsOf(d) {
				path, err := url.PathUnescape(one.Pattern.String())
				owner := owners[path]
				if err != nil || owner == nil || len(one.Pattern.Names()) > 0 || x.serving[one.key()] {
					continue
				}
				code := diag.RouteCollision
				if owner.owner == d.owner {
					code = diag.RouteConflict
				}
				x.add(&one, code, nil, "Give one of the servers another port, or the operation another path.",
					"%s is an address of the %s server “%s” of %s, which takes all requests there", one.name,
					owner.server.Type, owner.server.Namespace, owner.document.Name)
			}
		}
	}
}

// shared groups the servers of one port by the socket that they share.
func shared(port []*declared) (all [][]*declared) {
	var binds []bind
	for _, d := range port {
		binds = append(binds, d.bind)
	}
	socket := sockets(binds)
	index := map[bind]int{}
	for _, d := range port {
		s := socket[d.bind]
		if _, ok := index[s]; !ok {
			index[s] = len(all)
			all = append(all, nil)
		}
		all[index[s]] = append(all[index[s]], d)
	}
	return all
}

// selfCalls reports APIs at the address of a server of the same document.
func (d *Document) selfCalls() {
	var c Config
	for i, api := range d.Plan.Upstreams {
		u, err := url.Parse(api.URL)
		if err != nil || u.Host == "" {
			continue
		}
		port := u.Port()
		if port == "" {
			port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
		}
		for _, s := range d.Plan.Servers {
			b := c.bindOf(s)
			if hosted(s) && fmt.Sprint(b.port) == port && b.answers(u.Hostname()) {
				d.Diags.Add(diag.SelfCall, d.Model.Consumes[i].Node.Where("baseUri"),
					"Give the API's own address, or the server another port.",
					"“%s” is where the server “%s” of this document listens: a call may come back for ever",
					api.Namespace, s.Namespace)
				break
			}
		}
	}
}

// withhold takes what collides out of a plan that nobody runs yet.
func (d *Document) withhold(all []collision) {
	if len(all) == 0 {
		return
	}
	var units []*plan.Unit
	for _, c := range all {
		if c.unit != nil {
			units = append(units, c.unit)
		}
		d.Diags = append(d.Diags, c.Diagnostic)
	}
	d.Plan.Withhold(units...)
	if d.Served() == 0 {
		d.Diags.Add(diag.NothingServed, d.Model.Node.Range(), "Correct what withholds its operations and tools.",
			"nothing of “%s” can be served", d.Model.Name())
	}
	d.Diags.Sort()
	d.Diags.Cap()
}

// endpoints are the addresses of the servers of one socket that have one.
type endpoints struct {
	paths   map[serverID][]string // the most special one first
	unclear []string              // paths that could mean several
}

// defaultPaths are where clients look that were told of a host only.
var defaultPaths = []string{"/mcp", "/mcp/", "/", ""}

// endpoints gives each server /NAMESPACE/mcp where that can mean no other, and
// always addresses that tell documents apart, so that a document more moves no
// address. A server that held a path before keeps it.
func (c *Config) endpoints(socket []*declared, before map[string]serverID) *endpoints {
	e := &endpoints{paths: map[serverID][]string{}}
	var servers []*declared
	claims := map[string][]serverID{}
	var order []string
	claim := func(path string, id serverID) {
		if reserved(path) {
			return // where people sign in
		}
		for _, p := range []string{path, path + "/"} {
			if claims[p] == nil {
				order = append(order, p)
			}
			claims[p] = append(claims[p], id)
		}
	}
	for _, d := range socket {
		if kinds[d.server.Type].claims == nil {
			servers = append(servers, d)
			for _, name := range names(d) {
				claim("/"+name+"/mcp", d.id)
			}
		}
	}
	take := func(path string, by []serverID) {
		held, ok := before[path]
		switch {
		case len(by) == 1:
			e.paths[by[0]] = append(e.paths[by[0]], path)
		case ok && slices.Contains(by, held):
			e.paths[held] = append(e.paths[held], path)
		default:
			e.unclear = append(e.unclear, path)
		}
	}
	for _, path := range order {
		take(path, claims[path])
	}
	if len(servers) == 0 {
		return e
	}
	meant := make([]serverID, len(servers))
	for i, d := range servers {
		meant[i] = d.id
	}
	if named := claims["/"+c.Default+"/mcp"]; c.Default != "" && len(named) == 1 {
		meant = named
	}
	for _, path := range defaultPaths {
		take(path, meant)
	}
	return e
}

// names are what tells a server from others, the shortest first.
func names(d *declared) []string {
	file := filepath.Base(d.document.Name)
	file = strings.Map(func(r rune) rune {
		if r == '-' || r == '_' || r == '.' || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' {
			return r
		}
		return '-'
	}, strings.TrimSuffix(file, filepath.Ext(file)))
	sum := sha256.Sum256(fmt.Append(nil, d.document.Name, d.id.repeat))
	namespace := cmp.Or(d.server.Namespace, "mcp")
	return []string{namespace, file + "/" + namespace, file + "-" + hex.EncodeToString(sum[:3]) + "/" + namespace}
}

// address is the path that clients are told: /mcp for the only server, else the
// shortest of its own.
func (e *endpoints) address(id serverID) string {
	paths := e.paths[id]
	if len(e.paths) == 1 {
		return "/mcp"
	}
	return (&url.URL{Path: paths[0]}).EscapedPath()
}

// owners are the servers by their paths.
func (e *endpoints) owners() map[string]serverID {
	if e == nil {
		return nil
	}
	all := map[string]serverID{}
	for id, paths := range e.paths {
		for _, path := range paths {
			all[path] = id
		}
	}
	return all
}
