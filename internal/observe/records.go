package observe

import (
	"bytes"
	"io"
	"log/slog"
	"regexp"
	"strings"
)

// Records is a writer of texts for people, each line of which becomes a record: who
// asks for records gets nothing else.
func Records(log *slog.Logger) io.Writer { return records{log} }

type records struct{ log *slog.Logger }

// styled are the marks of terminals.
var styled = regexp.MustCompile("\x1b\\[[0-9;]*[A-Za-z]")

// Write takes whole lines; it never fails.
func (r records) Write(text []byte) (int, error) {
	for line := range bytes.Lines(styled.ReplaceAll(text, nil)) {
		if said := strings.TrimPrefix(strings.TrimSpace(string(line)), "fairlead: "); said != "" {
			r.log.Info(said)
		}
	}
	return len(text), nil
}
