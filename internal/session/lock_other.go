//go:build !unix && !windows

package session

import (
	"io/fs"
	"os"
)

// tryLock takes no lock: on this system sessions are shared by no processes.
func tryLock(*os.File) (bool, error) { return true, nil }

func readableByOthers(fs.FileInfo) bool { return false }
