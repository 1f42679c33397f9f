package diag

import (
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
)

// AppendJSON appends d as one JSON object with the members code, severity,
// line, column, message, hint (when there is one) and related (when there are
// any: objects of file, line, column, message), in that order. The file is said
// by whoever lists the diagnostics of a file.
func (d Diagnostic) AppendJSON(dst []byte) []byte {
	dst = appendText(dst, `{"code":`, d.Code)
	dst = appendText(dst, `,"severity":`, d.Severity.String())
	dst = appendPos(dst, d.Range.Start)
	dst = appendText(dst, `,"message":`, d.Message)
	if d.Hint != "" {
		dst = appendText(dst, `,"hint":`, d.Hint)
	}
	for i, r := range d.Related {
		dst = append(dst, [...]string{`,"related":[`, `,`}[min(i, 1)]...)
		dst = appendText(dst, `{"file":`, r.Range.File)
		dst = appendPos(dst, r.Range.Start)
		dst = append(appendText(dst, `,"message":`, r.Message), '}')
	}
	if len(d.Related) > 0 {
		dst = append(dst, ']')
	}
	return append(dst, '}')
}

func appendPos(dst []byte, at Pos) []byte {
	dst = strconv.AppendInt(append(dst, `,"line":`...), int64(at.Line), 10)
	return strconv.AppendInt(append(dst, `,"column":`...), int64(at.Column), 10)
}

func appendText(dst []byte, prefix, text string) []byte {
	dst, _ = jsontext.AppendQuote(append(dst, prefix...), text) // its error only reports a U+FFFD
	return dst
}
