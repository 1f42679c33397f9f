package compile

import (
	"cmp"
	"net/textproto"
	"regexp"
	"slices"
	"strings"

	"github.com/fairlead/fairlead/internal/diag"
	"github.com/fairlead/fairlead/internal/expr"
	"github.com/fairlead/fairlead/internal/jsonpath"
	"github.com/fairlead/fairlead/internal/model"
	"github.com/fairlead/fairlead/internal/plan"
	"github.com/fairlead/fairlead/internal/schema"
	"github.com/fairlead/fairlead/internal/value"
)

// pattern compiles a pattern, once for all parameters that have it.
func (k *compiler) pattern(source string, at diag.Range) (*regexp.Regexp, error) {
	if re, known := k.patterns[source]; known {
		return re, nil
	}
	re, size, err := jsonpath.CompilePattern(source)
	if err != nil {
		return nil, err
	}
	k.spend(size/instructions, at)
	k.patterns[source] = re
	return re, nil
}

// instructions is how many of a pattern weigh as much as a value that is bound.
const instructions = 2

// paramSchema is the schema of a parameter, declared or consumed.
func paramSchema(k *compiler, p *model.Param) *schema.Schema {
	k.spend(1+len(p.Enum)/4+len(p.Pattern)/16+valueCost(p.Default), p.Node.Range())
	s := &schema.Schema{Input: true, Type: p.Type, Description: p.Description, MaxLength: p.MaxLength}
	for _, e := range p.Enum {
		s.Enum = append(s.Enum, e.Value())
	}
	if !p.Default.IsNull() {
		s.Default = p.Default.Value()
	}
	if p.Pattern != "" {
		var err error
		if s.Pattern, err = k.pattern(p.Pattern, p.Node.Where("pattern")); err != nil {
			k.reportOnce(diag.BadPattern, p.Node.Where("pattern"), "Use RE2 syntax.",
				"the pattern of “%s” cannot be used and is not checked: %s", p.Name, err)
		}
	}
	if p.Items != nil {
		s.Items = paramSchema(k, p.Items)
	}
	if len(p.Titles) > 0 && len(p.Titles) != len(p.Enum) {
		k.reportOnce(diag.WrongType, p.Node.Where("x-fairlead"), "Give one title for each value.",
			"“%s” has %d values and %d titles; the titles are left out", cmp.Or(p.Name, "items"), len(p.Enum),
			len(p.Titles))
	} else {
		s.Titles, s.EnumNames = p.Titles, p.EnumNames
	}
	for _, child := range p.Properties {
		s.Properties = append(s.Properties,
			schema.Property{Name: child.Name, Schema: paramSchema(k, child), Required: child.Required != nil &&
				*child.Required})
	}
	if len(p.Properties) > 0 && s.Type == "" {
		s.Type = "object"
	}
	k.settleDefault(s, p)
	return s
}

// declare adds the inputs that the author declared. required is what a missing
// "required" means.
func (s *scope) declare(params []*model.Param, pathNames []string, method string, required bool) {
	for _, p := range params {
		if !s.compiler.spend(1, p.Node.Range()) {
			return
		}
		in := &plan.Input{Slot: s.slot(), Name: p.Name, Key: p.Name, Schema: paramSchema(s.compiler, p),
			Origin: "declared", Required: required, Secret: p.Secret}
		if p.Required != nil {
			in.Required = *p.Required
		}
		in.Schema.MCPHeader = p.Header
		s.placeInput(in, p, pathNames, method)
		s.requirementOf(p.Name).declared = p.Required != nil || s.isREST && in.Place == plan.InPath ||
			in.Place == plan.InPlan
		if i := s.inputIndex().find(in.Name); i >= 0 {
			in.Slot = s.unit.Inputs[i].Slot
			s.unit.Inputs[i] = in
		} else {
			s.unit.Inputs = append(s.unit.Inputs, in)
		}
		s.declared[p.Name] = true
	}
}

func (s *scope) placeInput(in *plan.Input, p *model.Param, pathNames []string, method string) {
	if p.Value != nil && !strings.HasPrefix(p.Value.Str(), "$") || p.In == "environment" {
		in.Place, in.Required = plan.InPlan, false
		if p.In == "environment" {
			in.Fixed, _ = s.bound("env." + p.Name)
		} else if p.Value.Is(value.String) {
			in.Fixed, _ = s.data(p.Value, func(name string, _ bool) expr.Expr { e, _ := s.bound(name); return e })
			in.Fixed = s.sealed(in.Fixed, p.Name, p.Value, p.Secret)
		} else {
			in.Fixed = expr.Literal(p.Value.Value())
		}
		return
	}
	if !s.isREST {
		return
	}
	if slices.Contains(pathNames, p.Name) {
		in.Place, in.Required = plan.InPath, true
		return
	}
	switch p.In {
	case "path":
		if i := slices.IndexFunc(pathNames, func(n string) bool { return loose(n, p.Name) }); i >= 0 {
			in.Place, in.Key, in.Required = plan.InPath, pathNames[i], true
			return
		}
		in.Place = plan.InQuery
	case "query":
		in.Place = plan.InQuery
	case "header":
		in.Place, in.Key = plan.InHeader, textproto.CanonicalMIMEHeaderKey(p.Name)
	case "cookie":
		in.Place = plan.InCookie
	case "":
		in.Place = plan.InBody
		if method == "GET" || method == "HEAD" || method == "DELETE" {
			in.Place = plan.InQuery
		}
	default:
		in.Place = plan.InBody
		if text := p.Value.Str(); text != "" {
			path, _, err := jsonpath.Compile(text, jsonpath.Lenient)
			if err != nil {
				s.compiler.report(diag.BadPath, p.Value.At, "Correct the JSONPath.",
					"the value of “%s” is not a JSONPath: %s", p.Name, err)
				return
			}
			in.Select = path
		}
	}
}

// placeholders adds an input for every placeholder of an exposed path that is
// not declared.
func (s *scope) placeholders(names []string) {
	have := map[string]bool{}
	for _, in := range s.unit.Inputs {
		have[in.Key] = have[in.Key] || in.Place == plan.InPath
	}
	for _, name := range names {
		if have[name] || !s.compiler.spend(1, diag.Range{}) {
			continue
		}
		have[name] = true
		s.unit.Inputs = append(s.unit.Inputs, &plan.Input{
			Slot: s.slot(), Name: name, Key: name, Place: plan.InPath, Required: true, Origin: "path",
			Schema: &schema.Schema{Input: true},
		})
	}
}

// finish settles what is known only when everything is bound: canonical header
// names, and declared inputs that feed nothing.
func (s *scope) finish() {
	replaced, own := map[string]bool{}, map[string]*model.Param{}
	for _, name := range s.replaced {
		replaced[name] = true
	}
	if s.unit.Model != nil {
		for _, p := range s.unit.Model.Inputs {
			own[p.Name] = p
		}
	}
	for _, in := range s.unit.Inputs {
		if in.Place == plan.InHeader {
			in.Key = textproto.CanonicalMIMEHeaderKey(in.Key)
		}
		if in.Origin == "path" && in.Schema.Type == "" {
			in.Schema.Type = "string"
		}
		if in.Schema.JSON {
			in.Schema.Description = cmp.Or(in.Schema.Description, "Any JSON value.")
		}
		s.require(in, own[in.Name])
		s.compiler.settleDefault(in.Schema, own[in.Name])
		if !s.used[in.Name] && replaced[in.Name] {
			in.Required = false // nobody is asked for a credential that the operator has
		}
		if in.Origin == "declared" && !s.used[in.Name] && in.Place != plan.InPlan && s.unit.Model != nil {
			at, whose := s.unit.Model.Node.Range(), "inherited input"
			if p := own[in.Name]; p != nil {
				at, whose = p.Node.Where("name"), "input"
			}
			s.compiler.report(diag.InputUnused, at, "Remove it, or name it in the with block.",
				"the %s “%s” feeds nothing", whose, in.Name)
		}
	}
	if !s.isREST { // and no model gives one
		s.unit.Inputs = slices.DeleteFunc(s.unit.Inputs,
			func(in *plan.Input) bool { return !s.used[in.Name] && replaced[in.Name] })
	}
}

// require settles whether an input must be given: as its author p says, else as what
// it feeds needs it. One with a default need not. p is nil where the unit inherits it.
func (s *scope) require(in *plan.Input, p *model.Param) {
	n := s.requirementOf(in.Name)
	switch {
	case in.Origin == "path" || s.isREST && in.Place == plan.InPath || in.Place == plan.InPlan:
	case !in.Schema.Default.IsAbsent():
		in.Required = false
	case n.declared:
	case n.required || in.Origin != "declared":
		in.Required = n.required
	case n.optional && in.Required:
		in.Required = false
		if p != nil {
			s.compiler.report(diag.InputOptional, p.Node.Where("name"), "Write required: true if it must be given.",
				"“%s” may be left out: %s is optional", in.Name, in.Feeds)
		}
	}
}

// settleDefault converts the default of a parameter to its type, once and for all. One
// that does not fit is left out. p is where it is written, or nil.
func (k *compiler) settleDefault(s *schema.Schema, p *model.Param) {
	if s.Default.IsAbsent() {
		return
	}
	converted, problem := s.Convert(s.Default)
	if problem != nil {
		if p != nil {
			k.reportOnce(diag.WrongType, p.Node.Where("default"), "Correct the default; until then it is left out.",
				"the default of “%s” does not fit: it %s", p.Name, problem.Message)
		}
		converted = value.Value{}
	}
	s.Default = converted
}
