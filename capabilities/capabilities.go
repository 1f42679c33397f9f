// Package capabilities holds the documents that ship with the binary.
package capabilities

import "embed"

// Files are the documents and their overlays, by file name.
//
//go:embed *.yaml
var Files embed.FS

// Default is the file that is served when no other is named.
const Default = "koyeb-sessions.yaml"
