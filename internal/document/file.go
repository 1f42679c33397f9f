package document

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"syscall"
)

// ReadFile reads a regular file, at most MaxBytes and one byte more, which tells
// that it is too large. Pipes and devices are refused: they may have no end, or
// never begin.
func ReadFile(name string) ([]byte, error) {
	f, err := os.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readRegular(f)
}

func readRegular(f fs.File) ([]byte, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errNotRegular
	}
	return io.ReadAll(io.LimitReader(f, MaxBytes+1))
}

// errNotRegular is that of a pipe, a device or a socket where a file belongs.
var errNotRegular = errors.New("it is no regular file")
