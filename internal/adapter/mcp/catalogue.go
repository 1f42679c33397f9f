package mcp

import (
	"bytes"
	"cmp"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/fairlead/fairlead/internal/plan"
	"github.com/fairlead/fairlead/internal/value"
)

// feature is what a server declares before its methods are there.
type feature uint8

const (
	noFeature feature = iota
	toolsFeature
	resourcesFeature
	promptsFeature
	completionsFeature
	features
)

// catalogue is what a plan has for clients, prepared. It never changes, but
// for the tool sets it remembers.
type catalogue struct {
	cfg       *Config
	info      []byte  // serverInfo
	rest      []byte  // ,"instructions":…,"serverInfo":… of initialize
	cache     []byte  // ,"ttlMs":…,"cacheScope":…
	reach     string  // which document this is and which APIs it calls, for signatures
	tools     []*tool // that pass the filters of the configuration
	resources []*resource
	prompts   []*prompt
	all       *view

	promptPages, templatePages pages

	mu   sync.Mutex
	sets map[string]*view // by which of the tools they have
}

// view is what one endpoint shows: all of the catalogue, or a set of its tools.
type view struct {
	*catalogue
	features     [features]bool
	heads        [2][]byte // how results begin, by era
	capabilities [2][]byte // of initialize, by transport
	identity     []byte    // end of initialize's result
	discovery    []byte    // end of server/discover's result
	listed       []*tool
	hidden       []*tool          // found by search_tools only
	index        *index           // of hidden
	byName       map[string]*tool // everything that may be called
	toolPages    pages
}

const (
	overHTTP = iota
	onStdio
)

func newCatalogue(cfg *Config, p *plan.Plan, s *plan.Server) *catalogue {
	c := &catalogue{cfg: cfg, prompts: newPrompts(s), sets: map[string]*view{}}
	c.info = value.AppendString([]byte(`{"name":`), s.Namespace)
	version, title, instructions := cfg.Version, "", ""
	if p != nil {
		c.reach = fmt.Sprintf("%q %q", s.Namespace, p.Upstreams)
	}
	if p != nil && p.Capability != nil {
		c.reach += " " + p.Capability.Name()
		version, title = cmp.Or(p.Capability.Info.Version, version), p.Capability.Info.Display
	}
	if title != "" {
		c.info = value.AppendString(append(c.info, `,"title":`...), title)
	}
	c.info = value.AppendString(append(c.info, `,"version":`...), cmp.Or(version, "0"))
	if s.Model != nil {
		c.info = appendIcons(c.info, s.Model.Icon)
	}
	c.info = append(c.info, '}')
	ttl, scope := int64(0), "private"
	if s.Model != nil {
		instructions = s.Model.Description
		ttl = max(0, s.Model.TTL)
		scope = cmp.Or(s.Model.CacheScope, scope)
	}
	if instructions != "" {
		c.rest = value.AppendString(append(c.rest, `,"instructions":`...), instructions)
	}
	c.cache = value.Int(ttl).AppendJSON(append(c.cache, `,"ttlMs":`...))
	c.cache = value.AppendString(append(c.cache, `,"cacheScope":`...), scope)

	c.tools = newTools(cfg, s)
	c.resources = newResources(cfg, s)
	c.promptPages, c.templatePages = c.listPages()
	c.all = c.newView(c.tools)
	c.all.features[toolsFeature] = len(s.Tools) > 0
	c.all.describe()
	return c
}

// listPages prepares prompts/list and resources/templates/list. (What
// resources/list says depends on the files in folders at the time.)
func (c *catalogue) listPages() (prompts, templates pages) {
	var items [][]byte
	for _, p := range c.prompts {
		items = append(items, promptItem(p))
	}
	prompts = newPages("prompts", items, c.cfg.Page)
	items = nil
	for _, one := range c.resources {
		if one.isTemplate() {
			items = append(items, one.item)
		}
	}
	return prompts, newPages("resourceTemplates", items, c.cfg.Page)
}

func (c *catalogue) newView(set []*tool) *view {
	v := &view{catalogue: c, listed: set, byName: callable(set)}
	v.features = [features]bool{
		noFeature:          true,
		toolsFeature:       true,
		resourcesFeature:   len(c.resources) > 0,
		promptsFeature:     len(c.prompts) > 0,
		completionsFeature: len(c.prompts) > 0 || slices.ContainsFunc(c.resources, (*resource).isTemplate),
	}
	if c.cfg.SearchAbove > 0 && len(set) > c.cfg.SearchAbove {
		v.hidden, v.index = set, newIndex(set)
		v.listed = searchTools(v)
	}
	items := make([][]byte, len(v.listed))
	for i, t := range v.listed {
		items[i] = t.item
	}
	v.toolPages = newPages("tools", items, c.cfg.Page)
	return v
}

// describe prepares what says who the server is and what it can do.
func (v *view) describe() {
	v.heads[0] = []byte("{")
	v.heads[1] = append(append([]byte(`{"resultType":"complete","_meta":{"`+metaServer+`":`), v.info...), "},"...)
	v.capabilities[overHTTP] = v.abilities(false)
	v.capabilities[onStdio] = v.abilities(true)
	v.identity = append(append(bytes.Clone(v.rest), `,"serverInfo":`...), v.info...)
	supported := make([]value.Value, len(versions))
	for i, version := range versions {
		supported[i] = value.Of(version)
	}
	d := value.List(supported...).AppendJSON([]byte(`"supportedVersions":`))
	d = append(append(d, `,"capabilities":`...), v.abilities(true)...)
	d = append(append(d, v.rest...), v.cache...)
	v.discovery = append(d, '}')
}

// abilities is the capabilities object; live says that changes can be told.
func (v *view) abilities(live bool) []byte {
	all := value.Map()
	for _, f := range []struct {
		feature feature
		name    string
	}{{completionsFeature, "completions"}, {promptsFeature, "prompts"}, {resourcesFeature, "resources"}, {toolsFeature, "tools"}} {
		if !v.features[f.feature] {
			continue
		}
		one := value.Map()
		if live && f.feature == resourcesFeature {
			one.Add("subscribe", value.Boolean(true))
		}
		if live && f.feature != completionsFeature {
			one.Add("listChanged", value.Boolean(true))
		}
		all.Add(f.name, one)
	}
	return all.AppendJSON(nil)
}

// maxSets bounds how many tool sets are remembered.
const maxSets = 64

// view returns what the query of an endpoint asks for: ?tags=a,b are the tools
// with any of the tags, ?namespace=x,y those that call any of the APIs.
func (c *catalogue) view(rawQuery string) (*view, *rpcError) {
	if rawQuery == "" {
		return c.all, nil
	}
	query, err := url.ParseQuery(rawQuery)
	if err != nil {
		return nil, invalid("the query of the URL cannot be read")
	}
	if !query.Has("tags") && !query.Has("namespace") {
		return c.all, nil
	}
	tags, namespaces := words(query["tags"]), words(query["namespace"])
	var set []*tool
	members := make([]byte, len(c.tools)) // so that queries for the same tools share a view
	for i, t := range c.tools {
		if (!query.Has("tags") || overlap(tags, t.unit.Tags)) && (!query.Has("namespace") || overlap(namespaces, t.namespaces)) {
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
	v.features[toolsFeature] = c.all.features[toolsFeature]
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

// changesFrom says what a client that knows old has to list again.
func (c *catalogue) changesFrom(old *catalogue) filter {
	return filter{
		tools:   !slices.EqualFunc(old.tools, c.tools, func(a, b *tool) bool { return bytes.Equal(a.item, b.item) }),
		prompts: !old.promptPages.equal(c.promptPages),
		// What a folder held before, nobody remembers.
		resources: !slices.EqualFunc(old.resources, c.resources, func(a, b *resource) bool {
			return bytes.Equal(a.item, b.item) && a.files == nil && b.files == nil
		}),
	}
}
