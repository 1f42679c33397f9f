package catalogue

import (
	"cmp"
	"io/fs"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/fairlead/fairlead/internal/adapter/mcp/wire"
	"github.com/fairlead/fairlead/internal/plan"
	"github.com/fairlead/fairlead/internal/value"
)

// Limits of static resources.
const (
	MaxFile  = 10 << 20 // bytes of one
	maxFiles = 10_000   // listed of one folder
)

// Resource is a resource as clients see it.
type Resource struct {
	*plan.Resource
	Files   fs.FS          // nil when dynamic
	Item    []byte         // its entry of a list; of static files only the end of each
	pattern *regexp.Regexp // of a template
	Args    []int          // inputs that the pattern's groups feed, -1 for none
	Confirm bool           // ask before it is read
}

// Tags are those of a resource that runs nothing.
func Tags(p *plan.Resource) []string {
	if p.Model == nil {
		return nil
	}
	return p.Model.Tags
}

func newResources(opts *Options, s *plan.Server) []*Resource {
	var all []*Resource
	for _, p := range s.Resources {
		if p.Unit != nil && !opts.Serves(p.Unit, p.Name) || p.Unit == nil && opts.Denies(p.Name, Tags(p)) {
			continue
		}
		r := &Resource{Resource: p, Files: p.Files}
		r.Confirm = p.Unit != nil && (p.Unit.Confirm || opts.ConfirmDestructive && p.Unit.Destructive())
		key := `{"uri":`
		if r.IsTemplate() {
			r.compile()
			key = `{"uriTemplate":`
		}
		if r.Files == nil {
			r.Item = value.AppendString(append(r.Item, key...), p.URI)
			r.Item = value.AppendString(append(r.Item, `,"name":`...), p.Name)
		}
		if p.Title != "" {
			r.Item = value.AppendString(append(r.Item, `,"title":`...), p.Title)
		}
		if p.Model != nil && p.Model.Description != "" {
			r.Item = value.AppendString(append(r.Item, `,"description":`...), p.Model.Description)
		}
		if p.Model != nil {
			r.Item = appendIcons(r.Item, p.Model.Icon)
		}
		if r.Files == nil {
			if p.MimeType != "" {
				r.Item = value.AppendString(append(r.Item, `,"mimeType":`...), p.MimeType)
			}
			r.Item = append(r.Item, '}')
		}
		all = append(all, r)
	}
	return all
}

func (r *Resource) IsTemplate() bool { return r.Unit != nil && strings.Contains(r.URI, "{") }

// compile makes the pattern: a variable is one segment or a part of one.
func (r *Resource) compile() {
	texts, variables := plan.SplitURI(r.URI)
	for i := range texts {
		texts[i] = regexp.QuoteMeta(texts[i])
	}
	for _, name := range variables {
		r.Args = append(r.Args, slices.IndexFunc(r.Unit.Inputs, func(in *plan.Input) bool { return in.Name == name }))
	}
	r.pattern = regexp.MustCompile("^" + strings.Join(texts, "([^/?#]+)") + "$") // of quoted text and one group
}

// Variables of a template, in order.
func (r *Resource) Variables() (names []string) {
	_, names = plan.SplitURI(r.URI)
	return names
}

// Resource finds what serves a URI: an exact one before templates and folders,
// else the first in document order.
func (c *Catalogue) Resource(uri string) (*Resource, bool) {
	for _, r := range c.Resources {
		if r.Unit != nil && r.pattern == nil && r.URI == uri {
			return r, true
		}
	}
	for _, r := range c.Resources {
		switch {
		case r.pattern != nil && r.pattern.MatchString(uri):
			return r, true
		case r.Files != nil:
			if _, ok := r.File(uri); ok {
				return r, true
			}
		}
	}
	return nil, false
}

// File returns the path of a file below the folder, whose segments are
// percent-encoded in its URI. Hidden files are not served.
func (r *Resource) File(uri string) (string, bool) {
	rest, ok := strings.CutPrefix(uri, strings.TrimSuffix(r.URI, "/")+"/")
	if !ok {
		return "", false
	}
	segments := strings.Split(rest, "/")
	for i, s := range segments {
		name, err := url.PathUnescape(s)
		if err != nil || strings.ContainsAny(name, "/\\\x00") || strings.HasPrefix(name, ".") {
			return "", false
		}
		segments[i] = name
	}
	name := strings.Join(segments, "/")
	info, err := fs.Stat(r.Files, name)
	return name, fs.ValidPath(name) && err == nil && info.Mode().IsRegular()
}

// ListFiles appends an entry for every regular file, in the order of their paths.
func (r *Resource) ListFiles(items [][]byte) [][]byte {
	count := 0
	// What cannot be read is not listed.
	_ = fs.WalkDir(r.Files, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil || name == ".":
			return nil
		case strings.HasPrefix(d.Name(), "."):
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		case !d.Type().IsRegular():
			return nil
		case count == maxFiles:
			return fs.SkipAll
		}
		count++
		segments := strings.Split(name, "/")
		for i, s := range segments {
			segments[i] = url.PathEscape(s)
		}
		item := value.AppendString([]byte(`{"uri":`), strings.TrimSuffix(r.URI, "/")+"/"+strings.Join(segments, "/"))
		item = append(value.AppendString(append(item, `,"name":`...), name), r.Item...)
		if kind := r.TypeOf(name); kind != "" {
			item = value.AppendString(append(item, `,"mimeType":`...), kind)
		}
		if info, err := d.Info(); err == nil {
			item = append(append(item, `,"size":`...), strconv.FormatInt(info.Size(), 10)...)
		}
		items = append(items, append(item, '}'))
		return nil
	})
	return items
}

// TypeOf is the declared type, else what the extension says, else "".
func (r *Resource) TypeOf(name string) string {
	return cmp.Or(r.MimeType, textTypes[strings.ToLower(path.Ext(name))])
}

// VariablesOf converts what stands in a URI to the inputs that it feeds; not ok
// when the URI can be nobody's.
func (res *Resource) VariablesOf(uri string) (values []value.Value, ok bool, problem *wire.Error) {
	values = make([]value.Value, len(res.Unit.Inputs))
	if res.pattern == nil {
		return values, true, nil
	}
	for i, text := range res.pattern.FindStringSubmatch(uri)[1:] {
		decoded, err := url.PathUnescape(text)
		if err != nil {
			return nil, false, nil
		}
		at := res.Args[i]
		if at < 0 {
			continue
		}
		values[at] = value.Of(decoded)
		if s := res.Unit.Inputs[at].Schema; s != nil {
			v, problem := s.Convert(values[at])
			if problem != nil {
				return nil, true, wire.InvalidParams(res.Unit.Inputs[at].Name + " " + problem.Error())
			}
			values[at] = v
		}
	}
	return values, true, nil
}
