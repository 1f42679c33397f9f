package suggest

import (
	"github.com/fairlead/fairlead/internal/document"
	"github.com/fairlead/fairlead/internal/jsonpath"
	"github.com/fairlead/fairlead/internal/model"
	"github.com/fairlead/fairlead/internal/value"
)

// apiTarget is the path of an overlay to a consumed API.
func apiTarget(m *model.Capability, api *model.Consume) string {
	path, section := "$.capability.consumes", m.Node.Get("capability").Get("consumes")
	if !holds(section, api.Namespace) {
		if other := m.Node.Get("consumes"); holds(other, api.Namespace) || section.IsNull() {
			path, section = "$.consumes", other
		}
	}
	if section.Is(value.Object) {
		return path + "[" + quoted(api.Namespace) + "]"
	}
	return path + filter(api.Node, api.Namespace, "namespace", "name")
}

// holds reports whether a section has an API of that namespace, imported perhaps.
func holds(section *document.Node, namespace string) bool {
	if section.Get(namespace) != nil {
		return true
	}
	if section == nil {
		return false
	}
	for _, item := range section.Items {
		n, _ := item.First("as", "import", "namespace", "name")
		if n.Str() == namespace || item.Get("namespace").Str() == namespace {
			return true
		}
	}
	return false
}

// operationTarget is the path of an overlay to an operation of an API.
func operationTarget(m *model.Capability, api *model.Consume, op *model.Operation) string {
	return apiTarget(m, api) + holderOf(api, op) + nameTarget(op)
}

// holderOf is the path from an API to what holds its operations.
func holderOf(api *model.Consume, op *model.Operation) string {
	if op.Resource.Node == api.Node || api.Node.Get("resources").IsNull() {
		return ".operations"
	}
	return ".resources[*].operations"
}

// nameTarget is the step to an operation among those of its holder.
func nameTarget(op *model.Operation) string {
	for _, key := range []string{"name", "id", "operationId"} {
		if op.Node.Get(key).Str() == op.Name {
			return filter(op.Node, op.Name, key)
		}
	}
	return "[" + quoted(op.Name) + "]" // in the map form
}

// parameterTarget is the step from an operation to its body parameter.
func parameterTarget(op *model.Operation) string {
	for _, p := range op.Inputs {
		if isWholeBody(p) {
			if op.Node.Get("inputParameters").Is(value.Object) {
				return ".inputParameters[" + quoted(p.Name) + "]"
			}
			return ".inputParameters[?@.name == " + quoted(p.Name) + "]"
		}
	}
	return ""
}

// filter selects an item of a list by the first of the keys that it has.
func filter(n *document.Node, name string, keys ...string) string {
	for _, key := range keys {
		if n.Get(key).Str() == name {
			return "[?@." + key + " == " + quoted(name) + "]"
		}
	}
	return "[?@." + keys[0] + " == " + quoted(name) + "]"
}

// quoted is a name as a string of JSONPath.
func quoted(name string) string {
	path := jsonpath.Location{{Name: name}}.String()
	return path[len("$[") : len(path)-len("]")]
}
