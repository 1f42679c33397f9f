package script

import "syscall"

// tied makes the kernel kill a process when the thread that started it ends. A
// thread of a Go program ends with the program, unless a goroutine that locked
// it ends without unlocking it, which nothing here does.
func tied() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
