package format

import (
	"io"
	"io/fs"
	"path"
)

// maxSchemaFile is how long one schema file may be.
const maxSchemaFile = 1 << 20

// readSchema reads a schema file by its path as the document writes it.
func readSchema(files fs.FS, name string) (string, error) {
	if files == nil {
		return "", fail("there is no folder to read %s from", name)
	}
	file := path.Clean(name)
	if !fs.ValidPath(file) {
		return "", fail("the schema %s is not inside the folder of the document", name)
	}
	f, err := files.Open(file)
	if err != nil {
		return "", fail("open schema: %v", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxSchemaFile+1))
	switch {
	case err != nil:
		return "", fail("read schema: %v", err)
	case len(text) > maxSchemaFile:
		return "", fail("the schema %s is longer than 1 MiB", name)
	}
	return string(text), nil
}
