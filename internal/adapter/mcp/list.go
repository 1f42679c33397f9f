package mcp

import (
	"github.com/fairlead/fairlead/internal/adapter/mcp/catalogue"
	"github.com/fairlead/fairlead/internal/adapter/mcp/wire"
)

func (r *request) listTools() *wire.Error     { return r.list(r.view.ToolPages) }
func (r *request) listPrompts() *wire.Error   { return r.list(r.view.PromptPages) }
func (r *request) listTemplates() *wire.Error { return r.list(r.view.TemplatePages) }

func (r *request) list(p catalogue.Pages) *wire.Error {
	page, ok := p.At(r.Params.Cursor)
	if !ok {
		return wire.InvalidParams("the cursor is not one of this list")
	}
	r.Open()
	r.Out = append(r.Out, page...)
	r.closeCacheable()
	return nil
}

// closePrivate ends a result that is for this caller, now.
func (r *request) closePrivate() {
	if r.modern() {
		r.Out = append(r.Out, `,"ttlMs":0,"cacheScope":"private"`...)
	}
	r.Out = append(r.Out, '}')
}

// closeCacheable ends a result that modern clients may keep.
func (r *request) closeCacheable() {
	if r.modern() {
		r.Out = append(r.Out, r.view.Cache...)
	}
	r.Out = append(r.Out, '}')
}
