package compile

import (
	"github.com/fairlead/fairlead/internal/diag"
	"github.com/fairlead/fairlead/internal/expr"
	"github.com/fairlead/fairlead/internal/model"
	"github.com/fairlead/fairlead/internal/plan"
	"github.com/fairlead/fairlead/internal/value"
)

// value is the expression of a consumed parameter; ok is false when nothing feeds it.
func (c *call) value(p *model.Param) (e expr.Expr, ok bool) {
	if e, done := c.values[p]; done && !c.inAuth { // which marks the credentials that it reads
		return e, !e.IsZero()
	}
	if c.open[p] {
		return expr.Expr{}, false
	}
	c.open[p] = true
	outer := c.sensitive
	c.sensitive = p.Secret || looksLikeCredential(p.Name)
	e = c.findValue(p)
	c.sensitive = outer
	delete(c.open, p)
	c.values[p] = e
	return e, !e.IsZero()
}

func (c *call) findValue(p *model.Param) expr.Expr {
	if p.Value != nil {
		if p.Value.Is(value.String) {
			if name, ok := c.reference(p.Value.Text); ok {
				return c.input(name, c.wholly(p, "template"), p.Value.At)
			}
		}
		e, _ := c.data(p.Value, func(name string,
			optional bool) expr.Expr {
			return c.variable(name, p, p.Value.At, optional)
		})
		return c.sealed(e, p.Name, p.Value, p.Secret)
	}
	if a := c.argumentFor(p.Name); a != nil {
		return a.expr
	}
	if p.In == "environment" {
		if e, ok := c.bound(p.Name); ok {
			return e
		}
		e, _ := c.bound("env." + p.Name)
		return e
	}
	h := c.wholly(p, "operation")
	at := c.at
	if c.declared[p.Name] || c.outerHas(p.Name) || !c.hasArgs {
		return c.input(p.Name, h, at)
	}
	if i := c.findLoosely(p.Name); i >= 0 {
		return c.input(c.unit.Inputs[i].Name, h, at)
	}
	if h.required {
		c.inferred(p.Name)
		return c.input(p.Name, h, at)
	}
	if p.Default != nil {
		return expr.Literal(p.Default.Value())
	}
	return expr.Expr{}
}

func (s *scope) outerHas(name string) bool {
	_, ok := s.outer[name]
	return ok
}

// findLoosely finds a declared input or exposed placeholder for a parameter
// that the with block leaves out.
func (c *call) findLoosely(name string) int {
	for _, i := range c.inputIndex().like(name) {
		if in := c.unit.Inputs[i]; in.Origin == "declared" || in.Origin == "path" {
			return i
		}
	}
	return -1
}

func (c *call) argumentFor(name string) *withEntry {
	i := c.withIndex.find(name)
	if i < 0 {
		like := c.withIndex.like(name)
		if len(like) == 0 {
			return nil
		}
		i = like[0]
	}
	a := c.with[i]
	if a.Key != name && !a.used {
		c.compiler.report(diag.LooseName, a.Pair.KeyAt, "Spell both alike.", "“%s” is taken for “%s” of %s", a.Key,
			name, c.target())
	}
	a.used = true
	return a
}

// variable gives a variable of the consumed operation's own texts (path, fixed
// value, body): the with block, another parameter, the caller, a bind, a step;
// else it is asked of the caller. self is the parameter whose text it is, if any.
func (c *call) variable(name string, self *model.Param, at diag.Range, optional bool) expr.Expr {
	if e, ok := c.fed(name, self); ok {
		return e
	}
	if input, ok := c.reference(name); ok {
		name = input
		if e, ok := c.fed(name, self); ok {
			return e
		}
	}
	if c.declared[name] || c.outerHas(name) {
		return c.input(name, c.templateHint(name, self, optional), at)
	}
	if e, ok := c.known(name, at); ok {
		return e
	}
	if c.brokenStep(name, at) {
		return expr.Expr{}
	}
	h := c.templateHint(name, self, optional)
	if c.hasArgs && h.required && c.findLoosely(name) < 0 {
		c.inferred(name)
	}
	return c.input(name, h, at)
}

// fed gives what the with block or a parameter gives for a name.
func (c *call) fed(name string, self *model.Param) (expr.Expr, bool) {
	if a := c.argumentFor(name); a != nil {
		return a.expr, true
	}
	for _, exact := range []bool{true, false} {
		for _, i := range c.byName.like(name) {
			if p := c.params[i]; p != self && !c.open[p] && (!exact || p.Name == name) {
				if e, ok := c.value(p); ok {
					return e, true
				}
			}
		}
	}
	return expr.Expr{}, false
}

// wholly is the hint for an input that is all of p.
func (c *call) wholly(p *model.Param, origin string) usage {
	h := c.hintFor(p, origin)
	h.whole = true
	return h
}

func (c *call) inferred(name string) {
	c.compiler.report(diag.InputInferred, c.at, "Add it to the with block to make that plain.",
		"the with block leaves out “%s”, which %s needs; the caller is asked for it", name, c.target())
}

func (c *call) templateHint(name string, self *model.Param, optional bool) usage {
	h := usage{origin: "template", place: plan.InQuery, feeds: name + " of " + c.target()}
	switch {
	case self != nil:
		h = c.hintFor(self, "template")
		h.whole = isSingle(self.Value)
		h.entity = h.entity && h.whole
		h.any = !h.whole && c.isEntity(self) && c.speaksJSON() && isBare(self.Value, name)
		h.required = !optional && (h.required || !h.whole && self.Value.Is(value.String))
	case c.isPlaceholder(name):
		h.required = !optional
	default:
		h.place, h.required = plan.InBody, !optional && c.hasBlock() && c.bodyNeeds(name)
		h.any = c.takesJSON(name)
		if c.hasBlock() && (c.op.Body.Type == "binary" || c.op.Body.Type == "text") && isSingle(c.op.Body.Data) {
			h.entity, h.required = true, true
		}
		if c.op.Method == "GET" || c.op.Method == "HEAD" {
			h.place = plan.InQuery
		}
	}
	return h
}
