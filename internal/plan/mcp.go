package plan

import (
	"io/fs"
	"regexp"

	"github.com/fairlead/fairlead/internal/model"
	"github.com/fairlead/fairlead/internal/template"
)

// Resource is an MCP resource: a unit whose inputs are the variables of its
// URI, or the files below a folder.
type Resource struct {
	Model    *model.MCPResource
	Name     string
	Title    string
	URI      string // with {var} placeholders when dynamic
	MimeType string // "" when not declared
	Unit     *Unit  // nil for static files
	Files    fs.FS  // nil for dynamic resources; confined to the declared folder
}

// Prompt is an MCP prompt. Its messages come from the document or, read at each
// use, from a file.
type Prompt struct {
	Model     *model.Prompt
	Name      string
	Title     string
	Arguments []Argument
	Messages  []Message
	Ask       []*Question
	Files     fs.FS  // with File: where it is read
	File      string // "" when Messages are inline
}

// Argument is one argument of a prompt; the value is always a string.
type Argument struct {
	Name, Title, Description string
	Required                 bool
	Enum                     []string // what completion offers
}

// Message is one message of a prompt; the template's variables are arguments by name.
type Message struct {
	Role string
	Text *template.Template
}

// uriVariable is a variable of a URI template (RFC 6570 level 1).
var uriVariable = regexp.MustCompile(`\{([^{}/]+)\}`)

// SplitURI splits the URI of a resource into its variables and the texts around them,
// of which there is one more.
func SplitURI(uri string) (texts, variables []string) {
	end := 0
	for _, m := range uriVariable.FindAllStringSubmatchIndex(uri, -1) {
		texts, variables = append(texts, uri[end:m[0]]), append(variables, uri[m[2]:m[3]])
		end = m[1]
	}
	return append(texts, uri[end:]), variables
}
