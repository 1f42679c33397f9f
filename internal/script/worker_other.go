//go:build !linux

package script

import "syscall"

// tied relies on Work, which returns when its input ends.
func tied() *syscall.SysProcAttr { return nil }
