package plan

import (
	"io/fs"

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

// Skill is an Agent Skill of a skill server.
type Skill struct {
	Model *model.Skill
	Files fs.FS // nil when the skill has no folder
}
