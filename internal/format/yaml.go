package format

import (
	"fmt"

	"github.com/fairlead/fairlead/internal/diag"
	"github.com/fairlead/fairlead/internal/document"
	"github.com/fairlead/fairlead/internal/value"
)

// yamlSize is what the tree of a YAML text costs for each byte of it.
const yamlSize = 40

// decodeYAML reads the first document of the text, by the rules and within the
// limits of capability documents (1 MiB, 64 levels).
func decodeYAML(text []byte, left *allowance) (value.Value, error) {
	if !left.meter.Steps(len(text)) || !left.meter.Hold(yamlSize*int64(len(text))) {
		return value.Value{}, left.meter.Err()
	}
	node, diags := document.Parse("", text)
	for _, d := range diags {
		if d.Severity == diag.Error {
			return value.Value{}, &Error{Offset: -1, Message: yamlMessage(d)}
		}
	}
	return node.Value(), nil
}

func yamlMessage(d diag.Diagnostic) string {
	at := d.Range.Start
	if at.Line == 0 {
		return clip(d.Message, 80)
	}
	return fmt.Sprintf("line %d, column %d: %s", at.Line, at.Column, clip(d.Message, 80))
}
