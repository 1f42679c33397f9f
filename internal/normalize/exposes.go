package normalize

import (
	"cmp"
	"strconv"
	"strings"

	"github.com/fairlead/fairlead/internal/diag"
	"github.com/fairlead/fairlead/internal/document"
	"github.com/fairlead/fairlead/internal/element"
	"github.com/fairlead/fairlead/internal/model"
	"github.com/fairlead/fairlead/internal/value"
)

func (r *reader) expose(n *document.Node) *model.Expose {
	if n == nil {
		return nil
	}
	kind := strings.ToLower(n.Get("type").Str())
	variant, known := element.Get(element.Server).Variant(kind)
	if !known {
		variant.Value, variant.Of = kind, element.Server
	}
	e := &model.Expose{Node: n, Type: variant.Value}
	defer r.guarding(&e.Unreadable)()
	f := r.read(n, variant.Of)
	e.Namespace, e.Description, e.Address = f.text("namespace"), f.text("description"), f.text("address")
	e.MaxBinarySize, e.Port = f.text("maxBinarySize"), r.port(f.node("port"))
	if auth := f.node("authentication"); auth != nil {
		e.Auth = r.auth(auth, element.AuthIn)
	}
	if e.Type == "rest" && n.Get("port").IsNull() { // an MCP server may be meant for “fairlead mcp”
		r.report(diag.NoPort, n.Where("namespace"), "Add port: 8080, or another.",
			"the server has no port; it gets a free one, another at each start")
	}
	switch e.Type {
	case "rest":
		e.Inputs, e.Transport = r.params(f.node("inputParameters")), strings.ToLower(f.text("transport"))
		f.block("x-fairlead")
		for _, res := range r.named(f.node("resources"), "resource", true) {
			e.Resources = append(e.Resources, r.resource(res))
		}
	case "mcp":
		r.mcp(e, f)
	case "skill":
		f.block("x-fairlead")
		for _, s := range r.named(f.node("skills"), "skill", false) {
			e.Skills = append(e.Skills, r.skill(s))
		}
	case "control":
		f.block("x-fairlead")
		e.Control = r.control(f)
	default:
		what := "a server of type “" + e.Type + "”"
		if e.Type == "" {
			what = "a server without a type"
		}
		r.report(diag.UnknownServer, n.Where("type"), "Use rest, mcp, skill or control.", "%s is not served", what)
	}
	return e
}

// control reads a control server. Its scripting block holds for the whole
// document; the first one counts.
func (r *reader) control(f fields) *model.Control {
	c := &model.Control{Observability: observability(f.block("observability"))}
	s := &model.Scripting{}
	defer r.guarding(&s.Unreadable)()
	m := f.block("management")
	c.Health, c.Info = !m.isFalse("health"), m.isTrue("info")
	c.Reload, c.Validate, c.Scripting = m.isTrue("reload"), m.isTrue("validate"), m.node("scripting") != nil
	if n := m.node("logs"); n.Is(value.Object) {
		logs := m.block("logs")
		c.Levels, c.Stream = !logs.isFalse("level-control"), logs.isTrue("stream")
		c.Subscribers = logs.number("max-subscribers")
	} else if on, ok := r.truth("logs", n); ok {
		c.Levels, c.Stream = on, on
	} else if !n.IsNull() {
		r.report(diag.WrongType, n.At, "Write it as true or false, or as a mapping.",
			"logs of management must be true, false or a mapping; it is ignored")
	}
	c.Subscribers = within(c.Subscribers, 5, 1, 20)
	b := m.block("scripting")
	on := b.truth("enabled")
	s.Off = on != nil && !*on
	s.Location, s.Language, s.Allowed = b.text("defaultLocation"), b.text("defaultLanguage"),
		b.texts("allowedLanguages")
	s.Milliseconds, s.Statements = b.number("timeout"), b.number("statementLimit")
	if r.scripting == nil {
		r.scripting = s
	}
	return c
}

func observability(f fields) model.Observability {
	metrics, traces := f.block("metrics").block("local"), f.block("traces")
	o := model.Observability{Off: f.isFalse("enabled"), Propagation: cmp.Or(traces.text("propagation"), "w3c"),
		Endpoint: f.block("exporters").block("otlp").text("endpoint"), Sampling: 1}
	o.Propagation = strings.ToLower(o.Propagation)
	o.Metrics = !o.Off && !metrics.isFalse("enabled")
	o.Traces = !o.Off && !traces.block("local").isFalse("enabled")
	o.Buffer = within(traces.block("local").number("buffer-size"), 100, 10, 10_000)
	if share, err := strconv.ParseFloat(traces.text("sampling"), 64); err == nil {
		o.Sampling = min(max(share, 0), 1)
	}
	return o
}

// within is a number between two others; 0 is the one otherwise.
func within(n, otherwise, least, most int) int { return min(max(cmp.Or(n, otherwise), least), most) }

func (r *reader) port(n *document.Node) int {
	if n.IsNull() {
		return 0
	}
	port, err := strconv.Atoi(n.Str())
	if err != nil || port < 0 || port > 65535 {
		r.report(diag.BadPort, n.At, "Use a number from 1 to 65535, or 0 for a free one.",
			"“%s” is no port; a free one is taken", n.Str())
		return 0
	}
	return port
}

func (r *reader) resource(e entry) *model.Resource {
	res := &model.Resource{Node: e.node, Name: e.name}
	defer r.guarding(&res.Unreadable)()
	f := r.read(e.node, element.Resource)
	f.block("x-fairlead")
	res.Display, res.Description, res.Path = f.text("display"), f.text("description"), strings.TrimSpace(f.text("path"))
	res.Inputs = r.params(f.node("inputParameters"))
	for _, op := range r.restOperations(f.node("operations")) {
		o := &model.RESTOperation{}
		r.unit(&o.Unit, op, element.Operation, func(f fields) {
			o.Method = cmp.Or(strings.ToUpper(f.text("method")), "GET")
			o.BinaryMediaType = cmp.Or(f.block("responseBinary").text("mediaType"),
				binaryMediaType(f.node("responses")))
		})
		res.Operations = append(res.Operations, o)
	}
	if n := f.node("forward"); n != nil {
		b := f.block("forward")
		res.Forward = &model.Forward{Node: n, TargetNamespace: b.text("targetNamespace"),
			TrustedHeaders: b.texts("trustedHeaders")}
	}
	return res
}

// restOperations is named, but keeps operations of equal name: their method tells them apart.
func (r *reader) restOperations(n *document.Node) (entries []entry) {
	if !n.Is(value.Array) {
		return r.named(n, "operation", true)
	}
	for _, item := range n.Items {
		if m := r.is(item, value.Object, "an operation"); m != nil {
			entries = append(entries, entry{m.Get("name").Str(), m.Where("name"), m})
		}
	}
	return entries
}

// binaryMediaType is the media type of the first binary answer of responses.
func binaryMediaType(responses *document.Node) string {
	if responses == nil {
		return ""
	}
	for _, status := range responses.Pairs {
		if content := status.Value.Get("content"); content != nil {
			for _, media := range content.Pairs {
				if binary, _ := media.Value.Get("binary").Bool(); binary {
					return media.Key
				}
			}
		}
	}
	return ""
}

func (r *reader) mcp(e *model.Expose, f fields) {
	e.Inputs, e.Transport = r.params(f.node("inputParameters")), strings.ToLower(f.text("transport"))
	e.CacheScope, e.TTL = strings.ToLower(f.text("cacheScope")), int64(f.number("ttlMs"))
	e.Icon = r.icon(f.block("x-fairlead"))
	for _, te := range r.named(f.node("tools"), "tool", true) {
		t := &model.Tool{}
		r.unit(&t.Unit, te, element.Tool, func(f fields) {
			t.Hints = hints(f.block("hints"))
			r.unserved(f, "ui")
		})
		e.Tools = append(e.Tools, t)
	}
	for _, re := range r.named(f.node("resources"), "resource", false) {
		m := &model.MCPResource{}
		r.unit(&m.Unit, re, element.MCPResource, func(f fields) {
			m.URI, m.MimeType, m.Location, m.Binary = f.text("uri"), f.text("mimeType"), f.text("location"),
				f.isTrue("binary")
			r.unserved(f, "ui")
		})
		e.MCPResources = append(e.MCPResources, m)
	}
	for _, pe := range r.named(f.node("prompts"), "prompt", false) {
		e.Prompts = append(e.Prompts, r.prompt(pe))
	}
}

func hints(f fields) model.Hints {
	return model.Hints{ReadOnly: f.truth("readOnly"), Destructive: f.truth("destructive"),
		Idempotent: f.truth("idempotent"), OpenWorld: f.truth("openWorld")}
}

// unserved reports a key of the format that is not served yet.
func (r *reader) unserved(f fields, key string) {
	if n := f.node(key); n != nil {
		f.block(key)
		r.report(diag.NotServed, n.At, "The rest of the document is served.", "“%s” of %s is not served yet", key,
			f.of.Name)
	}
}

func (r *reader) prompt(e entry) *model.Prompt {
	p := &model.Prompt{Node: e.node, Name: e.name}
	defer r.guarding(&p.Unreadable)()
	f := r.read(e.node, element.Prompt)
	own := f.block("x-fairlead")
	p.Display, p.Description, p.Location = f.text("display"), f.text("description"), f.text("location")
	p.Arguments, p.Icon, p.Ask = r.params(f.node("arguments")), r.icon(own), r.questions(own.node("ask"))
	switch t := f.node("template"); {
	case t.IsScalar():
		p.Messages = []model.Message{{Role: "user", Content: t.Text}}
	case t.Is(value.Array):
		for _, m := range t.Items {
			f := r.read(m, element.Message)
			p.Messages = append(p.Messages,
				model.Message{Role: cmp.Or(f.text("role"), "user"), Content: f.text("content")})
		}
	}
	return p
}

func (r *reader) skill(e entry) *model.Skill {
	s := &model.Skill{Node: e.node, Name: e.name}
	defer r.guarding(&s.Unreadable)()
	f := r.read(e.node, element.Skill)
	f.block("x-fairlead")
	s.Description, s.License, s.Compatibility = f.text("description"), f.text("license"), f.text("compatibility")
	s.AllowedTools, s.ArgumentHint, s.Location = strings.Join(f.texts("allowed-tools"), " "), f.text("argument-hint"),
		f.text("location")
	s.UserInvocable, s.DisableModel = f.truth("user-invocable"), f.truth("disable-model-invocation")
	if m := f.node("metadata"); m != nil {
		s.Metadata = m.Pairs
	}
	for _, te := range r.named(f.node("tools"), "skill tool", false) {
		t := r.read(te.node, element.SkillTool)
		from := t.block("from")
		s.Tools = append(s.Tools, &model.SkillTool{
			Node: te.node, Name: te.name, Description: t.text("description"),
			SourceNamespace: from.text("sourceNamespace"), Action: from.text("action"),
			Instruction: t.text("instruction"),
		})
	}
	return s
}

// unit reads what all units have, and with more what those of its kind have.
func (r *reader) unit(u *model.Unit, e entry, id element.ID, more func(fields)) {
	defer r.guarding(&u.Unreadable)()
	u.Node, u.Name = e.node, e.name
	f := r.read(e.node, id)
	own := f.block("x-fairlead")
	u.Display, u.Description, u.Tags, u.Ref = f.text("display"), f.text("description"), f.texts("tags"), f.text("ref")
	u.Inputs, u.Outputs = r.params(f.node("inputParameters")), r.outputs(f.node("outputParameters"))
	u.Call, u.With = r.call(f)
	u.Confirm, u.Ask = own.isTrue("confirm"), r.questions(own.node("ask"))
	u.ContinueOnError = strings.EqualFold(own.text("onError"), "continue")
	u.MaxChars, u.Icon = own.number("maxChars"), r.icon(own)
	for _, s := range r.named(f.node("steps"), "step", false) {
		u.Steps = append(u.Steps, r.step(s))
	}
	for _, m := range r.list(f.node("mappings"), "mappings") {
		b := r.read(m, element.StepMapping)
		u.Mappings = append(u.Mappings, model.StepMapping{Node: m, Target: b.text("target"), Value: b.text("value")})
	}
	more(f)
}

// questions reads x-fairlead: {ask: …}: by name a mapping of message and inputs,
// or, for the one input of that name, the message alone.
func (r *reader) questions(n *document.Node) (all []*model.Question) {
	if n == nil {
		return nil
	}
	for _, p := range n.Pairs {
		q := &model.Question{Node: p.Value, Name: p.Key}
		if p.Value.IsScalar() {
			q.Message, q.Inputs = p.Value.Str(), []string{p.Key}
		} else if m := p.Value; m.Is(value.Object) {
			f := r.read(m, element.Question)
			q.Message, q.Inputs = f.text("message"), []string{p.Key}
			if inputs := f.node("inputs"); inputs != nil {
				q.Inputs = texts(inputs)
			}
		}
		all = append(all, q)
	}
	return all
}

// icon is the URL of x-fairlead: {icon: URL}. Clients load https and data only (MCP 2025-11-25).
func (r *reader) icon(own fields) string {
	icon := own.node("icon")
	url := icon.Str()
	if url != "" && !strings.HasPrefix(url, "https://") && !strings.HasPrefix(url, "data:image/") {
		r.report(diag.WrongType, icon.At, "Use an https: URL, or an image as a data: URL.",
			"an icon at “%s” is shown by no client", url[:min(len(url), 60)])
		return ""
	}
	return url
}

// call reads call as a text or as the older mapping {operation, with}.
func (r *reader) call(f fields) (string, []model.Argument) {
	c, with := f.node("call"), r.with(f.node("with"))
	if c.Is(value.Object) {
		b := f.block("call")
		return b.text("operation"), append(with, r.with(b.node("with"))...)
	}
	if c != nil && c.Str() == "" && !c.IsNull() {
		r.is(c, value.String, "call")
	}
	return c.Str(), with
}

func (r *reader) with(n *document.Node) (args []model.Argument) {
	if n.IsNull() {
		return nil
	}
	for i := range n.Pairs {
		p := &n.Pairs[i]
		args = append(args, model.Argument{Key: p.Key, Pair: p, Value: p.Value})
	}
	return args
}

func (r *reader) step(e entry) *model.Step {
	n := e.node
	kind := strings.ToLower(n.Get("type").Str())
	if kind == "" {
		switch {
		case !n.Get("call").IsNull():
			kind = "call"
		case n.Get("file").Str() != "":
			kind = "script"
		case n.Get("index").Str() != "":
			kind = "lookup"
		}
	}
	s := &model.Step{Node: n, Name: e.name, Kind: kind}
	variant, known := element.Get(element.Step).Variant(kind)
	if !known {
		return s
	}
	f := r.read(n, variant.Of)
	f.block("x-fairlead")
	switch kind {
	case "call":
		s.Call, s.With = r.call(f)
	case "lookup":
		s.With = r.with(f.node("with"))
		s.Index, s.Match, s.Lookup, s.Fields = f.text("index"), f.text("match"), f.text("lookupValue"),
			f.texts("outputParameters")
	case "script":
		s.With = r.with(f.node("with"))
		s.File, s.Language = f.text("file"), strings.ToLower(f.text("language"))
		s.Location, s.Dependencies = f.text("location"), f.texts("dependencies")
	}
	return s
}
