package compile

import (
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/fairlead/fairlead/internal/diag"
	"github.com/fairlead/fairlead/internal/expr"
	"github.com/fairlead/fairlead/internal/format"
	"github.com/fairlead/fairlead/internal/jsonpath"
	"github.com/fairlead/fairlead/internal/model"
	"github.com/fairlead/fairlead/internal/plan"
	"github.com/fairlead/fairlead/internal/shape"
	"github.com/fairlead/fairlead/internal/template"
)

// flow compiles the steps and mappings of a unit. Steps whose inputs do not
// depend on each other may run side by side.
func (s *scope) flow(u *plan.Unit, m *model.Unit) bool {
	at := map[int]int{} // indexes of steps, by the slots of their results
	for _, st := range m.Steps {
		s.reads = map[int]bool{}
		if !s.compiler.spend(1, st.Node.Range()) {
			return false
		}
		step := &plan.Step{Name: st.Name, Model: st, Result: s.slot()}
		if !s.step(step, st) {
			return false
		}
		for slot := range s.reads {
			if i, ok := at[slot]; ok {
				step.After = append(step.After, i)
			}
		}
		slices.Sort(step.After)
		at[step.Result] = len(u.Steps)
		u.Steps = append(u.Steps, step)
		s.steps[st.Name] = step.Result
		s.fields[st.Name] = fieldsOf(step)
	}
	for _, mapping := range m.Mappings {
		if !s.compiler.spend(1+(len(mapping.Target)+len(mapping.Value))/16, mapping.Node.Range()) ||
			!s.mapping(u, mapping) {
			return false
		}
	}
	if !s.compiler.spendOutputs(m.Outputs) {
		return false
	}
	u.Output = shape.CompileOrchestrated(m.Outputs, &s.compiler.diags)
	if len(m.Mappings) == 0 {
		u.Output = shape.Compile(m.Outputs, &s.compiler.diags)
	}
	u.Result, u.Secret = u.Output.Schema(), s.compiler.shown(m.Outputs)
	return !s.compiler.failed
}

func (s *scope) step(step *plan.Step, m *model.Step) bool {
	switch m.Kind {
	case "":
		s.compiler.report(diag.StepInvalid, m.Node.Range(), "Add call, or type and what the type needs.",
			"the step “%s” says nothing to do", m.Name)
		return false
	case "call":
		c, ok := s.bindCall(m.Call, m.Node.Where("call"), m.With)
		if !ok {
			return false
		}
		if !s.compiler.spendOutputs(c.Operation.Outputs) {
			return false
		}
		step.Kind, step.Call = plan.CallStep, c
		step.Output = shape.CompileStep(c.Operation.Outputs, &s.compiler.diags, c.Format == format.XML)
		return true
	case "lookup":
		return s.lookup(step, m)
	case "script":
		return s.script(step, m)
	default:
		hint := s.compiler.meant(m.Kind, slices.Values([]string{"call", "lookup", "script"}),
			"Use call, lookup or script.")
		s.compiler.report(diag.StepInvalid, m.Node.Where("type"), hint, "a step of type “%s” cannot run", m.Kind)
		return false
	}
}

func (s *scope) lookup(step *plan.Step, m *model.Step) bool {
	if m.Index == "" || m.Match == "" || m.Lookup == "" {
		s.compiler.report(diag.StepInvalid, m.Node.Range(), "Add index, match and lookupValue.",
			"the lookup “%s” lacks index, match or lookupValue", m.Name)
		return false
	}
	slot, ok := s.steps[m.Index]
	if !ok {
		s.unknownStep(m.Index, m.Node.Where("index"))
		return false
	}
	s.reads[slot] = true
	step.Kind = plan.LookupStep
	step.Lookup = &plan.Lookup{Index: expr.Slot(slot), Match: m.Match, Fields: m.Fields}
	at := m.Node.Where("lookupValue")
	if path, ok := strings.CutPrefix(m.Lookup, "$."); ok {
		e, ok := s.stepResult(path, at)
		if !ok {
			s.unknownStep(first(path), at)
			return false
		}
		step.Lookup.Value = e
		return true
	}
	if name, ok := s.reference(m.Lookup); ok {
		step.Lookup.Value = s.input(name,
			usage{origin: "with", place: plan.InQuery, required: true, feeds: "step " + m.Name}, at)
		return true
	}
	step.Lookup.Value, ok = s.text(m.Lookup, template.Double, at, func(name string, optional bool) expr.Expr {
		return s.callerVariable(name, usage{origin: "template", place: plan.InQuery, required: true, feeds: "step " +
			m.Name}, at, optional)
	})
	return ok
}

// mapping compiles $.step.path → target.
func (s *scope) mapping(u *plan.Unit, m model.StepMapping) bool {
	at := m.Node.Where("value")
	if m.Target == "" || m.Value == "" {
		s.compiler.report(diag.StepInvalid, m.Node.Range(), "Add targetName and value.",
			"the mapping lacks targetName or value")
		return false
	}
	text := strings.TrimSpace(m.Value)
	if inner, ok := strings.CutPrefix(text, "{{"); ok {
		text = strings.TrimSpace(strings.TrimSuffix(inner, "}}"))
	}
	text = strings.TrimPrefix(strings.TrimPrefix(text, "$."), "$")
	name, slot, rest := s.splitStep(text)
	if slot < 0 && !strings.HasPrefix(strings.TrimSpace(m.Value), "$") && !strings.ContainsAny(text, ".[") {
		return s.constantMapping(u, m)
	}
	if slot < 0 {
		s.unknownStep(name, at)
		return false
	}
	s.stepField(name, rest, at)
	path, notes, err := jsonpath.Compile("$"+rest, jsonpath.Lenient)
	if err != nil {
		if syntax, ok := errors.AsType[*jsonpath.SyntaxError](err); ok {
			syntax.Offset += strings.LastIndex(m.Value, rest) - 1
		}
		s.compiler.report(diag.BadPath, at, "Correct the JSONPath.", "the mapping “%s” is not a JSONPath: %s",
			m.Value, err)
		return false
	}
	for _, n := range notes {
		hint := "RFC 9535 has no spelling for it; other readers of the document may refuse it."
		if n.Standard != "" {
			hint = "In RFC 9535 the part behind the step's name is " + strings.TrimPrefix(n.Standard, "$") + "."
		}
		s.compiler.report(diag.LenientPath, at, hint, "%s", n.Message)
	}
	if slices.ContainsFunc(u.Steps, func(step *plan.Step) bool {
		return step.Result == slot && step.Call != nil && step.Call.Format == format.XML
	}) {
		path = path.Lone()
	}
	u.Mappings = append(u.Mappings, plan.Mapping{Target: strings.Split(m.Target, "."), Slot: slot, Path: path})
	return true
}

// constantMapping compiles a mapping that names no step: a text, or a template
// over what the caller gives.
func (s *scope) constantMapping(u *plan.Unit, m model.StepMapping) bool {
	at := m.Node.Where("value")
	e, ok := s.text(m.Value, template.Double, at, func(name string, optional bool) expr.Expr {
		return s.callerVariable(name, usage{origin: "template", place: plan.InQuery, required: true, feeds: m.Target +
			" of the answer"}, at, optional)
	})
	u.Mappings = append(u.Mappings, plan.Mapping{Target: strings.Split(m.Target, "."), From: e})
	return ok
}

// splitStep splits "step.path" or "step[0]" behind the step's name, which may hold dots.
func (s *scope) splitStep(text string) (name string, slot int, rest string) {
	name = text
	if i := strings.IndexAny(text, ".["); i >= 0 {
		name = text[:i]
	}
	for end := len(text); end > 0; end-- { // the longest name goes first
		if end < len(text) && text[end] != '.' && text[end] != '[' {
			continue
		}
		if slot, ok := s.steps[text[:end]]; ok {
			return text[:end], slot, text[end:]
		}
	}
	return name, -1, ""
}

// stepResult gives a name that begins with an earlier step: step, step.field.field.
func (s *scope) stepResult(name string, at diag.Range) (expr.Expr, bool) {
	name = strings.TrimPrefix(name, "$.")
	step, slot, rest := s.splitStep(name)
	if slot < 0 {
		return expr.Expr{}, false
	}
	s.stepField(step, rest, at)
	s.reads[slot] = true
	if rest == "" {
		return expr.Slot(slot), true
	}
	fields := strings.FieldsFunc(rest, func(c rune) bool { return c == '.' || c == '[' || c == ']' })
	return expr.Slot(slot, fields...), true
}

// brokenStep reports a dotted variable of a flow that names no step.
func (s *scope) brokenStep(name string, at diag.Range) bool {
	head, _, dotted := strings.Cut(name, ".")
	if !dotted || s.unit.Model == nil {
		return false
	}
	if s.later == nil {
		s.later = map[string]bool{}
		for _, st := range s.model().Steps {
			s.later[st.Name] = true
		}
	}
	later := s.later[head]
	if !later && len(s.steps) == 0 {
		return false
	}
	if later {
		s.compiler.report(diag.StepUnresolved, at, "Move the step up.", "“%s” is used before step “%s” has run", name,
			head)
		return true
	}
	s.unknownStep(head, at)
	return true
}

func (s *scope) unknownStep(name string, at diag.Range) {
	hint := "Name an earlier step."
	if n := len(s.steps); n > 0 && n <= 100 {
		hint = "Name an earlier step: " + diag.Some(slices.Sorted(maps.Keys(s.steps))) + "."
	}
	s.compiler.report(diag.StepUnresolved, at, s.compiler.meant(name, maps.Keys(s.steps), hint),
		"“%s” names no earlier step", name)
}

// model is the unit or flow whose texts are being compiled.
func (s *scope) model() *model.Unit {
	if s.flowModel != nil {
		return s.flowModel
	}
	return s.unit.Model
}

// ref compiles the flow that a unit refers to into the unit: what the unit's
// with block gives feeds the flow's inputs, the rest is asked of the caller.
func (s *scope) ref(u *plan.Unit, ctx unitContext) bool {
	m := u.Model
	found := s.compiler.flows[m.Ref]
	aggregate, flow := found.aggregate, found.flow
	if flow == nil {
		hint := s.compiler.meant(m.Ref, maps.Keys(s.compiler.flows), "Name a flow: namespace.name.")
		s.compiler.report(diag.RefUnresolved, m.Node.Where("ref"), hint, "“%s” names no flow", m.Ref)
		return false
	}
	if flow.Unreadable {
		return false
	}
	if u.Description == "" {
		u.Description = flow.Description
	}
	if u.Title == "" {
		u.Title = flow.Display
	}
	semantics(&u.Hints, flow.Semantics)
	u.Confirm, s.asks = flow.Confirm, flow.Ask
	inner := s.compiler.newScope(u)
	inner.namespace, inner.isREST, inner.flowModel = aggregate.Namespace, s.isREST, &flow.Unit
	inner.apis, inner.used, inner.requirements = s.apis, s.used, s.requirements
	for _, a := range m.With {
		if name, ok := s.reference(a.Value.Str()); ok {
			inner.outer[a.Key] = s.input(name,
				usage{origin: "with", place: plan.InQuery, feeds: a.Key + " of " + m.Ref,
					param: paramNamed(flow.Inputs, a.Key), whole: true}, a.Value.At)
			continue
		}
		e, ok := s.data(a.Value, func(name string, optional bool) expr.Expr {
			return s.callerVariable(name, usage{origin: "with", place: plan.InQuery, required: true, feeds: a.Key +
				" of " + m.Ref}, a.Value.At, optional)
		})
		if !ok {
			return false
		}
		inner.outer[a.Key] = e
	}
	var asked []*model.Param
	for _, p := range flow.Inputs {
		inner.declared[p.Name] = true
		if _, given := inner.outer[p.Name]; !given && s.find(p.Name, m.Node.Where("ref")) < 0 {
			asked = append(asked, p)
		}
	}
	s.declare(asked, ctx.pathNames, ctx.method, true)
	outputs := flow.Outputs
	ok := false
	switch {
	case len(flow.Steps) > 0:
		ok = inner.flow(u, &flow.Unit)
	case flow.Call != "":
		if ok = inner.callUnit(u, &flow.Unit); ok && u.Steps[0].Call.MediaType == "" {
			u.Steps[0].Call.MediaType = flow.MediaType
		}
	default:
		ok = inner.mock(u, &flow.Unit)
	}
	if ok && len(outputs) == 0 && len(m.Outputs) > 0 {
		s.compiler.outputs(u, m.Outputs)
	}
	return ok
}

func paramNamed(params []*model.Param, name string) *model.Param {
	for _, p := range params {
		if p.Name == name {
			return p
		}
	}
	return nil
}

// semantics derives hints that the tool does not give itself.
func semantics(h *model.Hints, s model.Semantics) {
	no := false
	if s.Safe != nil {
		if h.ReadOnly == nil {
			h.ReadOnly = s.Safe
		}
		if h.Destructive == nil && *s.Safe {
			h.Destructive = &no
		}
	}
	if h.Idempotent == nil {
		h.Idempotent = s.Idempotent
	}
}
