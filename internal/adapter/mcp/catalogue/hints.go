package catalogue

import "github.com/fairlead/fairlead/internal/model"

// IsTrue reports whether a hint is given and true.
func IsTrue(hint *bool) bool { return hint != nil && *hint }

// IsDestructive reads the hints as MCP does: what says nothing may destroy.
func IsDestructive(h model.Hints) bool {
	if h.Destructive != nil {
		return *h.Destructive
	}
	return !IsTrue(h.ReadOnly)
}
