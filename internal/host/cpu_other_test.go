//go:build !unix

package host_test

import "time"

var began = time.Now()

// spentTime is the time since the start, where the processor's is not known.
func spentTime() time.Duration { return time.Since(began) }
