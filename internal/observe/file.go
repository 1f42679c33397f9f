package observe

import (
	"fmt"
	"os"
	"sync"
)

// File is a file that lines are appended to, which its owner alone may read.
type File struct {
	name string
	mu   sync.Mutex
	file *os.File
}

// OpenFile opens or makes a file for lines.
func OpenFile(name string) (*File, error) {
	f, err := openLines(name)
	if err != nil {
		return nil, fmt.Errorf("open log: %w", err)
	}
	return &File{name: name, file: f}, nil
}

// Write appends lines.
func (f *File) Write(lines []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.file.Write(lines)
}

// Reopen opens the file anew, for who has moved it away. With an error the old one
// stays in use. That of nil does nothing.
func (f *File) Reopen() error {
	if f == nil {
		return nil
	}
	next, err := openLines(f.name)
	if err != nil {
		return fmt.Errorf("open log: %w", err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	old := f.file
	f.file = next
	return old.Close()
}

// Close closes the file.
func (f *File) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.file.Close()
}
