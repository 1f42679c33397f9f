package catalogue

// IsTrue reports whether a hint is given and true.
func IsTrue(hint *bool) bool { return hint != nil && *hint }
