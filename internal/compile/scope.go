package compile

import (
	"cmp"
	"slices"
	"strings"
	"unicode"

	"github.com/fairlead/fairlead/internal/diag"
	"github.com/fairlead/fairlead/internal/document"
	"github.com/fairlead/fairlead/internal/expr"
	"github.com/fairlead/fairlead/internal/model"
	"github.com/fairlead/fairlead/internal/plan"
	"github.com/fairlead/fairlead/internal/schema"
	"github.com/fairlead/fairlead/internal/secret"
	"github.com/fairlead/fairlead/internal/template"
	"github.com/fairlead/fairlead/internal/value"
)

// scope gives the names that a unit's texts use their slots in its frame. It
// creates inputs as they turn out to be needed.
type scope struct {
	compiler     *compiler
	unit         *plan.Unit
	namespace    string                  // namespace of the exposing server or aggregate
	isREST       bool                    // a REST unit: inputs have places
	apis         map[*model.Consume]bool // what the unit calls
	outer        map[string]expr.Expr    // inside a flow: what the referring unit's with block gives
	flowModel    *model.Unit             // inside a flow
	declared     map[string]bool
	steps        map[string]int  // slots of earlier steps
	later        map[string]bool // names of all steps
	fields       map[string]stepFields
	reads        map[int]bool            // slots of step results that the current step reads
	inAuth       bool                    // compiling outgoing authentication
	replaced     []string                // inputs in whose place a credential is sent
	sensitive    bool                    // compiling a parameter of a credential's name
	used         map[string]bool         // inputs that feed something
	requirements map[string]*requirement // of the inputs, by name
	inputs       index                   // of the unit's inputs, by name
	slots        map[int]int             // likewise, by slot
	indexed      int                     // how many inputs the two have
	secrets      map[secret.Ref]int
	asks         []*model.Question // of the flow that the unit refers to
}

func (k *compiler) newScope(u *plan.Unit) *scope {
	return &scope{compiler: k, unit: u, apis: map[*model.Consume]bool{}, outer: map[string]expr.Expr{},
		declared: map[string]bool{}, steps: map[string]int{}, fields: map[string]stepFields{}, reads: map[int]bool{},
		used: map[string]bool{}, requirements: map[string]*requirement{}}
}

func (s *scope) slot() int {
	s.unit.Slots++
	return s.unit.Slots - 1
}

// aliases are words that stand for the caller in published documents
// (semantics 2.1).
var aliases = []string{"rest", "tools", "mcp", "api", "skill", "resources", "prompts", "input", "inputs", "params",
	"request", "args"}

// reference returns the input's name when text is a reference to the caller's
// input: P.x, $this.P.x.
func (s *scope) reference(text string) (name string, ok bool) {
	this := false
	if rest, found := strings.CutPrefix(text, "$this."); found {
		text, this = rest, true
	}
	prefix, name, found := strings.Cut(text, ".")
	if !found || name == "" || strings.ContainsAny(name, " \t\n{}") {
		return "", false
	}
	switch {
	case prefix == s.namespace && prefix != "":
		return name, true
	case slices.Contains(aliases, prefix) && !s.compiler.sibling(prefix, s.namespace):
		return name, true
	case this && s.compiler.isServer(prefix):
		return name, true
	}
	return "", false
}

// usage says what an input that must be inferred feeds.
type usage struct {
	param    *model.Param // consumed parameter, nil when there is none
	place    plan.Place   // where a REST caller gives it when it is no path placeholder
	entity   bool         // it is the whole body
	origin   string
	feeds    string
	json     bool // the operation speaks JSON
	required bool // nothing can be sent without it
	whole    bool // the input is all of what it feeds, so it is what that is
	any      bool // it is a JSON value of a body of which nobody says the type
}

// requirement is how much the things that an input feeds need it.
type requirement struct {
	declared bool // the author of the input says whether it is required
	required bool // one cannot do without it
	optional bool // one says that it can, or stands where parameters are optional
}

// input returns the slot of the caller's input name, which is created when no
// input of that name, or loosely of that name, is there.
func (s *scope) input(name string, h usage, at diag.Range) expr.Expr {
	if e, ok := s.outer[name]; ok {
		return e
	}
	i := s.find(name, at)
	if i < 0 {
		i = s.infer(name, h)
	} else {
		s.enrich(s.unit.Inputs[i], h)
	}
	s.used[s.unit.Inputs[i].Name] = true
	return expr.Slot(s.unit.Inputs[i].Slot)
}

func (s *scope) find(name string, at diag.Range) int {
	inputs := s.inputIndex()
	if i := inputs.find(name); i >= 0 {
		return i
	}
	if like := inputs.like(name); len(like) > 0 {
		s.compiler.report(diag.LooseName, at, "Spell both alike.", "“%s” is taken for the input “%s”", name,
			s.unit.Inputs[like[0]].Name)
		return like[0]
	}
	return -1
}

// inputIndex is the index of the unit's inputs. The scopes of a unit and of the flow
// that it refers to share the inputs, so each looks whether the other added some.
func (s *scope) inputIndex() *index {
	if s.slots == nil {
		s.slots = map[int]int{}
	}
	for ; s.indexed < len(s.unit.Inputs); s.indexed++ {
		in := s.unit.Inputs[s.indexed]
		s.inputs.add(in.Name, s.indexed)
		s.slots[in.Slot] = s.indexed
	}
	return &s.inputs
}

// loose reports whether two names differ only in case, in - _ . and blanks, and in the
// + and * by which a path's placeholders say that they take several segments.
func loose(a, b string) bool { return a == b || canonical(a) == canonical(b) }

func canonical(s string) string {
	return strings.Map(func(c rune) rune {
		if strings.ContainsRune("-_. +*", c) {
			return -1
		}
		return c
	}, strings.ToLower(s))
}

func (s *scope) infer(name string, h usage) int {
	s.compiler.spend(1, diag.Range{})
	in := &plan.Input{Slot: s.slot(), Name: name, Key: name, Place: h.place, Schema: &schema.Schema{Input: true},
		Origin: h.origin}
	s.unit.Inputs = append(s.unit.Inputs, in)
	s.enrich(in, h)
	return len(s.unit.Inputs) - 1
}

// enrich gives an input what the consumed parameter says and the author of the
// input did not.
func (s *scope) enrich(in *plan.Input, h usage) {
	if in.Feeds == "" {
		in.Feeds = h.feeds
	}
	if h.entity && in.Place != plan.InPath && in.Place != plan.InPlan &&
		(in.Origin != "declared" || in.Place == plan.InBody && in.Select == nil) {
		in.Place = plan.AsBody
	}
	n := s.requirementOf(in.Name)
	n.required = n.required || h.required
	if p := h.param; p != nil {
		n.optional = n.optional || !h.required &&
			(p.Required != nil || h.place == plan.InQuery || h.place == plan.InHeader || h.place == plan.InCookie)
		if h.whole {
			s.describe(in, p)
		}
	}
	in.Schema.JSON = (in.Schema.JSON || h.any) && in.Schema.Type == ""
	if h.entity && h.json && h.whole {
		entitySchema(in.Schema)
	}
}

// describe gives an input what the parameter that it is says of itself.
func (s *scope) describe(in *plan.Input, p *model.Param) {
	in.Schema = inheritSchema(in.Schema, paramSchema(s.compiler, p))
	in.Secret = in.Secret || p.Secret
	for _, child := range p.Properties {
		if child.Secret && !slices.Contains(in.SecretMembers, child.Name) {
			in.SecretMembers = append(in.SecretMembers, child.Name)
		}
	}
}

// requirementOf is what is known of how much an input is needed.
func (s *scope) requirementOf(input string) *requirement {
	n := s.requirements[input]
	if n == nil {
		n = &requirement{}
		s.requirements[input] = n
	}
	return n
}

// entitySchema makes the schema of a whole JSON body: an object, and where nobody
// says that it is one, any JSON value, announced as an object.
func entitySchema(s *schema.Schema) {
	if s.Type == "" || s.Type == "string" {
		s.Type, s.Entity, s.JSON = "object", true, false
	}
}

// inheritSchema is a schema with what it leaves open filled in from another, as far as both
// are of one type.
func inheritSchema(into, from *schema.Schema) *schema.Schema {
	out := *into
	out.Description = cmp.Or(out.Description, from.Description)
	out.Type = cmp.Or(out.Type, from.Type)
	if from.Type != "" && from.Type != out.Type {
		return &out
	}
	if len(out.Enum) == 0 {
		out.Enum, out.Titles, out.EnumNames = from.Enum, from.Titles, from.EnumNames
	}
	if out.Default.IsAbsent() {
		out.Default = from.Default
	}
	out.Pattern = cmp.Or(out.Pattern, from.Pattern)
	out.MaxLength = cmp.Or(out.MaxLength, from.MaxLength)
	out.Items = cmp.Or(out.Items, from.Items)
	if len(out.Properties) == 0 {
		out.Properties = from.Properties
	}
	return &out
}

// secretSlot is the slot of a secret, the same for every use in the unit.
func (s *scope) secretSlot(refs []secret.Ref) expr.Expr {
	if s.secrets == nil {
		s.secrets = map[secret.Ref]int{}
	}
	for i := len(s.secrets); i < len(s.unit.Secrets); i++ { // those of another scope, too; no two are equal
		s.secrets[s.unit.Secrets[i].Refs[0]] = i
	}
	i, have := s.secrets[refs[0]]
	if !have {
		i = len(s.unit.Secrets)
		s.unit.Secrets = append(s.unit.Secrets, plan.SecretSlot{Slot: s.slot(), Refs: refs, ForAuth: true})
		s.secrets[refs[0]] = i
	}
	slot := &s.unit.Secrets[i]
	slot.ForAuth = slot.ForAuth && s.inAuth
	slot.Credential = slot.Credential || s.inAuth || s.sensitive || !isPlain(refs[0].Name)
	return expr.Slot(slot.Slot)
}

// written is the slot of a credential that stands in the document, the same for
// every use in the unit.
func (s *scope) written(text string) expr.Expr {
	hidden := secret.New(text)
	i := slices.IndexFunc(s.unit.Written, func(o plan.WrittenSlot) bool { return o.Text == hidden })
	if i < 0 {
		s.unit.Written = append(s.unit.Written, plan.WrittenSlot{Slot: s.slot(), Text: hidden})
		i = len(s.unit.Written) - 1
	}
	return expr.Slot(s.unit.Written[i].Slot)
}

// sealed is e, what the value n of that name gives, or the slot of the credential
// that e is: its author says so, or its name and its text do.
func (s *scope) sealed(e expr.Expr, name string, n *document.Node, secret bool) expr.Expr {
	v, fixed := e.Constant()
	if !fixed || v.Kind() != value.String || !secret && (!looksLikeCredential(name) || !resemblesCredential(v.Text())) {
		return e
	}
	s.compiler.writtenDown(n)
	return s.written(v.Text())
}

// resemblesCredential reports whether a text may be a credential, with its scheme
// perhaps: it is long enough, one word, and has letters and digits.
func resemblesCredential(text string) bool {
	const short = 8
	if scheme, rest, ok := strings.Cut(text, " "); ok && isWord(scheme) {
		text = rest
	}
	return len(text) >= short && !strings.ContainsAny(text, " /\n") && strings.ContainsAny(text, "0123456789") &&
		strings.ContainsFunc(text, unicode.IsLetter)
}

// writtenDown reports a credential that stands in the document. It is not quoted.
func (k *compiler) writtenDown(n *document.Node) {
	if _, variable := template.Foreign(n.Str()); variable {
		return // it was reported as what it is
	}
	k.reportOnce(diag.CredentialWritten, n.Range(),
		"Bind a variable, binds: [{namespace: env, keys: {API_TOKEN: API_TOKEN}}], and write “{{API_TOKEN}}” here.",
		"a credential stands in the document, for everybody who reads it")
}

// hide notes the slots of what never leaves the unit but for the API: bound and
// written credentials, tokens of callers, and inputs that are marked as secret or
// hold a credential by their place and name.
func hide(u *plan.Unit) {
	for _, s := range u.Secrets {
		if s.Credential {
			u.Hidden = append(u.Hidden, s.Slot)
		}
	}
	for _, w := range u.Written {
		u.Hidden = append(u.Hidden, w.Slot)
	}
	for _, in := range u.Inputs {
		if in.Secret || (in.Place == plan.InHeader || in.Place == plan.InCookie) && looksLikeCredential(in.Name) {
			u.Hidden = append(u.Hidden, in.Slot)
		}
	}
	u.Hidden = append(u.Hidden, u.Subject...)
}

// bound returns the bind variable that name means: NAME, namespace.NAME or env.NAME.
func (s *scope) bound(name string) (expr.Expr, bool) {
	refs := s.compiler.bind(name)
	if refs == nil {
		return expr.Expr{}, false
	}
	return s.secretSlot(refs), true
}

// text compiles a template of which lookup resolves the variables.
func (s *scope) text(source string, style template.Style, at diag.Range,
	lookup func(name string, optional bool) expr.Expr) (expr.Expr, bool) {
	t, ok := s.template(source, style, at)
	if !ok {
		return expr.Expr{}, false
	}
	return s.bindText(t, at, lookup)
}

// template reads a template; one that cannot be read is reported.
func (s *scope) template(source string, style template.Style, at diag.Range) (*template.Template, bool) {
	if !s.compiler.spend(textCost(source), at) {
		return nil, false
	}
	t, err := template.Compile(source, style)
	if err != nil {
		s.compiler.report(diag.BadTemplate, at, "Correct the braces.", "the template cannot be read: %s", err)
		return nil, false
	}
	return t, true
}

// bindText is a template of which lookup resolves the variables.
func (s *scope) bindText(t *template.Template, at diag.Range,
	lookup func(name string, optional bool) expr.Expr) (expr.Expr, bool) {
	vars := make([]expr.Expr, len(t.Vars()))
	for i, v := range t.Vars() {
		if !s.compiler.spend(1, at) {
			return expr.Expr{}, false
		}
		vars[i] = lookup(v.Name, v.Optional)
	}
	return expr.Text(t, vars), true
}

// isJSONText reports whether a text is JSON with variables, whose places no value may
// leave. A text in brackets without a quote, such as [{{x}}], may be anything.
func isJSONText(t *template.Template) bool {
	text := strings.TrimSpace(t.Source())
	if !strings.HasPrefix(text, "[") && (!strings.HasPrefix(text, "{") || strings.HasPrefix(text, "{{")) ||
		t.Check(template.JSON) != nil {
		return false
	}
	return !slices.Contains(t.BareVars(), true) || strings.Contains(text, `"`) && t.IsJSON()
}

// data compiles a value of the document: strings are templates, those within
// mappings and lists also references to the caller's inputs; everything else is
// what it is.
func (s *scope) data(n *document.Node, lookup func(name string, optional bool) expr.Expr) (expr.Expr, bool) {
	if n.Is(value.String) {
		t, ok := s.template(n.Text, template.Double, n.At)
		if !ok {
			return expr.Expr{}, false
		}
		if i, single := t.Single(); single {
			return lookup(t.Vars()[i].Name, t.Vars()[i].Optional), true // with its type
		}
		e, ok := s.bindText(t, n.At, lookup)
		if ok && !t.IsLiteral() && isJSONText(t) {
			e = expr.TextIn(t, e.Vars(), template.JSONText)
		}
		return e, ok
	}
	varies := s.varies(n)
	cost := 1
	if !varies {
		cost = valueCost(n)
	}
	if !s.compiler.spend(cost, n.Range()) {
		return expr.Expr{}, false
	}
	if !varies {
		return expr.Literal(n.Value()), true
	}
	var names []string
	var nodes []expr.Expr
	for _, p := range n.Pairs {
		e, ok := s.member(p.Value, lookup)
		if !ok {
			return e, false
		}
		names, nodes = append(names, p.Key), append(nodes, s.sealed(e, p.Key, p.Value, false))
	}
	for _, item := range n.Items {
		e, ok := s.member(item, lookup)
		if !ok {
			return e, false
		}
		nodes = append(nodes, e)
	}
	if n.Is(value.Object) {
		return expr.Object(names, nodes), true
	}
	return expr.Array(nodes), true
}

func (s *scope) member(n *document.Node, lookup func(name string, optional bool) expr.Expr) (expr.Expr, bool) {
	if _, ok := s.reference(n.Str()); ok && n.Is(value.String) {
		return lookup(n.Text, true), true
	}
	return s.data(n, lookup)
}

// varies reports whether a text within a mapping or list is no literal.
func (s *scope) varies(n *document.Node) bool {
	if n.Is(value.String) {
		_, ok := s.reference(n.Text)
		return ok || strings.Contains(n.Text, "{{")
	}
	if n.IsNull() {
		return false
	}
	return slices.ContainsFunc(n.Items, s.varies) ||
		slices.ContainsFunc(n.Pairs, func(p document.Pair) bool { return s.varies(p.Value) })
}
