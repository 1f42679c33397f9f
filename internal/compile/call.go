package compile

import (
	"slices"
	"strings"

	"github.com/fairlead/fairlead/internal/diag"
	"github.com/fairlead/fairlead/internal/expr"
	"github.com/fairlead/fairlead/internal/format"
	"github.com/fairlead/fairlead/internal/model"
	"github.com/fairlead/fairlead/internal/plan"
	"github.com/fairlead/fairlead/internal/template"
	"github.com/fairlead/fairlead/internal/upstream"
)

// call binds one consumed operation to a unit: every parameter, placeholder and
// variable of the operation gets an expression over the unit's frame
// (semantics 2.1, 3.1, 4.5).
type call struct {
	*scope
	api     *model.Consume
	op      *model.Operation
	params  []*model.Param // adapter, resource and operation merged
	with    []*withEntry
	hasArgs bool       // the unit has a with block
	at      diag.Range // of the call
	values  map[*model.Param]expr.Expr
	open    map[*model.Param]bool // being evaluated, against templates that use each other

	byName       index              // of params
	withIndex    index              // of with
	placeholders index              // of the operation's path
	bodyVars     map[string]bodyUse // variables of the body block; see bodyUses
	query        string             // the query of the operation's path without what parameters send
	texts        map[string]bool    // variables of all texts; see usedInTexts
	entities     int                // how many parameters stand in the body
}

type withEntry struct {
	model.Argument
	expr expr.Expr
	used bool
}

// bindCall makes the call of a unit or step. ok is false when the call cannot
// work; that is reported.
func (s *scope) bindCall(target string, at diag.Range, with []model.Argument) (*plan.Call, bool) {
	api, op := s.compiler.resolve(target, at)
	if op == nil || op.Unreadable || api.Unreadable || s.compiler.unusable[api] {
		return nil, false
	}
	if !s.compiler.spend(textCost(op.FullPath())+textCost(api.BaseURI), at) {
		return nil, false
	}
	c := &call{scope: s, api: api, op: op, at: at, params: mergeParams(api, op), hasArgs: with != nil,
		values: map[*model.Param]expr.Expr{}, open: map[*model.Param]bool{}}
	for i, a := range with {
		c.with = append(c.with, &withEntry{Argument: a})
		c.withIndex.add(a.Key, i)
	}
	path, _, _ := strings.Cut(op.FullPath(), "#")
	_, query, _ := strings.Cut(path, "?")
	c.query = c.mergeQuery(query, c.pathAt())
	c.indexNames()
	if !s.compiler.spend(len(c.params)+len(c.with), at) {
		return nil, false
	}
	request, ok := c.request()
	if !ok {
		return nil, false
	}
	s.apis[api] = true
	result := &plan.Call{Request: request, Operation: op, MediaType: op.MediaType}
	part := s.compiler.parted[op]
	if result.Role = part.role; !op.NoAuth {
		result.Session = s.compiler.signed[api]
		if part.role != plan.NoRole && part.role != plan.LoginRole { // in whatever API the operation is
			result.Session = part.session
		}
	}
	if !s.compiler.secretsOf(result) {
		return nil, false
	}
	return result, c.answer(result) && !s.compiler.failed
}

// mergeParams lists the input parameters of an operation: those of the API, the
// resource and the operation, the nearest wins by name and place.
func mergeParams(api *model.Consume, op *model.Operation) (merged []*model.Param) {
	at := map[string]int{}
	for _, level := range [][]*model.Param{api.Inputs, op.Resource.Inputs, op.Inputs} {
		for _, p := range level {
			key := p.In + " " + p.Name
			if p.In == "header" {
				key = strings.ToLower(key)
			}
			if i, have := at[key]; have {
				merged[i] = p
			} else {
				at[key] = len(merged)
				merged = append(merged, p)
			}
		}
	}
	return merged
}

// indexNames makes the maps by which the call finds what it names.
func (c *call) indexNames() {
	for i, p := range c.params {
		c.byName.add(p.Name, i)
		if p.In == "body" || p.In == "formdata" || p.In == "form" {
			c.entities++
		}
	}
	if t, err := template.Compile(c.op.FullPath(), template.SingleToo); err == nil {
		for i, v := range t.Vars() {
			c.placeholders.add(v.Name, i)
		}
	}
}

func (c *call) target() string { return c.api.Namespace + "." + c.op.Name }

// policy is how calls to an operation are sent.
func (k *compiler) policy(api *model.Consume, op *model.Operation) upstream.Policy {
	return upstream.NewPolicy(k.model.File, upstream.Level{Name: api.Namespace, Said: api.Sending},
		upstream.Level{Name: api.Namespace + " " + op.Resource.Path, Said: op.Resource.Sending},
		upstream.Level{Name: api.Namespace + "." + op.Name, Said: op.Sending})
}

func (c *call) request() (*upstream.Request, bool) {
	r := &upstream.Request{Target: c.target(), Method: c.op.Method, Policy: c.compiler.policy(c.api, c.op)}
	if !slices.Contains(methods, r.Method) {
		c.compiler.report(diag.BadMethod, c.op.Node.Where("method"),
			"Use GET, POST, PUT, PATCH, DELETE, HEAD or OPTIONS.", "“%s” is not an HTTP method", r.Method)
		return nil, false
	}
	for _, a := range c.with {
		switch {
		case a.Key == c.bodyKey():
			c.replace(a)
		case !slices.ContainsFunc(c.byName.like(a.Key), func(i int) bool { return c.fromAuth(c.params[i]) }):
			c.bindWith(a)
		}
	}
	path, ok := c.path(r)
	if !ok {
		return nil, false
	}
	r.Path = path
	var inBody []*model.Param
	for _, p := range c.params {
		if !c.compiler.spend(1, c.at) {
			return nil, false
		}
		switch p.In {
		case "path", "environment":
		case "body", "formdata", "form":
			if !c.replacedByAuth(p) {
				inBody = append(inBody, p)
			}
		default:
			if !c.replacedByAuth(p) {
				c.param(r, p)
			}
		}
	}
	if !c.body(r, inBody) || !c.holdsKey(r) {
		return nil, false
	}
	base, ok := c.base(c.api, c.compiler.bases[c.api])
	if !ok {
		return nil, false
	}
	r.Base = base
	if r.Connection, ok = c.connection(); !ok {
		return nil, false
	}
	if c.api.Auth != nil && !c.op.NoAuth {
		if r.Auth, ok = c.auth(c.api.Auth); !ok {
			return nil, false
		}
	}
	c.unusedArguments()
	return r, true
}

func (c *call) unusedArguments() {
	for _, a := range c.with {
		if a.used {
			continue
		}
		hint := "Remove it, or declare a parameter of that name on the operation."
		names := namesOf(c.params, func(p *model.Param) string { return p.Name })
		c.compiler.report(diag.WithUnused, a.Pair.KeyAt, c.compiler.meant(a.Key, names, hint),
			"“%s” names no parameter or placeholder of %s and is not sent", a.Key, c.target())
	}
}

type decoderKey struct {
	kind   format.Kind
	schema string
}

type decoded struct {
	decoder format.Decoder
	err     error
}

// decoder makes the decoder of a format and schema, once for all operations.
func (k *compiler) decoder(kind format.Kind, text string) (format.Decoder, error) {
	key := decoderKey{kind, text}
	made, known := k.decoders[key]
	if !known {
		schema := format.Schema{Text: text}
		if kind == format.Avro || kind == format.Protobuf {
			schema.Files = k.schemaFiles()
		}
		made.decoder, made.err = format.New(kind, schema)
		k.decoders[key] = made
	}
	return made.decoder, made.err
}

// answer compiles how the operation's answer is read.
func (c *call) answer(out *plan.Call) bool {
	kind, ok := format.ParseKind(c.op.RawFormat)
	if !ok {
		hint := c.compiler.meant(c.op.RawFormat, slices.Values(format.Names()),
			"Use json, xml, yaml, csv, tsv, psv, html, markdown, avro, protobuf, text or binary.")
		c.compiler.report(diag.FormatUnknown, c.op.Node.Where("outputRawFormat"), hint,
			"the format “%s” is not known; the answer is read as JSON", c.op.RawFormat)
		kind = format.JSON
	}
	out.Format = kind
	out.Request.Accept = format.Accept(kind)
	if kind == format.Binary {
		out.MaxBinary = c.compiler.binarySize(c.op.MaxBinarySize, c.op.Node)
		if out.MediaType != "" {
			out.Request.Accept = out.MediaType + ", */*;q=0.5"
		}
		return true
	}
	decoder, err := c.compiler.decoder(kind, c.op.OutputSchema)
	if err != nil {
		c.compiler.report(diag.FormatUnknown, c.op.Node.Where("outputSchema"),
			"Correct outputSchema, or put the file there.", "answers of %s cannot be decoded: %s", c.target(), err)
		c.compiler.failed = true
		return false
	}
	out.Decoder = decoder
	return true
}
