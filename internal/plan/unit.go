// Package plan is what runs: the types that the engine and the adapters read,
// made by package compile. Running a plan never fails because of the document's
// text.
package plan

import (
	"net/url"
	"slices"
	"time"

	"github.com/fairlead/fairlead/internal/expr"
	"github.com/fairlead/fairlead/internal/format"
	"github.com/fairlead/fairlead/internal/jsonpath"
	"github.com/fairlead/fairlead/internal/model"
	"github.com/fairlead/fairlead/internal/schema"
	"github.com/fairlead/fairlead/internal/script"
	"github.com/fairlead/fairlead/internal/secret"
	"github.com/fairlead/fairlead/internal/shape"
	"github.com/fairlead/fairlead/internal/upstream"
)

// Plan is a compiled capability. It does not change once made, so any number of
// requests may run on it at once.
type Plan struct {
	Capability *model.Capability
	Servers    []*Server
	Withheld   []*Withheld
	Upstreams  []Upstream // consumed APIs in document order
	Sessions   []*Session // of the APIs at which people or service accounts sign in
}

// Upstream is a consumed API, for people.
type Upstream struct {
	Namespace string
	URL       string // as compiled; placeholders stand for bound variables
	Problem   string // why its operations are withheld, "" when they are not
}

// Withheld is a unit that cannot work; the diagnostics say why.
type Withheld struct {
	Kind, Name string
	Namespace  string // of its server
}

// Server is one exposed server that has something to serve.
type Server struct {
	Model     *model.Expose
	Type      string // rest, mcp or control
	Namespace string
	Auth      *Guard              // nil lets everybody in
	Bases     map[string]*url.URL // of a REST server: where the document says that each consumed API is, by namespace

	Routes    []*Route    // rest, in document order
	Tools     []*Unit     // mcp
	Resources []*Resource // mcp
	Prompts   []*Prompt   // mcp

	Control *model.Control // control
}

// Serves reports whether there is anything to serve.
func (s *Server) Serves() bool { return s.Count() > 0 || s.Control != nil }

// Count is how many units the server has.
func (s *Server) Count() int {
	return len(s.Routes) + len(s.Tools) + len(s.Resources) + len(s.Prompts)
}

// Guard is the incoming authentication of a server: expressions over a frame of
// its own. An empty Kind lets nobody in.
type Guard struct {
	Model   *model.Auth
	Kind    string // basic, digest, bearer, apikey or oauth2
	Fields  map[string]expr.Expr
	Secrets []SecretSlot
	Slots   int
}

// Route is one method on one path of a REST server.
type Route struct {
	Method string
	Path   string // as written, {{x}} made {x}
	Unit   *Unit
	// Forward is set on a route that passes everything below its path on.
	Forward *Forward
}

// Forward passes requests of a path to a consumed API.
type Forward struct {
	Unit    *Unit // holds the frame's slots and secrets
	Request *upstream.Request
	Session *Session // of the API, nil for none
	Parts   []ForwardPart
	Headers []string // names of the caller's headers that pass
	Private []string // of these, those that hold credentials
	Own     []string // query parameters that do not: the API's own, and tokens for this server
	Rest    int      // index of the multi-segment placeholder among the path's, -1 if there is none
}

// Place says where on a REST request an input stands.
type Place uint8

// The places of an input.
const (
	InPath Place = iota
	InQuery
	InHeader
	InCookie
	InBody // a member of the JSON or form body
	AsBody // the whole body
	InPlan // given by nobody: a constant or the environment
)

var placeNames = [...]string{"path", "query", "header", "cookie", "body member", "body", "fixed"}

// String names the place for people.
func (p Place) String() string { return placeNames[p] }

// Input is one thing that a caller gives a unit. Callers hand over values by
// its index among the unit's inputs; Slot is where the frame keeps it.
type Input struct {
	Slot          int
	Name          string
	Place         Place
	Key           string         // its name at the place: placeholder, query key, header name, member
	Select        *jsonpath.Path // of the JSON body, for InBody inputs declared with value: $.path; else nil
	Schema        *schema.Schema
	Required      bool
	Secret        bool
	SecretMembers []string  // members of an object that are secret
	Fixed         expr.Expr // the value of an input InPlan
	Origin        string    // how it came to be: "declared", "with", "operation", "path", "template"
	Feeds         string    // what it feeds, for people: "header seon-fp of koyeb-sessions.login"
}

// Unit is a REST operation, MCP tool, dynamic MCP resource or aggregate flow,
// ready to run.
type Unit struct {
	ID          string // unique in the plan: namespace.name, or METHOD path
	Kind        string // "operation", "tool", "resource", "flow"
	Namespace   string // of the server
	Name        string // as the document says
	Title       string
	Description string
	Tags        []string
	Model       *model.Unit
	Hints       model.Hints // resolved: document, else semantics, else HTTP method
	// PassMultipart says that a REST caller's multipart body passes as it came: every
	// part comes from an input that is a member of the body.
	PassMultipart bool
	ReadMultipart bool // parts of such a body are its members where it does not pass
	Writes        bool // it calls PUT, PATCH or DELETE, whatever its hints say
	Inputs        []*Input
	Slots         int // size of the frame
	Steps         []*Step
	Mappings      []Mapping      // of a flow: how its answer is made of the steps' results
	Output        *shape.Program // of the answer; nil passes it on
	// Secret are the parts of the shaped answer that are credentials. Models do not get
	// them; nor do they get those of the answers it is made of, see Call.Secrets.
	Secret  []*jsonpath.Path
	Result  *schema.Schema // what the answer looks like, nil when not known
	Secrets []SecretSlot
	Written []WrittenSlot
	Hidden  []int       // slots of what never leaves but for the API: credentials, secret inputs
	Subject []int       // slots for the token of a caller whom an oauth2 guard let in (engine.Args.Subject)
	Confirm bool        // ask before it acts: the unit's own wish, or its flow's
	Ask     []*Question // of a tool
	// CallerAuthorization says that a credential of the caller's own goes
	// upstream: always when the API declares none, else first. A REST caller brings
	// it as Authorization, an MCP caller only in the header that the operator names.
	CallerAuthorization bool
	// Session is that of which Role is a part: the unit is one call of the operation
	// that makes it, renews it, … It is nil for all other units.
	Session *Session
	Role    Role
	Signs   bool // one of its calls may need a session
}

// Time is how long a run of the unit may take where a call usually may take that
// long: what the document says of its calls, together, if that is longer.
func (u *Unit) Time(usual time.Duration) time.Duration {
	var all time.Duration
	for _, s := range u.Steps {
		if s.Call != nil {
			all += s.Call.Request.Policy.Timeout.Total
		}
	}
	return max(usual, all)
}

// AnswersSecret reports whether a part of the answer, or of those that it is made
// of, is declared secret.
func (u *Unit) AnswersSecret() bool {
	return len(u.Secret) > 0 ||
		slices.ContainsFunc(u.Steps, func(s *Step) bool { return s.Call != nil && s.Call.AnswersSecret() })
}

// ForModels reports whether models read the answer: parts that are secret stay out of
// it. Callers of a REST operation get what the API answered them.
func (u *Unit) ForModels() bool { return u.Kind != "operation" && u.Kind != "forward" }

// ReadOnly reports whether running the unit changes nothing: its hints say so, and
// none of its calls belies them.
func (u *Unit) ReadOnly() bool {
	return u.Hints.ReadOnly != nil && *u.Hints.ReadOnly && !u.Writes
}

// Destructive reports whether running the unit may destroy something: what its
// hints say, as MCP reads them, unless the method of a call belies them. A DELETE
// destroys, and a write that is said to be read-only is not to be believed.
func (u *Unit) Destructive() bool {
	for _, s := range u.Steps {
		if s.Kind == CallStep && s.Call.Request.Method == "DELETE" {
			return true
		}
	}
	readOnly := u.Hints.ReadOnly != nil && *u.Hints.ReadOnly
	if u.Writes && readOnly {
		return true
	}
	if u.Hints.Destructive != nil {
		return *u.Hints.Destructive
	}
	return !readOnly
}

// SecretSlot says which slot holds which secret: the first of Refs that has a
// value. ForAuth says that only outgoing authentication reads it, so that a call
// with the caller's own credential does without.
type SecretSlot struct {
	Slot    int
	Refs    []secret.Ref
	ForAuth bool
	// Credential says that it must not be shown: not so a tenant or a version, which
	// may stand in any answer, unless authentication or a parameter named like a
	// credential reads it.
	Credential bool
}

// WrittenSlot says which slot holds a credential that the document itself holds.
type WrittenSlot struct {
	Slot int
	Text secret.String
}

// StepKind says what a step does.
type StepKind uint8

// The kinds of a step.
const (
	CallStep StepKind = iota
	LookupStep
	ScriptStep
	MockStep
)

// Step is one thing a unit does. A unit with a plain call has one.
type Step struct {
	Name   string // "" for the only step of a plain call
	Kind   StepKind
	Model  *model.Step    // nil for the only step of a plain call
	After  []int          // indexes of the steps whose results it reads
	Call   *Call          // CallStep
	Output *shape.Program // what the step's result is, of the answer
	Result int            // slot that receives the result, -1 for none
	Lookup *Lookup
	Script *Script
	Mock   *shape.Mock
}

// Call is one operation bound to a unit.
type Call struct {
	Request   *upstream.Request
	Session   *Session // whose token goes before the configured credential; nil where there is none
	Role      Role     // what the operation does to a session
	Operation *model.Operation
	Format    format.Kind
	Decoder   format.Decoder // nil for binary
	MediaType string         // declared for binary answers, "" when the upstream decides
	MaxBinary int64          // bytes of a binary answer; 0 is the engine's limit
	// parts of the answer that are credentials, of its body and of its header
	Secrets                      []*jsonpath.Path
	SecretHeaders, SecretCookies []string
}

// AnswersSecret reports whether a part of the answer is declared secret.
func (c *Call) AnswersSecret() bool {
	return len(c.Secrets)+len(c.SecretHeaders)+len(c.SecretCookies) > 0
}

// Lookup finds entries of an earlier step's result.
type Lookup struct {
	Index  expr.Expr // the result to look in
	Match  string    // field compared
	Value  expr.Expr // with what
	Fields []string  // fields kept
}

// Script is a sandboxed program. Its context holds the unit's inputs, the
// results of the steps before it and what its with block gives, which goes first.
type Script struct {
	Program *script.Program
	File    string
	Timeout time.Duration // 0 is the pool's
	Before  []Named       // results of earlier steps
	With    []Named
}

// Named is a name and where its value comes from.
type Named struct {
	Name string
	From expr.Expr
}

// Mapping assigns to a member of the answer: a part of a step's result, or, when
// Path is nil, what From gives.
type Mapping struct {
	Target []string // member names, outermost first
	Slot   int      // of the step's result
	Path   *jsonpath.Path
	From   expr.Expr
}
