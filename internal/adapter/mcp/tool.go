package mcp

import (
	"cmp"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/fairlead/fairlead/internal/model"
	"github.com/fairlead/fairlead/internal/plan"
	"github.com/fairlead/fairlead/internal/schema"
	"github.com/fairlead/fairlead/internal/value"
)

// tool is a unit as clients see it.
type tool struct {
	name       string // that every client accepts
	unit       *plan.Unit
	namespaces []string // of the APIs it calls
	args       []argument
	byArg      map[string]int // index in args, by listed name and by the document's
	item       []byte         // its entry of tools/list
	output     *schema.Schema // what structuredContent conforms to; nil when not promised
	maxChars   int
	paging     []string // arguments that ask for the rest
	narrowing  []string // arguments that ask for less
	confirm    bool
	questions  []*question
	mirrored   bool // clients of 2026-07-28 repeat some arguments as headers
	readOnly   bool
	serve      func(*request) *rpcError // of the tools that find tools, instead of unit
}

// argument is one input that a client gives.
type argument struct {
	name     string         // listed
	index    int            // among the unit's inputs
	question *question      // that asks the user for it, else nil
	listed   *schema.Schema // Schema with names within objects that every model accepts
	*plan.Input
}

// newTools prepares the tools that the configuration lets through, in document
// order. Names do not depend on what it leaves out.
func newTools(cfg *Config, s *plan.Server) []*tool {
	var all []*tool
	for i, name := range listedNames(s) {
		if u := s.Tools[i]; cfg.serves(u, name) {
			all = append(all, newTool(cfg, u, name))
		}
	}
	return all
}

// listedNames are the names of a server's tools that every client accepts.
func listedNames(s *plan.Server) []string {
	names := make([]string, len(s.Tools))
	for i, u := range s.Tools {
		names[i] = u.Name
	}
	return safeNames(names, false, "tool")
}

func newTool(cfg *Config, u *plan.Unit, name string) *tool {
	t := &tool{name: name, unit: u, maxChars: cfg.MaxChars, readOnly: u.ReadOnly(), namespaces: namespacesOf(u)}
	if u.Model != nil {
		t.maxChars = cmp.Or(u.Model.MaxChars, cfg.MaxChars)
	}
	t.confirm = u.Confirm || cfg.ConfirmDestructive && isDestructive(u.Hints)
	t.args, t.byArg = arguments(u.Inputs)
	t.questions = newQuestions(u.Ask, func(input int) field {
		a := t.args[slices.IndexFunc(t.args, func(a argument) bool { return a.index == input })]
		return field{name: a.name, schema: a.Schema, required: a.Required}
	})
	for _, q := range t.questions {
		for i := range t.args {
			if slices.Contains(q.Inputs, t.args[i].index) {
				t.args[i].question = q
			}
		}
	}
	for _, a := range t.args {
		t.mirrored = t.mirrored || a.Schema != nil && a.Schema.MCPHeader != ""
		switch plain := plainName.Replace(strings.ToLower(a.Name)); {
		case slices.Contains(pagingNames, plain):
			t.paging = append(t.paging, a.name)
		case slices.Contains(narrowingNames, plain):
			t.narrowing = append(t.narrowing, a.name)
		}
	}
	t.output = announced(u.Result)
	t.item = t.appendItem(nil)
	return t
}

// plainName takes from names what APIs write differently.
var plainName = strings.NewReplacer("_", "", "-", "", ".", "", "$", "", "[", "", "]", "")

// What APIs call the parameters that choose a part of a list, in lower case and
// plain: those that reach the rest of it, and those that make it smaller.
var (
	pagingNames = []string{"page", "offset", "cursor", "skip", "start", "startat", "startindex", "after", "before", "startingafter", "pagetoken", "nexttoken",
		"continuationtoken", "pagenumber", "pageindex", "marker"}
	narrowingNames = []string{"limit", "pagesize", "perpage", "count", "maxresults", "top", "size", "rowlimit", "resultsperpage", "maxrecords",
		"fields", "filter", "query", "q", "select", "search", "since"}
)

// arguments are the inputs that a caller gives, under names that every model
// accepts as property names.
func arguments(inputs []*plan.Input) ([]argument, map[string]int) {
	var args []argument
	var names []string
	for i, in := range inputs {
		if in.Place != plan.InPlan {
			args = append(args, argument{index: i, Input: in, listed: portableNames(in.Schema)})
			names = append(names, in.Name)
		}
	}
	byArg := make(map[string]int, len(args))
	for i, name := range safeNames(names, true, "arg") {
		args[i].name = name
		byArg[name] = i
	}
	for i, name := range names {
		if _, taken := byArg[name]; !taken {
			byArg[name] = i
		}
	}
	return args, byArg
}

// appendItem appends the tool's entry of tools/list.
func (t *tool) appendItem(dst []byte) []byte {
	dst = value.AppendString(append(dst, `{"name":`...), t.name)
	if t.unit.Title != "" {
		dst = value.AppendString(append(dst, `,"title":`...), t.unit.Title)
	}
	if text := cmp.Or(t.unit.Description, t.unit.Title); text != "" {
		dst = value.AppendString(append(dst, `,"description":`...), text)
	}
	if t.unit.Model != nil {
		dst = appendIcons(dst, t.unit.Model.Icon)
	}
	input := schema.Schema{Type: "object", Closed: true}
	for _, a := range t.args {
		s := portable(a.listed)
		if a.Secret {
			s.Default = value.Value{}
		}
		input.Properties = append(input.Properties, schema.Property{Name: a.name, Schema: s, Required: a.Required && a.question == nil})
	}
	if t.confirm {
		input.Properties = append(input.Properties, schema.Property{Name: confirmToken, Schema: &schema.Schema{Type: "string",
			Description: "Leave this out at first. The answer says what would happen and gives the token that confirms it."}})
	}
	dst = input.AppendJSON(append(dst, `,"inputSchema":`...))
	if t.output != nil {
		dst = appendOutputSchema(append(dst, `,"outputSchema":`...), t.output)
	}
	if a := annotations(t.unit); a.Len() > 0 {
		dst = a.AppendJSON(append(dst, `,"annotations":`...))
	}
	if t.maxChars > defaultMaxChars {
		// Claude Code keeps that much of an answer, instead of what it keeps of others.
		dst = value.Int(int64(t.maxChars)).AppendJSON(append(dst, `,"_meta":{"anthropic/maxResultSizeChars":`...))
		dst = append(dst, '}')
	}
	return append(dst, '}')
}

// portable is a copy of the schema that every model accepts: Gemini takes enum on
// strings only, so of other types the description names the values. It tells the
// titles of values, too.
func portable(s *schema.Schema) *schema.Schema {
	if s == nil {
		return &schema.Schema{}
	}
	p := *s
	if len(s.Enum) > 0 && (s.Type != "string" || s.Titles != nil) {
		words := make([]string, len(s.Enum))
		for i, v := range s.Enum {
			if words[i] = v.Text(); s.Titles != nil {
				words[i] += " (" + s.Titles[i] + ")"
			}
		}
		p.Description = strings.TrimSpace(s.Description + " One of " + strings.Join(words, ", ") + ".")
	}
	if s.Type != "string" {
		p.Enum = nil
	}
	if s.Items != nil {
		p.Items = portable(s.Items)
	}
	p.Properties = slices.Clone(s.Properties)
	for i := range p.Properties {
		p.Properties[i].Schema = portable(p.Properties[i].Schema)
	}
	return &p
}

func annotations(u *plan.Unit) value.Value {
	a := value.Map()
	if u.Title != "" {
		a.Add("title", value.Of(u.Title))
	}
	for _, hint := range []struct {
		name  string
		given *bool
	}{{"readOnlyHint", u.Hints.ReadOnly}, {"destructiveHint", u.Hints.Destructive}, {"idempotentHint", u.Hints.Idempotent}, {"openWorldHint", u.Hints.OpenWorld}} {
		if hint.given != nil {
			a.Add(hint.name, value.Boolean(*hint.given))
		}
	}
	return a
}

// callable indexes tools by listed name, and by the document's where that is free.
func callable(set []*tool) map[string]*tool {
	byName := make(map[string]*tool, len(set))
	for _, t := range set {
		byName[t.name] = t
	}
	for _, t := range set {
		if byName[t.unit.Name] == nil {
			byName[t.unit.Name] = t
		}
	}
	return byName
}

// namespacesOf are the APIs and aggregates that a unit calls.
func namespacesOf(u *plan.Unit) []string {
	var calls []string
	if u.Model != nil {
		calls = append(calls, u.Model.Call, u.Model.Ref)
		for _, step := range u.Model.Steps {
			calls = append(calls, step.Call)
		}
	}
	names := []string{u.Namespace}
	for _, call := range calls {
		if namespace, _, ok := strings.Cut(call, "."); ok && !slices.Contains(names, namespace) {
			names = append(names, namespace)
		}
	}
	return names
}

// serves reports whether the configuration lets a unit through.
func (cfg *Config) serves(u *plan.Unit, name string) bool {
	if cfg.ReadOnly && !u.ReadOnly() {
		return false
	}
	matches := func(pattern string) bool { return matchUnit(pattern, u, name) }
	return (len(cfg.Allow) == 0 || slices.ContainsFunc(cfg.Allow, matches)) && !slices.ContainsFunc(cfg.Deny, matches)
}

// hints are the names that patterns know, without -.
var hints = map[string]func(*plan.Unit) bool{
	"readonly":    (*plan.Unit).ReadOnly,
	"destructive": func(u *plan.Unit) bool { return isDestructive(u.Hints) },
	"idempotent":  func(u *plan.Unit) bool { return isTrue(u.Hints.Idempotent) },
	"openworld":   func(u *plan.Unit) bool { return u.Hints.OpenWorld == nil || *u.Hints.OpenWorld },
}

func hintOf(name string) func(*plan.Unit) bool {
	return hints[strings.ToLower(strings.ReplaceAll(name, "-", ""))]
}

// CheckPattern says why a pattern of Config.Allow or Deny can match nothing.
func CheckPattern(pattern string) error {
	kind, name, prefixed := strings.Cut(pattern, ":")
	_, syntax := path.Match(pattern, "")
	switch {
	case pattern == "":
		return errors.New("the pattern is empty")
	case kind == "hint" && prefixed && hintOf(name) == nil:
		return fmt.Errorf("there is no hint %q; use read-only, destructive, idempotent or open-world", name)
	case prefixed && kind != "hint" && kind != "tag":
		return fmt.Errorf("%q begins neither with “tag:” nor with “hint:”", pattern)
	case syntax != nil:
		return fmt.Errorf("%q is no pattern: a bracket is not closed", pattern)
	}
	return nil
}

// Unmatched are those of the patterns that match no tool and no resource of the
// servers.
func Unmatched(patterns []string, servers []*plan.Server) (all []string) {
	for _, pattern := range patterns {
		if !slices.ContainsFunc(servers, func(s *plan.Server) bool { return matchesAny(pattern, s) }) {
			all = append(all, pattern)
		}
	}
	return all
}

func matchesAny(pattern string, s *plan.Server) bool {
	for i, name := range listedNames(s) {
		if matchUnit(pattern, s.Tools[i], name) {
			return true
		}
	}
	return slices.ContainsFunc(s.Resources, func(r *plan.Resource) bool { return r.Unit != nil && matchUnit(pattern, r.Unit, r.Name) })
}

func matchUnit(pattern string, u *plan.Unit, name string) bool {
	if tag, ok := strings.CutPrefix(pattern, "tag:"); ok {
		return slices.Contains(u.Tags, tag)
	}
	if hint, ok := strings.CutPrefix(pattern, "hint:"); ok {
		promises := hintOf(hint)
		return promises != nil && promises(u)
	}
	for _, n := range []string{u.Name, name} {
		if ok, err := path.Match(pattern, n); ok && err == nil {
			return true
		}
	}
	return false
}

func isTrue(hint *bool) bool { return hint != nil && *hint }

// isDestructive reads the hints as MCP does: what says nothing may destroy.
func isDestructive(h model.Hints) bool {
	if h.Destructive != nil {
		return *h.Destructive
	}
	return !isTrue(h.ReadOnly)
}
