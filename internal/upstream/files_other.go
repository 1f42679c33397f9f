//go:build !unix

package upstream

// maxFiles is how many descriptors the process may have open.
func maxFiles() int { return 1 << 16 }
