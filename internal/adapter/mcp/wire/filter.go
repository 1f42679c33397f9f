package wire

import "github.com/fairlead/fairlead/internal/value"

// Filter is what a subscriber wants to hear of, or what has changed.
type Filter struct {
	Tools, Prompts, Resources bool
	URIs                      []string
}

// Each calls send with a notification for everything in f. Meta is the text of
// _meta, or nil.
func (f Filter) Each(meta []byte, send func([]byte) bool) bool {
	ok := true
	note := func(method, uri string) {
		m := append([]byte(`{"jsonrpc":"2.0","method":"notifications/`+method+`"`), `,"params":{`...)
		if meta != nil {
			m = append(append(m, `"_meta":`...), meta...)
		}
		if uri != "" {
			if meta != nil {
				m = append(m, ',')
			}
			m = value.AppendString(append(m, `"uri":`...), uri)
		}
		ok = ok && send(append(m, "}}"...))
	}
	for _, list := range []struct {
		changed bool
		method  string
	}{{f.Tools, "tools/list_changed"}, {f.Prompts, "prompts/list_changed"}, {f.Resources, "resources/list_changed"}} {
		if list.changed {
			note(list.method, "")
		}
	}
	for _, uri := range f.URIs {
		note("resources/updated", uri)
	}
	return ok
}

// Value is the filter as clients write it.
func (f Filter) Value() value.Value {
	v := value.Map()
	for _, list := range []struct {
		wanted bool
		name   string
	}{{f.Tools, "toolsListChanged"}, {f.Prompts, "promptsListChanged"}, {f.Resources, "resourcesListChanged"}} {
		if list.wanted {
			v.Add(list.name, value.Boolean(true))
		}
	}
	if f.URIs != nil {
		uris := value.List()
		for _, uri := range f.URIs {
			uris.Append(value.Of(uri))
		}
		v.Add("resourceSubscriptions", uris)
	}
	return v
}

// Filter reads what a client wants to hear of.
func (r *Reader) Filter() (f Filter) {
	r.Object(func(name []byte) {
		switch string(name) {
		case "toolsListChanged":
			f.Tools = string(r.Source()) == "true"
		case "promptsListChanged":
			f.Prompts = string(r.Source()) == "true"
		case "resourcesListChanged":
			f.Resources = string(r.Source()) == "true"
		case "resourceSubscriptions":
			list := r.Value()
			for i := 0; list.Kind() == value.Array && i < list.Len(); i++ {
				if uri := list.At(i); uri.Kind() == value.String {
					f.URIs = append(f.URIs, uri.Text())
				}
			}
		default:
			r.Skip()
		}
	})
	return f
}
