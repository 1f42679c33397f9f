package model

import "github.com/fairlead/fairlead/internal/document"

// Expose is one server. Type is "rest", "mcp", "skill", "control" or what the author wrote.
type Expose struct {
	Node                                  *document.Node
	Type, Namespace, Description, Address string
	Port                                  int // 0 when absent or "any"
	Transport                             string
	Auth                                  *Auth
	Inputs                                []*Param
	MaxBinarySize                         string
	Unreadable                            bool // a key that protects cannot be read: nothing of it is served

	Resources []*Resource // rest

	Tools        []*Tool // mcp
	MCPResources []*MCPResource
	Prompts      []*Prompt
	TTL          int64  // mcp ttlMs
	CacheScope   string // mcp: "public", "private" or ""
	Icon         string // mcp: x-fairlead: {icon: URL}; https or data

	Skills []*Skill // skill

	Control *Control // control
}

// Control says what a control server shows and lets others change.
type Control struct {
	Health, Info, Reload, Validate bool
	Scripting                      bool // there is a scripting block
	Levels, Stream                 bool // of the log
	Subscribers                    int  // who may read the log at once
	Observability                  Observability
}

// Observability is the observability block of a control server.
type Observability struct {
	Metrics, Traces bool // that the server shows
	Off             bool // enabled: false
	Buffer          int  // traces that are kept
	Sampling        float64
	Propagation     string // w3c or b3
	Endpoint        string // of an OTLP collector, perhaps with {{variables}}; "" is none
}

// Resource is one path of a REST server.
type Resource struct {
	Node                             *document.Node
	Name, Display, Description, Path string
	Inputs                           []*Param
	Operations                       []*RESTOperation
	Forward                          *Forward
	Unreadable                       bool // a key that protects cannot be read: nothing of it is served
}

// RESTOperation is a unit served under a method.
type RESTOperation struct {
	Unit
	Method          string
	BinaryMediaType string // from responses or responseBinary
}

// Forward passes a resource's requests to a consumed API.
type Forward struct {
	Node            *document.Node
	TargetNamespace string
	TrustedHeaders  []string
}

// Hints are what an MCP tool promises; nil is "not said".
type Hints struct{ ReadOnly, Destructive, Idempotent, OpenWorld *bool }

// Tool is an MCP tool.
type Tool struct {
	Unit
	Hints Hints
}

// MCPResource is an MCP resource: dynamic, or the files below Location.
type MCPResource struct {
	Unit
	URI, MimeType, Location string
	Binary                  bool
}

// Prompt is an MCP prompt: inline messages, or the file at Location.
type Prompt struct {
	Node                       *document.Node
	Name, Display, Description string
	Arguments                  []*Param
	Messages                   []Message
	Location                   string
	Ask                        []*Question
	Icon                       string // x-fairlead: {icon: URL}; https or data
	Unreadable                 bool   // a key that protects cannot be read: it is not served
}

// Message is one message of an inline prompt.
type Message struct{ Role, Content string }

// Skill is an Agent Skill.
type Skill struct {
	Node                        *document.Node
	Name, Description           string
	License, Compatibility      string
	AllowedTools, ArgumentHint  string
	Metadata                    []document.Pair
	UserInvocable, DisableModel *bool
	Location                    string
	Tools                       []*SkillTool
	Unreadable                  bool // a key that protects cannot be read: it is not served
}

// SkillTool is derived from a sibling server's unit, or an instruction file.
type SkillTool struct {
	Node                    *document.Node
	Name, Description       string
	SourceNamespace, Action string
	Instruction             string
}
