//go:build !linux

package main

import (
	"errors"
	"runtime"
	"time"
)

var errNotLinux = errors.New("the bench reads CPU time and memory of processes from Linux; run it there")

func cpuTime(int) (time.Duration, error) { return 0, errNotLinux }

func memoryOf(int) (memoryUse, error) { return memoryUse{}, errNotLinux }

func machine() machineInfo {
	return machineInfo{Cores: runtime.NumCPU(), Kernel: runtime.GOOS, Go: runtime.Version() + " " + runtime.GOARCH}
}
