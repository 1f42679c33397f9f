package catalogue

import (
	"path"
	"strings"

	"github.com/fairlead/fairlead/internal/value"
)

// icons is the list of the one icon that a document gives something (revision
// 2025-11-25; clients of older ones ignore it).
func icons(url string) value.Value {
	icon := value.Map(value.Member{Name: "src", Value: value.Of(url)})
	if kind := iconType(url); kind != "" {
		icon.Add("mimeType", value.Of(kind))
	}
	return value.List(icon)
}

// appendIcons appends the member icons; nothing for no URL.
func appendIcons(dst []byte, url string) []byte {
	if url == "" {
		return dst
	}
	return icons(url).AppendJSON(append(dst, `,"icons":`...))
}

// iconType is what the URL says of the image's type, or "".
func iconType(url string) string {
	if data, ok := strings.CutPrefix(url, "data:"); ok {
		kind, _, _ := strings.Cut(data, ",")
		kind, _, _ = strings.Cut(kind, ";")
		return kind
	}
	url, _, _ = strings.Cut(url, "?")
	if kind := textTypes[strings.ToLower(path.Ext(url))]; strings.HasPrefix(kind, "image/") {
		return kind
	}
	return ""
}
