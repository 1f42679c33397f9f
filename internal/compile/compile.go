// Package compile makes a plan of a model: every reference resolved, every
// template, path and schema compiled, every unit that cannot work withheld and
// reported.
package compile

import (
	"cmp"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/fairlead/fairlead/internal/diag"
	"github.com/fairlead/fairlead/internal/format"
	"github.com/fairlead/fairlead/internal/model"
	"github.com/fairlead/fairlead/internal/plan"
	"github.com/fairlead/fairlead/internal/script"
	"github.com/fairlead/fairlead/internal/secret"
	"github.com/fairlead/fairlead/internal/shape"
	"github.com/fairlead/fairlead/internal/suggest"
	"github.com/fairlead/fairlead/internal/template"
)

// Options steer compilation.
type Options struct {
	// Upstream points consumed APIs elsewhere, by namespace; "" is every API
	// that has no entry of its own.
	Upstream map[string]*url.URL
	// Hosts points the APIs at these hosts elsewhere; Upstream goes first.
	Hosts map[string]*url.URL
	// Files reads what the document names: schema files, scripts, prompt texts,
	// static resources. Nil when the document has no folder.
	Files Files
	// Document is what sessions know the document by; "" is the name of its file.
	Document string
	// NoSessions compiles the document as if it declared no sessions.
	NoSessions bool
	// Grants go with every reference to a secret; nil grants all.
	Grants *secret.Grants
}

// Files reads files beside a document, confined by whoever implements it.
type Files interface {
	ReadFile(path string) ([]byte, error)
	// Folder returns the folder at path (a relative path or file: URI), or why it cannot be read.
	Folder(path string) (fs.FS, error)
	// Locate makes the location of a file absolute; other locations stay as they are.
	Locate(location string) string
}

// Capability makes a plan of a capability. What cannot work is withheld and
// reported; the plan serves the rest.
func Capability(c *model.Capability, o Options) (*plan.Plan, diag.List) {
	k := &compiler{model: c, options: o, plan: &plan.Plan{Capability: c},
		usedBinds: map[*model.Bind]map[string]bool{}, bases: map[*model.Consume]*base{}, reported: map[placed]bool{},
		found: map[*diag.Code]int{}, programs: map[string]*script.Program{}, decoders: map[decoderKey]decoded{},
		patterns: map[string]*regexp.Regexp{}, signed: map[*model.Consume]*plan.Session{},
		parted: map[*model.Operation]sessionPart{}, unusable: map[*model.Consume]bool{}}
	if o.Files != nil {
		k.options.Files = &metered{Files: o.Files, left: mostRead}
	}
	k.indexNames()
	k.upstreams()
	k.sessions()
	k.served()
	k.alone()
	k.sharedPorts()
	k.locations()
	k.unusedBinds()
	k.diags.Sort()
	return k.plan, k.diags
}

type compiler struct {
	model     *model.Capability
	options   Options
	plan      *plan.Plan
	diags     diag.List
	bases     map[*model.Consume]*base
	usedBinds map[*model.Bind]map[string]bool
	failed    bool   // the unit being compiled cannot work
	namespace string // of the server being compiled
	closed    bool   // what protects the server being compiled cannot be read: it serves nothing
	spent     int    // of mostWork
	finder    diag.Finder
	reported  map[placed]bool    // by reportOnce
	found     map[*diag.Code]int // how many findings report made

	programs   map[string]*script.Program // by language and files; nil for what cannot be read
	decoders   map[decoderKey]decoded
	patterns   map[string]*regexp.Regexp
	servers    map[string]bool // namespaces of servers
	binds      map[string]boundKey
	apis       map[string][]*model.Consume // by namespace
	operations map[*model.Consume]*operations
	flows      map[string]foundFlow

	signed   map[*model.Consume]*plan.Session    // the sessions of the APIs
	parted   map[*model.Operation]sessionPart    // what operations are to them
	unusable map[*model.Consume]bool             // APIs whose session cannot work
	owners   map[*model.Operation]*model.Consume // the APIs of operations, see owner
	logins   map[*model.Consume]bool             // APIs at which somebody can sign in
	roles    map[*model.Operation]suggest.Role   // what operations seem to do with sessions
}

// placed is a kind of finding at a place.
type placed struct {
	code string
	at   diag.Range
}

func (k *compiler) report(code *diag.Code, at diag.Range, hint, format string, args ...any) {
	if k.found[code]++; k.found[code] <= mostFound {
		k.diags.Add(code, at, hint, format, args...)
	}
	if code.Severity == diag.Error {
		k.failed = true
	}
}

// withhold compiles one unit with make, and records it as withheld when that
// reports an error.
func (k *compiler) withhold(kind, name string, make func() bool) {
	k.failed = false
	if !k.spend(1, diag.Range{}) || k.closed || !make() || k.failed {
		k.plan.Withheld = append(k.plan.Withheld, &plan.Withheld{Kind: kind, Name: name, Namespace: k.namespace})
	}
	k.failed = false
}

func (k *compiler) isServer(namespace string) bool { return k.servers[namespace] }

// sibling reports whether namespace is that of another server than own.
func (k *compiler) sibling(namespace, own string) bool {
	return namespace != own && k.isServer(namespace)
}

// bind resolves a variable name to where its value comes from; nil when it is no bind.
func (k *compiler) bind(name string) []secret.Ref {
	if found, ok := k.binds[name]; ok {
		return k.boundTo(found.bind, found.key, name)
	}
	if variable, ok := strings.CutPrefix(name, "env."); ok {
		return []secret.Ref{{Name: variable, Key: variable, Grants: k.options.Grants}}
	}
	return nil
}

func (k *compiler) boundTo(b *model.Bind, key model.BindKey, name string) []secret.Ref {
	if k.usedBinds[b] == nil {
		k.usedBinds[b] = map[string]bool{}
	}
	k.usedBinds[b][key.Name] = true
	location := b.Location
	if location != "" && k.options.Files != nil {
		location = k.options.Files.Locate(location)
	}
	ref := secret.Ref{Name: name, Key: key.Source, Location: location, Grants: k.options.Grants}
	if location != "" && k.options.Files != nil {
		ref.Files = k.options.Files
	}
	refs := []secret.Ref{ref}
	for _, other := range key.Fallback {
		ref.Key = other
		refs = append(refs, ref)
	}
	return refs
}

// credentialWords are parts of names that say that a bound variable is a credential.
var credentialWords = []string{"TOKEN", "KEY", "SECRET", "PASSWORD", "PASSWD", "CREDENTIAL", "AUTH", "AUTHORIZATION",
	"COOKIE", "JWT", "PAT"}

// plainWords end the names of bound variables that are no secrets.
var plainWords = []string{"ACCOUNT", "CLUSTER", "COUNTRY", "CURRENCY", "DATACENTER", "DOMAIN", "ENV", "ENVIRONMENT",
	"HOST", "HOSTNAME", "INSTANCE", "LANGUAGE",
	"LOCALE", "ORG", "ORGANIZATION", "PORT", "PROJECT", "REGION", "SITE", "STAGE", "STORE", "SUBDOMAIN", "TEAM",
	"TENANT", "VERSION", "WORKSPACE", "ZONE"}

// isPlain reports whether a bound variable of that name may be shown.
func isPlain(name string) bool {
	words := strings.FieldsFunc(strings.ToUpper(name), isSeparator)
	if n := len(words); n > 1 && (words[n-1] == "ID" || words[n-1] == "NAME") {
		words = words[:n-1]
	}
	return len(words) > 0 && slices.Contains(plainWords, words[len(words)-1]) && !looksLikeCredential(name)
}

func isSeparator(c rune) bool { return c == '_' || c == '-' }

// unusedBinds warns of credentials that nothing sends: the engine invents no
// authentication.
func (k *compiler) unusedBinds() {
	named := k.authVariables()
	for _, b := range k.model.Binds {
		for _, key := range b.Keys {
			if k.usedBinds[b][key.Name] || !looksLikeCredential(key.Name) || named[key.Name] ||
				named[b.Namespace+"."+key.Name] {
				continue
			}
			k.diags.Add(diag.BindUnused, key.Node.At, k.useFor(key.Name),
				"“%s” is bound and never used: no request carries it", key.Name)
		}
	}
}

// credentialBlocks are authentication blocks by what the name of a variable ends
// in; the last fits every name. NAME is the name.
var credentialBlocks = []struct{ ending, block string }{
	{"CLIENT_SECRET", `{type: oauth2, tokenEndpoint: …, clientId: …, clientSecret: "{{NAME}}"}`},
	{"CLIENT_ID", `{type: oauth2, tokenEndpoint: …, clientId: "{{NAME}}", clientSecret: …}`},
	{"REFRESH_TOKEN", `{type: oauth2, tokenEndpoint: …, clientId: …, refreshToken: "{{NAME}}"}`},
	{"PASSWORD", `{type: basic, username: …, password: "{{NAME}}"}`},
	{"PASSWD", `{type: basic, username: …, password: "{{NAME}}"}`},
	{"SECRET_ACCESS_KEY", `{type: aws-sigv4, accessKeyId: …, secretAccessKey: "{{NAME}}", region: …, service: …}`},
	{"COOKIE", `{type: apikey, placement: cookie, key: …, value: "{{NAME}}"}`},
	{"KEY", `{type: apikey, key: …, value: "{{NAME}}"}; where it is a bearer token, {type: bearer, token: "{{NAME}}"}`},
	{"", `{type: bearer, token: "{{NAME}}"}`},
}

// useFor says how a credential that nothing uses could be used: by the API whose
// namespace its name holds, else by the first that has no authentication.
func (k *compiler) useFor(name string) string {
	namespace, free, flat := "NAMESPACE", false, diag.Fold(name)
	for _, c := range k.model.Consumes {
		if c.Missing != "" {
			continue
		}
		named := c.Namespace != "" && strings.Contains(flat, diag.Fold(c.Namespace))
		if named || namespace == "NAMESPACE" || c.Auth == nil && !free {
			namespace, free = c.Namespace, c.Auth == nil
		}
		if named {
			break
		}
	}
	if namespace != "NAMESPACE" && !free {
		return "If " + namespace + " wants it, write “{{" + name + "}}” in its authentication."
	}
	i := slices.IndexFunc(credentialBlocks,
		func(b struct{ ending, block string }) bool { return strings.HasSuffix(strings.ToUpper(name), b.ending) })
	block := strings.ReplaceAll(credentialBlocks[i].block, "NAME", name)
	return "If " + namespace + " wants it, add to that API: authentication: " + block +
		" (in the document or an overlay)."
}

// authVariables are the variables that the authentication of APIs names: they are
// used even if no unit that works calls that API.
func (k *compiler) authVariables() map[string]bool {
	named := map[string]bool{}
	for _, c := range k.model.Consumes {
		if c.Auth == nil {
			continue
		}
		if t, err := template.Compile(c.Auth.Node.Value().Text(), template.Double); err == nil {
			for _, v := range t.Vars() {
				named[v.Name] = true
			}
		}
	}
	return named
}

// locations reports binds whose location no provider reads.
func (k *compiler) locations() {
	known := slices.Sorted(maps.Keys(secret.Defaults(secret.System{}, nil)))
	for _, b := range k.model.Binds {
		at := b.Node.Where("location")
		if b.Node.Get("location") == nil {
			at = b.Node.Where("uri")
		}
		scheme, _, isURL := strings.Cut(b.Location, ":")
		if !isURL || len(scheme) < 2 || strings.ContainsAny(scheme, `/\.`) {
			continue // the environment, or a path
		}
		if !slices.Contains(known, scheme) {
			hint := k.meant(scheme, slices.Values(known),
				"Use "+strings.Join(known, ", ")+"; until then its keys have no value.")
			k.diags.Add(diag.BindLocation, at, hint, "no secrets are read from %s: locations", scheme)
		} else if _, err := url.Parse(b.Location); err != nil {
			// it may hold a password
			k.diags.Add(diag.BindLocation, at, "Correct it; until then its keys have no value.",
				"the location is not a URL")
		}
	}
}

// alone withholds control servers whose port another server has, too: whoever
// reaches that one must not reach what steers the process.
func (k *compiler) alone() {
	taken := map[int]*plan.Server{}
	for _, s := range k.plan.Servers {
		if s.Control == nil {
			taken[s.Model.Port] = s
		}
	}
	k.plan.Servers = slices.DeleteFunc(k.plan.Servers, func(s *plan.Server) bool {
		if s.Control == nil || s.Model.Port == 0 {
			return false
		}
		other := taken[s.Model.Port]
		if other == nil {
			taken[s.Model.Port] = s
			return false
		}
		k.diags.Add(diag.RouteConflict, s.Model.Node.Where("port"), "Give the control server a port of its own.",
			"a control server shares its port with no other; this one is not served, for “%s” has port %d",
			cmp.Or(other.Namespace, other.Type), s.Model.Port)
		return true
	})
}

// sharedPorts tells of servers that one listener serves.
func (k *compiler) sharedPorts() {
	address := func(s *plan.Server) string {
		return cmp.Or(strings.Replace(s.Model.Address, "localhost", "127.0.0.1", 1), "127.0.0.1")
	}
	first := map[string]*plan.Server{} // by address and port
	for _, s := range k.plan.Servers {
		if s.Model.Port == 0 || s.Model.Transport == "stdio" {
			continue
		}
		listener := fmt.Sprintf("%s:%d", address(s), s.Model.Port)
		earlier := first[listener]
		if s.Control != nil {
			continue
		}
		if earlier == nil {
			first[listener] = s
			continue
		}
		k.diags.Add(diag.PortTaken, s.Model.Node.Where("port"),
			"Nothing needs to change; another port keeps them apart.",
			"“%s” shares port %d with “%s”: one listener serves both", s.Namespace, s.Model.Port, earlier.Namespace)
	}
}

func looksLikeCredential(name string) bool {
	for _, word := range strings.FieldsFunc(strings.ToUpper(name), isSeparator) {
		for _, c := range credentialWords {
			if word == c || strings.HasSuffix(word, c) {
				return true
			}
		}
	}
	return false
}

// outputs compiles the answer of a unit and of what a caller may rely on.
func (k *compiler) outputs(u *plan.Unit, outputs []*model.Output) {
	if !k.spendOutputs(outputs) {
		return
	}
	compile := shape.Compile
	if len(u.Steps) == 1 && u.Steps[0].Call != nil {
		outputs = mapped(outputs, u.Steps[0].Call.Operation)
		if u.Steps[0].Call.Format == format.XML {
			compile = shape.CompileXML
		}
	}
	u.Output, u.Secret = compile(outputs, &k.diags), k.shown(outputs)
	u.Result = u.Output.Schema()
}

// mapped are outputs of which those without a mapping have that of the operation's
// output of their name: it says what the name means.
func mapped(outputs []*model.Output, op *model.Operation) []*model.Output {
	outputs = slices.Clone(outputs)
	for i, o := range outputs {
		if o.Name == "" || o.Mapping != "" || o.Value != nil {
			continue
		}
		at := slices.IndexFunc(op.Outputs, func(of *model.Output) bool { return of.Name == o.Name && of.Mapping != "" })
		if at >= 0 {
			own := *o
			own.Node, own.Mapping = op.Outputs[at].Node, op.Outputs[at].Mapping
			if own.Type == "" {
				own.Type = op.Outputs[at].Type
			}
			outputs[i] = &own
		}
	}
	return outputs
}

var methods = []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete,
	http.MethodHead, http.MethodOptions}
