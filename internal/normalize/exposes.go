package normalize

import (
	"strconv"
	"strings"

	"github.com/fairlead/fairlead/internal/diag"
	"github.com/fairlead/fairlead/internal/document"
	"github.com/fairlead/fairlead/internal/model"
	"github.com/fairlead/fairlead/internal/value"
)

var unitKeys = []string{"name", "display", "label", "title", "tags", "description", "inputParameters", "outputParameters", "ref", "call", "with", "steps", "mappings"}

func (r *reader) expose(n *document.Node) *model.Expose {
	if n == nil {
		return nil
	}
	e := &model.Expose{
		Node: n, Type: strings.ToLower(n.Get("type").Str()), Namespace: n.Get("namespace").Str(), Description: n.Get("description").Str(),
		Address: n.Get("address").Str(), Transport: strings.ToLower(n.Get("transport").Str()), MaxBinarySize: n.Get("maxBinarySize").Str(),
		Port: r.port(n.Get("port")),
	}
	if auth := n.Get("authentication"); !auth.IsNull() {
		e.Auth = r.auth(auth)
	}
	common := []string{"type", "namespace", "description", "address", "port", "authentication", "maxBinarySize", "display", "label", "tags", "import", "from", "as"}
	switch e.Type {
	case "rest", "api":
		e.Type = "rest"
		r.keys(n, "a REST server", append(common, "resources", "inputParameters", "transport")...)
		e.Inputs = r.params(n.Get("inputParameters"))
		for _, res := range r.named(n.Get("resources"), "resource", true) {
			e.Resources = append(e.Resources, r.resource(res))
		}
	case "mcp":
		r.keys(n, "an MCP server", append(common, "transport", "tools", "resources", "prompts", "ttlMs", "cacheScope", "inputParameters")...)
		r.mcp(e)
	case "skill":
		r.keys(n, "a skill server", append(common, "skills", "tools", "groups", "transport")...)
		for _, s := range r.named(n.Get("skills"), "skill", false) {
			e.Skills = append(e.Skills, r.skill(s))
		}
	case "control":
		r.keys(n, "a control server", append(common, "management", "observability")...)
	default:
		what := "a server of type “" + e.Type + "”"
		if e.Type == "" {
			what = "a server without a type"
		}
		r.report(diag.UnknownServer, n.Where("type"), "Use rest, mcp, skill or control.", "%s is not served", what)
	}
	return e
}

func (r *reader) port(n *document.Node) int {
	if n.IsNull() {
		return 0
	}
	port, err := strconv.Atoi(n.Str())
	if err != nil || port < 0 || port > 65535 {
		r.report(diag.BadPort, n.At, "Use a number from 1 to 65535, or 0 for a free one.", "“%s” is no port; a free one is taken", n.Str())
		return 0
	}
	return port
}

func (r *reader) resource(e entry) *model.Resource {
	n := e.node
	r.keys(n, "an exposed resource", "name", "display", "label", "tags", "description", "path", "inputParameters", "operations", "forward")
	res := &model.Resource{
		Node: n, Name: e.name, Display: display(n), Description: n.Get("description").Str(), Path: strings.TrimSpace(n.Get("path").Str()),
		Inputs: r.params(n.Get("inputParameters")),
	}
	for _, op := range r.operations(n.Get("operations")) {
		r.keys(op.node, "a REST operation", append(unitKeys, "method", "responses", "responseBinary")...)
		o := &model.RESTOperation{Method: strings.ToUpper(op.node.Get("method").Str())}
		if o.Method == "" {
			o.Method = "GET"
		}
		r.unit(&o.Unit, op)
		o.BinaryMediaType = binaryMediaType(op.node)
		res.Operations = append(res.Operations, o)
	}
	if f := n.Get("forward"); f.Is(value.Object) {
		r.keys(f, "a forward block", "targetNamespace", "trustedHeaders")
		res.Forward = &model.Forward{Node: f, TargetNamespace: f.Get("targetNamespace").Str(), TrustedHeaders: texts(f.Get("trustedHeaders"))}
	}
	return res
}

// operations is named, but keeps operations of equal name: their method tells them apart.
func (r *reader) operations(n *document.Node) (entries []entry) {
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

func binaryMediaType(n *document.Node) string {
	if t := n.Get("responseBinary").Get("mediaType").Str(); t != "" {
		return t
	}
	if responses := n.Get("responses"); responses != nil {
		for _, status := range responses.Pairs {
			if content := status.Value.Get("content"); content != nil {
				for _, media := range content.Pairs {
					if binary, _ := media.Value.Get("binary").Bool(); binary {
						return media.Key
					}
				}
			}
		}
	}
	return ""
}

func (r *reader) mcp(e *model.Expose) {
	n := e.Node
	e.Inputs = r.params(n.Get("inputParameters"))
	e.CacheScope = n.Get("cacheScope").Str()
	e.TTL, _ = strconv.ParseInt(n.Get("ttlMs").Str(), 10, 64)
	e.Icon = r.icon(n)
	for _, te := range r.named(n.Get("tools"), "tool", true) {
		r.keys(te.node, "a tool", append(unitKeys, "hints")...)
		t := &model.Tool{}
		r.unit(&t.Unit, te)
		h := te.node.Get("hints")
		r.keys(h, "hints", "readOnly", "destructive", "idempotent", "openWorld")
		t.Hints = model.Hints{ReadOnly: boolean(h.Get("readOnly")), Destructive: boolean(h.Get("destructive")), Idempotent: boolean(h.Get("idempotent")), OpenWorld: boolean(h.Get("openWorld"))}
		e.Tools = append(e.Tools, t)
	}
	for _, re := range r.named(n.Get("resources"), "resource", false) {
		r.keys(re.node, "an MCP resource", append(unitKeys, "uri", "mimeType", "location", "binary")...)
		m := &model.MCPResource{URI: re.node.Get("uri").Str(), MimeType: re.node.Get("mimeType").Str(), Location: re.node.Get("location").Str()}
		m.Binary, _ = re.node.Get("binary").Bool()
		r.unit(&m.Unit, re)
		e.MCPResources = append(e.MCPResources, m)
	}
	for _, pe := range r.named(n.Get("prompts"), "prompt", false) {
		e.Prompts = append(e.Prompts, r.prompt(pe))
	}
}

func (r *reader) prompt(e entry) *model.Prompt {
	n := e.node
	r.keys(n, "a prompt", "name", "display", "label", "description", "arguments", "template", "location", "tags")
	p := &model.Prompt{Node: n, Name: e.name, Display: display(n), Description: n.Get("description").Str(), Location: n.Get("location").Str(), Arguments: r.params(n.Get("arguments")), Icon: r.icon(n),
		Ask: r.questions(n.Get("x-fairlead").Get("ask"))}
	switch t := n.Get("template"); {
	case t.IsScalar():
		p.Messages = []model.Message{{Role: "user", Content: t.Text}}
	case t.Is(value.Array):
		for _, m := range t.Items {
			role := m.Get("role").Str()
			if role == "" {
				role = "user"
			}
			p.Messages = append(p.Messages, model.Message{Role: role, Content: m.Get("content").Str()})
		}
	}
	return p
}

func (r *reader) skill(e entry) *model.Skill {
	n := e.node
	r.keys(n, "a skill", "name", "display", "label", "description", "license", "compatibility", "metadata", "allowed-tools", "argument-hint", "user-invocable",
		"disable-model-invocation", "location", "tools", "tags")
	s := &model.Skill{
		Node: n, Name: e.name, Description: n.Get("description").Str(), License: n.Get("license").Str(), Compatibility: n.Get("compatibility").Str(),
		AllowedTools: strings.Join(texts(n.Get("allowed-tools")), " "), ArgumentHint: n.Get("argument-hint").Str(),
		UserInvocable: boolean(n.Get("user-invocable")), DisableModel: boolean(n.Get("disable-model-invocation")), Location: n.Get("location").Str(),
	}
	if m := n.Get("metadata"); m != nil {
		s.Metadata = m.Pairs
	}
	for _, te := range r.named(n.Get("tools"), "skill tool", false) {
		from := te.node.Get("from")
		s.Tools = append(s.Tools, &model.SkillTool{
			Node: te.node, Name: te.name, Description: te.node.Get("description").Str(),
			SourceNamespace: from.Get("sourceNamespace").Str(), Action: from.Get("action").Str(), Instruction: te.node.Get("instruction").Str(),
		})
	}
	return s
}

func (r *reader) unit(u *model.Unit, e entry) {
	n := e.node
	ext := n.Get("x-fairlead")
	u.Node, u.Name, u.Display, u.Description = n, e.name, display(n), n.Get("description").Str()
	u.Tags, u.Ref = texts(n.Get("tags")), n.Get("ref").Str()
	u.Inputs, u.Outputs = r.params(n.Get("inputParameters")), r.outputs(n.Get("outputParameters"))
	u.Call, u.With = r.call(n)
	u.Confirm, _ = ext.Get("confirm").Bool()
	u.Ask = r.questions(ext.Get("ask"))
	u.ContinueOnError = ext.Get("onError").Str() == "continue"
	u.MaxChars, _ = strconv.Atoi(ext.Get("maxChars").Str())
	u.Icon = r.icon(n)
	for _, s := range r.named(n.Get("steps"), "step", false) {
		u.Steps = append(u.Steps, r.step(s))
	}
	if mappings := r.is(n.Get("mappings"), value.Array, "mappings"); mappings != nil {
		for _, m := range mappings.Items {
			target, _ := m.First("target", "targetName")
			u.Mappings = append(u.Mappings, model.StepMapping{Node: m, Target: target.Str(), Value: m.Get("value").Str()})
		}
	}
}

// questions reads x-fairlead: {ask: …}: by name a mapping of message and inputs,
// or, for the one input of that name, the message alone.
func (r *reader) questions(n *document.Node) (all []*model.Question) {
	if n = r.is(n, value.Object, "ask"); n == nil {
		return nil
	}
	for _, p := range n.Pairs {
		q := &model.Question{Node: p.Value, Name: p.Key}
		if p.Value.IsScalar() {
			q.Message, q.Inputs = p.Value.Str(), []string{p.Key}
		} else if m := p.Value; m.Is(value.Object) {
			r.keys(m, "a question", "message", "inputs")
			q.Message, q.Inputs = m.Get("message").Str(), []string{p.Key}
			if inputs := m.Get("inputs"); inputs != nil {
				q.Inputs = texts(inputs)
			}
		}
		all = append(all, q)
	}
	return all
}

// icon is the URL of x-fairlead: {icon: URL}. Clients load https and data only (MCP 2025-11-25).
func (r *reader) icon(n *document.Node) string {
	icon := n.Get("x-fairlead").Get("icon")
	url := icon.Str()
	if url != "" && !strings.HasPrefix(url, "https://") && !strings.HasPrefix(url, "data:image/") {
		r.report(diag.WrongType, icon.At, "Use an https: URL, or an image as a data: URL.", "an icon at “%s” is shown by no client", url[:min(len(url), 60)])
		return ""
	}
	return url
}

// call reads call as a text or as the older mapping {operation, with}.
func (r *reader) call(n *document.Node) (string, []model.Argument) {
	c := n.Get("call")
	with := r.with(n.Get("with"))
	if c.Is(value.Object) {
		return c.Get("operation").Str(), append(with, r.with(c.Get("with"))...)
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
	if n = r.is(n, value.Object, "with"); n == nil {
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
	r.keys(n, "a step", "name", "type", "call", "with", "index", "match", "lookupValue", "outputParameters", "file", "language", "location", "dependencies", "description", "display", "label")
	s := &model.Step{
		Node: n, Name: e.name, Kind: strings.ToLower(n.Get("type").Str()),
		Index: n.Get("index").Str(), Match: n.Get("match").Str(), Lookup: n.Get("lookupValue").Str(),
		File: n.Get("file").Str(), Language: strings.ToLower(n.Get("language").Str()), Location: n.Get("location").Str(), Dependencies: texts(n.Get("dependencies")),
	}
	s.Call, s.With = r.call(n)
	if s.Kind == "" {
		switch {
		case s.Call != "":
			s.Kind = "call"
		case s.File != "":
			s.Kind = "script"
		case s.Index != "":
			s.Kind = "lookup"
		}
	}
	if s.Kind == "lookup" {
		s.Fields = texts(n.Get("outputParameters"))
	}
	return s
}
