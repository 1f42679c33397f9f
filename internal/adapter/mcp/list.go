package mcp

import (
	"github.com/fairlead/fairlead/internal/adapter/mcp/catalogue"
	"github.com/fairlead/fairlead/internal/adapter/mcp/wire"
)

func (r *request) listTools(p *listParams) *wire.Error     { return r.list(r.view.ToolPages, p) }
func (r *request) listPrompts(p *listParams) *wire.Error   { return r.list(r.view.PromptPages, p) }
func (r *request) listTemplates(p *listParams) *wire.Error { return r.list(r.view.TemplatePages, p) }

func (r *request) list(all catalogue.Pages, p *listParams) *wire.Error {
	page, ok := all.At(p.cursor)
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
