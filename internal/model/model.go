// Package model is a capability document without its version: whatever shape
// and words the author used, one set of types says what it means. It is data
// only; normalize fills it, compile reads it.
//
// Every element keeps the Node it came from, so that whoever finds something
// wrong can say where.
package model

import (
	"github.com/fairlead/fairlead/internal/document"
	"github.com/fairlead/fairlead/internal/value"
)

// Capability is one document.
type Capability struct {
	File       string
	Node       *document.Node
	Version    Version
	Info       Info
	Binds      []*Bind
	Consumes   []*Consume
	Aggregates []*Aggregate
	Exposes    []*Expose
	Scripting  Scripting
	Unreadable bool // a key that protects the whole cannot be read: nothing is served
}

// Scripting is the management.scripting block of the first control server.
type Scripting struct {
	Off                bool // enabled: false
	Location, Language string
	Allowed            []string // languages; all when empty
	Milliseconds       int      // a script's time; 0 is the default
	Statements         int      // of a script; 0 is the default
	Unreadable         bool     // a key that protects cannot be read: no script runs
}

// Name is the display name, else the file name.
func (c *Capability) Name() string {
	if c.Info.Display != "" {
		return c.Info.Display
	}
	return c.File
}

// Version is the specification version as written. Family is "naftiko", "ikanos" or "".
type Version struct{ Family, Raw string }

// String is "family version".
func (v Version) String() string {
	if v.Family == "" {
		return "none"
	}
	return v.Family + " " + v.Raw
}

// Info is the document's metadata.
type Info struct {
	Node                          *document.Node
	Display, Description, Version string
	Tags                          []string
	Created, Modified             string
}

// Bind binds variables to an external source. An empty Location is the process environment.
type Bind struct {
	Node                             *document.Node
	Namespace, Description, Location string
	Keys                             []BindKey
}

// BindKey binds one variable name to the key under which the source knows it.
type BindKey struct {
	Node         *document.Node
	Name, Source string
	Fallback     []string // x-fairlead: {fallback: {NAME: [OTHER, …]}}: asked when Source has no value
}

// Consume is one consumed HTTP API.
type Consume struct {
	Node                                  *document.Node
	Type, Namespace, Description, BaseURI string
	Inputs                                []*Param
	Auth                                  *Auth
	Resources                             []*ConsumedResource
	Tunnel                                *document.Node
	Unreadable                            bool     // a key that protects cannot be read: nothing calls it
	CallerFirst                           bool     // x-fairlead: {authorization: caller-first}
	Session                               *Session // x-fairlead: {session: …}
	Connection                            *Connection
	// how its calls are sent: keys of x-fairlead for upstream.NewPolicy, those of its profile before its own
	Sending []value.Value
	Missing string // why an import brought nothing; "" otherwise
}

// Connection is what x-fairlead of a consumed API says of its connections; texts
// that it leaves out are nil.
type Connection struct{ Proxy, CA, Cert, Key *document.Node }

// ConsumedResource groups operations under a path.
type ConsumedResource struct {
	Node                             *document.Node
	Name, Display, Description, Path string
	Inputs                           []*Param
	Operations                       []*Operation
	Sending                          []value.Value // as of a Consume
}

// Operation is one consumed HTTP operation.
type Operation struct {
	Node                                              *document.Node
	Resource                                          *ConsumedResource
	Name, Display, Description, Method, Path          string // Path is its own if it has one, else ""
	Inputs                                            []*Param
	RawFormat, OutputSchema, MediaType, MaxBinarySize string
	Outputs                                           []*Output
	Body                                              *Body
	Unreadable                                        bool // a key that protects cannot be read: nothing calls it
	NoAuth                                            bool // x-fairlead: {authentication: none}
	NoBody                                            bool // x-fairlead: {body: none}
	// x-fairlead: {secrets: [$.path, …]}: parts of the answer that are credentials
	Secrets []string
	Sending []value.Value // as of a Consume
}

// FullPath is the operation's own path, else its resource's.
func (o *Operation) FullPath() string {
	if o.Path != "" {
		return o.Path
	}
	return o.Resource.Path
}

// Param is an input parameter of any kind, consumed or exposed.
type Param struct {
	Node                                 *document.Node
	Name, In, Type, Description, Pattern string
	Value                                *document.Node // static value or template; nil when the caller gives it
	Default                              *document.Node
	Required                             *bool // nil when the author did not say
	Enum                                 []*document.Node
	Properties                           []*Param
	Items                                *Param
	MaxLength                            int
	// of the values of Enum, for people: x-fairlead: {titles: […]} or {enumNames: […]}
	Titles    []string
	EnumNames bool // Titles were given as enumNames
	// x-fairlead: {header: NAME}: MCP clients repeat the value in Mcp-Param-NAME
	Header string
	Secret bool   // x-fairlead: {secret: true}
	Style  string // x-fairlead: {style: form|comma|…}; "" is the default of the place
	// the bytes of a file: type file or binary, format binary or byte, contentEncoding base64
	Binary      bool
	KeepSlashes bool // x-fairlead: {slashes: keep}, of a path parameter
}

// Output is an output parameter of any kind.
type Output struct {
	Node                *document.Node
	Name, Type, Mapping string
	Value               *document.Node // static value or template
	Properties          []*Output
	Items, Values       *Output
	MaxLength           int
	Secret              bool // x-fairlead: {secret: true}
}

// Body is the body block of a consumed operation. Type is normalised ("json",
// "text", "xml", "sparql", "form", "multipart", "binary", "yaml", "raw" for a
// plain string); Data is nil when the block has none.
type Body struct {
	Node *document.Node
	Type string
	Data *document.Node
}

// Auth is an authentication block, incoming or outgoing. Type is normalised to
// lower case; Fields hold everything else under the names of the format
// (placement, key, value, token, username, password, …), old spellings mapped.
type Auth struct {
	Node   *document.Node
	Type   string
	Fields map[string]*document.Node
}

// TokenExchange is the Type of x-fairlead: {tokenExchange: …} on a consumed API.
const TokenExchange = "token exchange"

// Text is the text of a field, "" when it is not there.
func (a *Auth) Text(field string) string { return a.Fields[field].Str() }

// Unit is what a caller can ask for: a REST operation, an MCP tool or dynamic
// resource, an aggregate's flow.
type Unit struct {
	Node                       *document.Node
	Name, Display, Description string
	Tags                       []string
	Ref, Call                  string
	With                       []Argument
	Steps                      []*Step
	Mappings                   []StepMapping
	Inputs                     []*Param
	Outputs                    []*Output
	Unreadable                 bool // a key that protects cannot be read: it is not served
	Confirm                    bool // x-fairlead: {confirm: true}
	Ask                        []*Question
	ContinueOnError            bool   // x-fairlead: {onError: continue}
	MaxChars                   int    // x-fairlead: {maxChars: N}; 0 is the default
	Icon                       string // x-fairlead: {icon: URL}; https or data
}

// Question is what a user is asked when the caller leaves one of its inputs
// out: x-fairlead: {ask: {NAME: {message: …, inputs: […]}}}, or {ask: {INPUT: message}}.
type Question struct {
	Node          *document.Node // the entry's value
	Name, Message string
	Inputs        []string
}

// Argument is one entry of a with block.
type Argument struct {
	Key   string
	Pair  *document.Pair
	Value *document.Node
}

// Step is one step of a flow. Kind is "call", "lookup", "script" or what the author wrote.
type Step struct {
	Node                 *document.Node
	Name, Kind, Call     string
	With                 []Argument
	Index, Match, Lookup string
	Fields               []string // of a lookup: outputParameters
	File, Language       string
	Location             string
	Dependencies         []string
}

// StepMapping assigns a step's result to a member of the answer.
type StepMapping struct {
	Node          *document.Node
	Target, Value string
}

// Aggregate is a named set of flows.
type Aggregate struct {
	Node               *document.Node
	Namespace, Display string
	Flows              []*Flow
}

// Flow is a unit that others refer to by namespace.name.
type Flow struct {
	Unit
	Semantics Semantics
	MediaType string
}

// Semantics says what running a flow does to the world; nil is "not said".
type Semantics struct{ Safe, Idempotent, Cacheable *bool }
