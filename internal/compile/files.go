package compile

import (
	"errors"
	"io/fs"
)

// mostRead is how many bytes a document may read of the files beside it while it
// is compiled: scripts, schemas, texts.
const mostRead = 8 << 20

var errMostRead = errors.New("the files that the document names have more than 8 MiB together")

// metered counts what is read of the files beside a document.
type metered struct {
	Files
	left int64
}

func (m *metered) take(n int) error {
	if m.left -= int64(n); m.left < 0 {
		return errMostRead
	}
	return nil
}

func (m *metered) ReadFile(path string) ([]byte, error) {
	if m.left < 0 {
		return nil, errMostRead
	}
	text, err := m.Files.ReadFile(path)
	if err == nil {
		err = m.take(len(text))
	}
	return text, err
}

// schemas is a folder whose files count.
type schemas struct {
	fs.FS
	files *metered
}

func (s schemas) Open(name string) (fs.File, error) {
	if s.files.left < 0 {
		return nil, errMostRead
	}
	f, err := s.FS.Open(name)
	if err != nil {
		return nil, err
	}
	return countedFile{f, s.files}, nil
}

type countedFile struct {
	fs.File
	files *metered
}

func (f countedFile) Read(p []byte) (int, error) {
	n, err := f.File.Read(p)
	if over := f.files.take(n); over != nil {
		return n, over
	}
	return n, err
}
