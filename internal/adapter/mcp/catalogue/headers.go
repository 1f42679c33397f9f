package catalogue

import (
	"net/http"

	"github.com/fairlead/fairlead/internal/adapter/mcp/wire"
	"github.com/fairlead/fairlead/internal/value"
)

// CheckHeaders checks that the headers of a modern tools/call repeat the
// arguments that the tool's schema marks with x-mcp-header (SEP-2243).
func (t *Tool) CheckHeaders(header http.Header, arguments []wire.Given) *wire.Error {
	for i := range t.Args {
		a := &t.Args[i]
		if a.Schema == nil || a.Schema.MCPHeader == "" {
			continue
		}
		name := "Mcp-Param-" + a.Schema.MCPHeader
		values := header.Values(name)
		v := t.argument(arguments, i)
		switch {
		case v.IsAbsent() || v.Kind() == value.Null:
			if len(values) > 0 {
				return wire.Mismatch("the header " + name + " is given, and the argument " + a.Listed + " is not")
			}
		case len(values) != 1:
			return wire.Mismatch("the header " + name + " must be given once, as the argument " + a.Listed +
				" is given")
		case !wire.Says(values[0], v.Text()) && !sameNumber(values[0], v):
			return wire.Mismatch("the header " + name + " does not say what the argument " + a.Listed + " says")
		}
	}
	return nil
}

// argument is what the caller gave for an argument, by either of its names.
func (t *Tool) argument(arguments []wire.Given, index int) (v value.Value) {
	for _, g := range arguments {
		if i, ok := t.ByArg[string(g.Name)]; ok && i == index {
			v = g.Value
		}
	}
	return v
}

// sameNumber reports whether a header has the integer v in another spelling.
func sameNumber(header string, v value.Value) bool {
	said, err := value.Parse([]byte(header))
	given, bad := value.Parse([]byte(v.Text()))
	a, isInteger := said.Int64()
	b, alike := given.Int64()
	return err == nil && bad == nil && isInteger && alike && a == b
}
