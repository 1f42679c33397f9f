//go:build !linux

package host

import "runtime/debug"

// TrimMemory gives back heap that only start-up needed.
func TrimMemory() { debug.FreeOSMemory() }
