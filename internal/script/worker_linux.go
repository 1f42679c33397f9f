package script

import "syscall"

// tied makes the kernel kill a process when the one that started it dies.
func tied() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
