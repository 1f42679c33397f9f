// Package catalogue prepares what a plan has for MCP clients, once for each plan:
// tools, resources and prompts under names and schemas that every client accepts,
// their lists in pages, and the arguments of a call as inputs of its unit.
package catalogue

import (
	"bytes"
	"cmp"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/fairlead/fairlead/internal/adapter/mcp/wire"
	"github.com/fairlead/fairlead/internal/plan"
	"github.com/fairlead/fairlead/internal/value"
)

// Feature is what a server declares before its methods are there.
type Feature uint8

const (
	NoFeature Feature = iota
	ToolsFeature
	ResourcesFeature
	PromptsFeature
	CompletionsFeature
	features
)

// DefaultMaxChars is the cap of an answer that every client takes.
const DefaultMaxChars = 40_000

// Options say what of a plan clients get to see.
type Options struct {
	Version     string // of the engine; the document's own goes first
	MaxChars    int    // of a tool's answer as text; a tool's own maxChars goes first
	Page        int    // entries of a list
	SearchAbove int    // more tools than this are found by search_tools instead of listed; 0 lists all

	Serves             func(u *plan.Unit, name string) bool  // whether a unit is there, by the name that clients see
	Denies             func(name string, tags []string) bool // whether a folder or prompt is not there
	ConfirmDestructive bool                                  // not only the units that say so
}

// Catalogue is what a plan has for clients, prepared. It never changes, but
// for the tool sets it remembers.
type Catalogue struct {
	Options
	Info      []byte  // serverInfo
	rest      []byte  // ,"instructions":…,"serverInfo":… of initialize
	Cache     []byte  // ,"ttlMs":…,"cacheScope":…
	Reach     string  // which document this is and which APIs it calls, for signatures
	Tools     []*Tool // that pass the filters of the configuration
	Resources []*Resource
	Prompts   []*Prompt
	All       *View

	PromptPages, TemplatePages Pages

	mu   sync.Mutex
	sets map[string]*View // by which of the tools they have
}

// View is what one endpoint shows: all of the catalogue, or a set of its tools.
type View struct {
	*Catalogue
	Features     [features]bool
	Heads        [2][]byte // how results begin, by era
	Capabilities [2][]byte // of initialize, by transport
	Identity     []byte    // end of initialize's result
	Discovery    []byte    // end of server/discover's result
	Listed       []*Tool
	Hidden       []*Tool          // found by search_tools only
	Index        *index           // of hidden
	ByName       map[string]*Tool // everything that may be called
	ToolPages    Pages
}

const (
	OverHTTP = iota
	OnStdio
)

// New prepares what a server of a plan has for clients.
func New(opts Options, p *plan.Plan, s *plan.Server) *Catalogue {
	c := &Catalogue{Options: opts, Prompts: newPrompts(&opts, s), sets: map[string]*View{}}
	c.Info = value.AppendString([]byte(`{"name":`), s.Namespace)
	version, title, instructions := opts.Version, "", ""
	if p != nil {
		c.Reach = fmt.Sprintf("%q %q", s.Namespace, p.Upstreams)
	}
	if p != nil && p.Capability != nil {
		c.Reach += " " + p.Capability.Name()
		version, title = cmp.Or(p.Capability.Info.Version, version), p.Capability.Info.Display
	}
	if title != "" {
		c.Info = value.AppendString(append(c.Info, `,"title":`...), title)
	}
	c.Info = value.AppendString(append(c.Info, `,"version":`...), cmp.Or(version, "0"))
	if s.Model != nil {
		c.Info = appendIcons(c.Info, s.Model.Icon)
	}
	c.Info = append(c.Info, '}')
	ttl, scope := int64(0), "private"
	if s.Model != nil {
		instructions = s.Model.Description
		ttl = max(0, s.Model.TTL)
		scope = cmp.Or(s.Model.CacheScope, scope)
	}
	if instructions != "" {
		c.rest = value.AppendString(append(c.rest, `,"instructions":`...), instructions)
	}
	c.Cache = value.Int(ttl).AppendJSON(append(c.Cache, `,"ttlMs":`...))
	c.Cache = value.AppendString(append(c.Cache, `,"cacheScope":`...), scope)

	c.Tools = newTools(&c.Options, s)
	c.Resources = newResources(&c.Options, s)
	c.PromptPages, c.TemplatePages = c.listPages()
	c.All = c.newView(c.Tools)
	c.All.Features[ToolsFeature] = len(s.Tools) > 0
	c.All.describe()
	return c
}

// listPages prepares prompts/list and resources/templates/list. (What
// resources/list says depends on the files in folders at the time.)
func (c *Catalogue) listPages() (prompts, templates Pages) {
	var items [][]byte
	for _, p := range c.Prompts {
		items = append(items, promptItem(p))
	}
	prompts = NewPages("prompts", items, c.Page)
	items = nil
	for _, one := range c.Resources {
		if one.IsTemplate() {
			items = append(items, one.Item)
		}
	}
	return prompts, NewPages("resourceTemplates", items, c.Page)
}

func (c *Catalogue) newView(set []*Tool) *View {
	v := &View{Catalogue: c, Listed: set, ByName: callable(set)}
	v.Features = [features]bool{
		NoFeature:          true,
		ToolsFeature:       true,
		ResourcesFeature:   len(c.Resources) > 0,
		PromptsFeature:     len(c.Prompts) > 0,
		CompletionsFeature: len(c.Prompts) > 0 || slices.ContainsFunc(c.Resources, (*Resource).IsTemplate),
	}
	if c.SearchAbove > 0 && len(set) > c.SearchAbove {
		v.Hidden, v.Index = set, newIndex(set)
		v.Listed = newFinders(v)
	}
	items := make([][]byte, len(v.Listed))
	for i, t := range v.Listed {
		items[i] = t.Item
	}
	v.ToolPages = NewPages("tools", items, c.Page)
	return v
}

// describe prepares what says who the server is and what it can do.
func (v *View) describe() {
	v.Heads[0] = []byte("{")
	v.Heads[1] = append(append([]byte(`{"resultType":"complete","_meta":{"`+wire.MetaServer+`":`), v.Info...), "},"...)
	v.Capabilities[OverHTTP] = v.abilities(false)
	v.Capabilities[OnStdio] = v.abilities(true)
	v.Identity = append(append(bytes.Clone(v.rest), `,"serverInfo":`...), v.Info...)
	supported := make([]value.Value, len(wire.Versions))
	for i, version := range wire.Versions {
		supported[i] = value.Of(version)
	}
	d := value.List(supported...).AppendJSON([]byte(`"supportedVersions":`))
	d = append(append(d, `,"capabilities":`...), v.abilities(true)...)
	d = append(append(d, v.rest...), v.Cache...)
	v.Discovery = append(d, '}')
}

// abilities is the capabilities object; live says that changes can be told.
func (v *View) abilities(live bool) []byte {
	all := value.Map()
	for _, f := range []struct {
		feature Feature
		name    string
	}{
		{CompletionsFeature, "completions"}, {PromptsFeature, "prompts"},
		{ResourcesFeature, "resources"}, {ToolsFeature, "tools"},
	} {
		if !v.Features[f.feature] {
			continue
		}
		one := value.Map()
		if live && f.feature == ResourcesFeature {
			one.Add("subscribe", value.Boolean(true))
		}
		if live && f.feature != CompletionsFeature {
			one.Add("listChanged", value.Boolean(true))
		}
		all.Add(f.name, one)
	}
	return all.AppendJSON(nil)
}

// maxSets bounds how many tool sets are remembered.
const maxSets = 64

// View returns what the query of an endpoint asks for: ?tags=a,b are the tools
// with any of the tags, ?namespace=x,y those that call any of the APIs.
func (c *Catalogue) View(rawQuery string) (*View, *wire.Error) {
	if rawQuery == "" {
		return c.All, nil
	}
	query, err := url.ParseQuery(rawQuery)
	if err != nil {
		return nil, wire.Invalid("the query of the URL cannot be read")
	}
	if !query.Has("tags") && !query.Has("namespace") {
		return c.All, nil
	}
	tags, namespaces := words(query["tags"]), words(query["namespace"])
	var set []*Tool
	members := make([]byte, len(c.Tools)) // so that queries for the same tools share a view
	for i, t := range c.Tools {
		if (!query.Has("tags") || overlap(tags, t.Unit.Tags)) &&
			(!query.Has("namespace") || overlap(namespaces, t.namespaces)) {
			set, members[i] = append(set, t), 1
		}
	}
	c.mu.Lock()
	v := c.sets[string(members)]
	c.mu.Unlock()
	if v != nil {
		return v, nil
	}
	v = c.newView(set)
	v.Features[ToolsFeature] = c.All.Features[ToolsFeature]
	v.describe()
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.sets) < maxSets {
		c.sets[string(members)] = v
	}
	return v, nil
}

func words(values []string) []string {
	var all []string
	for _, v := range values {
		for word := range strings.SplitSeq(v, ",") {
			if word = strings.TrimSpace(word); word != "" {
				all = append(all, word)
			}
		}
	}
	return all
}

func overlap(a, b []string) bool {
	return slices.ContainsFunc(a, func(s string) bool { return slices.Contains(b, s) })
}

// ChangesFrom says what a client that knows old has to list again.
func (c *Catalogue) ChangesFrom(old *Catalogue) wire.Filter {
	return wire.Filter{
		Tools:   !slices.EqualFunc(old.Tools, c.Tools, func(a, b *Tool) bool { return bytes.Equal(a.Item, b.Item) }),
		Prompts: !old.PromptPages.equal(c.PromptPages),
		// What a folder held before, nobody remembers.
		Resources: !slices.EqualFunc(old.Resources, c.Resources, func(a, b *Resource) bool {
			return bytes.Equal(a.Item, b.Item) && a.Files == nil && b.Files == nil
		}),
	}
}
