package mcp

import (
	"cmp"
	"errors"
	"io"
	"io/fs"
	"mime"
	"net/http"
	"net/url"
	"path"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/fairlead/fairlead/internal/engine"
	"github.com/fairlead/fairlead/internal/plan"
	"github.com/fairlead/fairlead/internal/value"
)

// Limits of static resources.
const (
	maxFile  = 10 << 20 // bytes of one
	maxFiles = 10_000   // listed of one folder
)

// resource is a resource as clients see it.
type resource struct {
	*plan.Resource
	files   fs.FS          // nil when dynamic
	item    []byte         // its entry of a list; of static files only the end of each
	pattern *regexp.Regexp // of a template
	args    []int          // inputs that the pattern's groups feed, -1 for none
	confirm bool           // ask before it is read
}

func newResources(cfg *Config, s *plan.Server) []*resource {
	var all []*resource
	for _, p := range s.Resources {
		if p.Unit != nil && !cfg.serves(p.Unit, p.Name) {
			continue
		}
		r := &resource{Resource: p, files: p.Files}
		r.confirm = p.Unit != nil && (p.Unit.Confirm || cfg.ConfirmDestructive && isDestructive(p.Unit.Hints))
		key := `{"uri":`
		if r.isTemplate() {
			r.compile()
			key = `{"uriTemplate":`
		}
		if r.files == nil {
			r.item = value.AppendString(append(r.item, key...), p.URI)
			r.item = value.AppendString(append(r.item, `,"name":`...), p.Name)
		}
		if p.Title != "" {
			r.item = value.AppendString(append(r.item, `,"title":`...), p.Title)
		}
		if p.Model != nil && p.Model.Description != "" {
			r.item = value.AppendString(append(r.item, `,"description":`...), p.Model.Description)
		}
		if p.Model != nil {
			r.item = appendIcons(r.item, p.Model.Icon)
		}
		if r.files == nil {
			if p.MimeType != "" {
				r.item = value.AppendString(append(r.item, `,"mimeType":`...), p.MimeType)
			}
			r.item = append(r.item, '}')
		}
		all = append(all, r)
	}
	return all
}

func (r *resource) isTemplate() bool { return r.Unit != nil && strings.Contains(r.URI, "{") }

var variable = regexp.MustCompile(`\{([^{}/]+)\}`)

// compile makes the pattern: a variable is one segment or a part of one.
func (r *resource) compile() {
	var b strings.Builder
	b.WriteString("^")
	end := 0
	for _, m := range variable.FindAllStringSubmatchIndex(r.URI, -1) {
		b.WriteString(regexp.QuoteMeta(r.URI[end:m[0]]) + "([^/?#]+)")
		end = m[1]
		index := -1
		for i, in := range r.Unit.Inputs {
			if in.Name == r.URI[m[2]:m[3]] {
				index = i
			}
		}
		r.args = append(r.args, index)
	}
	r.pattern = regexp.MustCompile(b.String() + regexp.QuoteMeta(r.URI[end:]) + "$") // of quoted text and one group
}

// variables of a template, in order.
func (r *resource) variables() (names []string) {
	for _, m := range variable.FindAllStringSubmatch(r.URI, -1) {
		names = append(names, m[1])
	}
	return names
}

// resource finds what serves a URI: an exact one before templates and folders,
// else the first in document order.
func (c *catalogue) resource(uri string) (*resource, bool) {
	for _, r := range c.resources {
		if r.Unit != nil && r.pattern == nil && r.URI == uri {
			return r, true
		}
	}
	for _, r := range c.resources {
		switch {
		case r.pattern != nil && r.pattern.MatchString(uri):
			return r, true
		case r.files != nil:
			if _, ok := r.file(uri); ok {
				return r, true
			}
		}
	}
	return nil, false
}

// file returns the path of a file below the folder, whose segments are
// percent-encoded in its URI. Hidden files are not served.
func (r *resource) file(uri string) (string, bool) {
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
	info, err := fs.Stat(r.files, name)
	return name, fs.ValidPath(name) && err == nil && info.Mode().IsRegular()
}

// listFiles appends an entry for every regular file, in the order of their paths.
func (r *resource) listFiles(items [][]byte) [][]byte {
	count := 0
	// What cannot be read is not listed.
	_ = fs.WalkDir(r.files, ".", func(name string, d fs.DirEntry, err error) error {
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
		item = append(value.AppendString(append(item, `,"name":`...), name), r.item...)
		if kind := r.mimeType(name); kind != "" {
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

// textTypes are media types by extension that do not depend on the machine.
var textTypes = map[string]string{".md": "text/markdown", ".markdown": "text/markdown", ".txt": "text/plain", ".json": "application/json", ".yaml": "application/yaml",
	".yml": "application/yaml", ".csv": "text/csv", ".html": "text/html", ".xml": "application/xml", ".svg": "image/svg+xml", ".css": "text/css", ".js": "text/javascript",
	".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".gif": "image/gif", ".webp": "image/webp", ".pdf": "application/pdf", ".wav": "audio/wav", ".mp3": "audio/mpeg"}

// mimeType is the declared type, else what the extension says, else "".
func (r *resource) mimeType(name string) string {
	return cmp.Or(r.MimeType, textTypes[strings.ToLower(path.Ext(name))])
}

func (r *request) listResources() *rpcError {
	var items [][]byte
	for _, one := range r.view.resources {
		switch {
		case one.files != nil:
			items = one.listFiles(items)
		case !one.isTemplate():
			items = append(items, one.item)
		}
	}
	return r.list(newPages("resources", items, r.h.cfg.Page))
}

func (r *request) noResource() *rpcError {
	if r.params.uri == nil {
		return invalidParams("uri must be the URI of a resource")
	}
	e := &rpcError{code: codeInvalidParams, message: "Resource not found: " + quoteShort(string(r.params.uri)),
		data: value.Map(value.Member{Name: "uri", Value: value.Of(string(r.params.uri))}).AppendJSON(nil)}
	if !r.modern() {
		e.code = codeLegacyNoResource
	}
	return e
}

func (r *request) readResource() *rpcError {
	uri := string(r.params.uri)
	res, ok := r.view.resource(uri)
	if !ok {
		return r.noResource()
	}
	if res.confirm {
		if done, problem := r.consultAbout(res, uri); done || problem != nil {
			return problem
		}
	}
	kind, text, problem := r.load(res, uri)
	if problem != nil || r.silent {
		return problem
	}
	r.open()
	r.out = r.appendResource(append(r.out, `"contents":[`...), uri, kind, text)
	r.out = append(r.out, ']')
	if res.confirm || res.Unit != nil && (len(res.Unit.Subject) > 0 || res.Unit.CallerAuthorization) {
		r.closePrivate()
	} else {
		r.closeCacheable()
	}
	return nil
}

// consultAbout asks the user whether a resource may be read. It reports true
// when the answer of the request is written.
func (r *request) consultAbout(res *resource, uri string) (done bool, problem *rpcError) {
	if !r.canAsk(nil) {
		return true, r.needsElicitation("the user has to confirm that " + quoteShort(uri) + " is read, and this client cannot ask")
	}
	d := newDialog("resource "+uri, nil, nil)
	d.confirm = func() string { return "Read " + cmp.Or(res.Title, res.Name) + " (" + cutText(uri, 500) + ")?" }
	ok, why, problem := r.settle(d)
	if why != "" {
		problem = invalidParams(why)
	}
	return !ok, problem
}

// load reads a resource into r.raw and says what it is. When the client went
// away meanwhile, r is silent.
func (r *request) load(res *resource, uri string) (kind string, text bool, problem *rpcError) {
	if res.files != nil {
		return r.loadFile(res, uri)
	}
	return r.loadUnit(res, uri)
}

func (r *request) loadFile(res *resource, uri string) (kind string, text bool, problem *rpcError) {
	name, _ := res.file(uri)
	f, err := res.files.Open(name)
	if err == nil {
		defer f.Close()
		r.raw, err = io.ReadAll(io.LimitReader(f, maxFile+1))
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", false, r.noResource()
	case err != nil:
		return "", false, &rpcError{code: codeInternal, message: "The resource cannot be read: " + quoteShort(uri)}
	case len(r.raw) > maxFile:
		return "", false, &rpcError{code: codeInternal, message: "The resource is larger than 10 MiB: " + quoteShort(uri)}
	}
	kind = res.mimeType(name)
	if kind == "" {
		kind, _, _ = mime.ParseMediaType(http.DetectContentType(r.raw))
	}
	return kind, isText(kind) && utf8.Valid(r.raw), nil
}

// isText reports whether a media type is text in a model's eyes.
func isText(kind string) bool {
	kind, _, _ = strings.Cut(kind, ";")
	switch kind {
	case "application/json", "application/xml", "application/yaml", "application/javascript", "image/svg+xml", "application/x-yaml", "application/toml":
		return true
	}
	return strings.HasPrefix(kind, "text/") || strings.HasSuffix(kind, "+json") || strings.HasSuffix(kind, "+xml") || strings.HasSuffix(kind, "+yaml")
}

func (r *request) loadUnit(res *resource, uri string) (kind string, text bool, problem *rpcError) {
	values, problem := r.variablesOf(res, uri)
	if problem != nil {
		return "", false, problem
	}
	answer, failed := r.h.cfg.Invoker.Invoke(r.ctx, res.Unit, engine.Args{Values: values, Trace: r.params.meta.trace()})
	if failed != nil {
		return "", false, r.resourceError(failed)
	}
	defer answer.Close()
	if failed := answer.Redirect(); failed != nil {
		return "", false, r.resourceError(failed)
	}
	if answer.Raw == nil {
		if r.raw = r.raw[:0]; answer.Value.Kind() == value.String {
			r.raw = append(r.raw, answer.Value.Text()...)
		} else if !answer.Value.IsAbsent() {
			r.raw = answer.Value.AppendJSON(r.raw)
		}
		return cmp.Or(res.MimeType, "application/json"), true, nil
	}
	declared, failed := r.readAnswer(res.Unit, answer)
	if failed != nil {
		return "", false, r.resourceError(failed)
	}
	kind = cmp.Or(res.MimeType, declared, "application/octet-stream")
	return kind, utf8.Valid(r.raw) && (isText(kind) || !answer.Binary), nil
}

// variablesOf converts what stands in a URI to the inputs that it feeds.
func (r *request) variablesOf(res *resource, uri string) ([]value.Value, *rpcError) {
	values := make([]value.Value, len(res.Unit.Inputs))
	if res.pattern == nil {
		return values, nil
	}
	for i, text := range res.pattern.FindStringSubmatch(uri)[1:] {
		decoded, err := url.PathUnescape(text)
		if err != nil {
			return nil, r.noResource()
		}
		at := res.args[i]
		if at < 0 {
			continue
		}
		values[at] = value.Of(decoded)
		if s := res.Unit.Inputs[at].Schema; s != nil {
			v, problem := s.Convert(values[at])
			if problem != nil {
				return nil, invalidParams(res.Unit.Inputs[at].Name + " " + problem.Error())
			}
			values[at] = v
		}
	}
	return values, nil
}

func (r *request) resourceError(e *engine.Error) *rpcError {
	switch {
	case e.Kind == engine.Canceled:
		r.silent = true
		return nil
	case e.Kind == engine.Answered && (e.Status == http.StatusNotFound || e.Status == http.StatusGone):
		return r.noResource()
	case e.Kind == engine.BadInput:
		return invalidParams(failureText(e, nil))
	}
	return &rpcError{code: codeInternal, message: failureText(e, nil)}
}

// appendResource appends r.raw as the content of a resource.
func (r *request) appendResource(dst []byte, uri, kind string, text bool) []byte {
	dst = value.AppendString(append(dst, `{"uri":`...), uri)
	dst = value.AppendString(append(dst, `,"mimeType":`...), kind)
	if text {
		return append(value.AppendString(append(dst, `,"text":`...), string(r.raw)), '}')
	}
	return append(r.appendBlob(append(dst, `,"blob":"`...)), '}')
}
