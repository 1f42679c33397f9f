package element

import "slices"

// ID names an element.
type ID uint8

// The elements, from the outside in.
const (
	Document ID = iota
	Info
	Person
	Capability
	Bind
	Consumed
	ConsumedHTTP
	ConsumedMCP
	ConsumedTool
	Tunnel
	ConsumedResource
	ConsumedOperation
	Body
	Part
	Input
	Output
	AuthOut
	AuthOutBasic
	AuthOutBearer
	AuthOutAPIKey
	AuthOutOAuth2
	AuthOutOAuth1
	AuthOutAWS
	AuthOutHMAC
	AuthOutHeaders
	AuthOutCustomToken
	Acquire
	TokenExchange
	AuthIn
	AuthInBasic
	AuthInBearer
	AuthInAPIKey
	AuthInOAuth2
	Server
	RESTServer
	MCPServer
	SkillServer
	ControlServer
	Unit
	Resource
	Operation
	Forward
	BinaryAnswer
	Tool
	ToolUI
	Hints
	MCPResource
	ResourceUI
	Prompt
	Message
	Skill
	SkillTool
	SkillSource
	Aggregate
	Flow
	Semantics
	CallMapping
	Session
	SessionCall
	SessionField
	OAuthSession
	PageClient
	Step
	CallStep
	LookupStep
	ScriptStep
	StepMapping
	Management
	Logs
	Scripting
	Observability
	Timeouts
	Retries
	Breaker
	Limit
	UpstreamTLS
	Metrics
	Traces
	LocalMetrics
	LocalTraces
	Exporters
	OTLP
	NoExtension
	DocumentExtension
	ProfileExtension
	APIExtension
	ResourceExtension
	OperationExtension
	BindExtension
	InputExtension
	OutputExtension
	UnitExtension
	PromptExtension
	OAuth2Extension
	MCPServerExtension
	Question
)

const lastExtension = MCPServerExtension

// extension is the field for keys of Fairlead's own.
func extension(of ID) Field {
	return Field{Key: "x-fairlead", Kind: Block, Of: of, Protects: true, Doc: "keys of Fairlead's own"}
}

var (
	name        = Field{Key: "name", Doc: "the name, in the list form; in the map form it is the key"}
	display     = Field{Key: "display", Aliases: []string{"label", "title"}, Doc: "the name for people"}
	description = Field{Key: "description", Doc: "what it is or does, for people and models"}
	tags        = Field{Key: "tags", Kind: Texts, Doc: "words to group by"}
	inputs      = Field{Key: "inputParameters", Kind: Named, Of: Input, Doc: "[inputs](#inputs) that callers give"}
	sentInputs  = Field{Key: "inputParameters", Kind: Named, Of: Input,
		Doc: "[parameters](#parameters) that are sent; those of the API, the resource and the operation are " +
			"merged by name and place, the nearest wins"}
	authIn = Field{Key: "authentication", Aliases: []string{"auth"}, Kind: Block, Of: AuthIn, Protects: true,
		Mistaken: []string{"authorization", "security", "securitySchemes", "credentials", "bearer", "bearerAuth",
			"basicAuth", "apiKey", "oauth2", "token"},
		Doc: "[who is let in](#authentication-of-servers); everybody when absent"}
	authOut = Field{Key: "authentication", Aliases: []string{"auth"}, Kind: Block, Of: AuthOut, Protects: true,
		Doc: "[the credential](#authentication-of-consumed-apis)"}
	maxBinary = Field{Key: "maxBinarySize", Default: "10MiB",
		Doc: "the most bytes of a binary answer: a number with B, KiB, MiB or GiB"}

	// sending are the settings of how calls are sent.
	sending = []Field{
		{Key: "timeout", Kind: Mixed, Of: Timeouts, Sends: true,
			Doc: "[how long it may take](resilience.md#time): a time for the whole call, or `{connect, firstByte, idle, total}`"},
		{Key: "retry", Kind: Mixed, Of: Retries, Sends: true,
			Doc: "[that calls are sent again](resilience.md#sending-again): how often, `none`, or " +
				"`{times, backoff, maxBackoff, on, budget}`"},
		{Key: "breaker", Kind: Mixed, Of: Breaker, Sends: true,
			Doc: "[that an API which fails is left alone](resilience.md#breaker) for a while: `true`, `none`, or " +
				"`{failures, calls, window, open}`"},
		{Key: "limit", Kind: Mixed, Of: Limit, Sends: true,
			Doc: "[how much is asked of the API](resilience.md#limits): a rate, `true` for what the API says, `none`, or " +
				"`{rate, burst, concurrent, wait, learn}`"},
	}
	settings = of([]Field{{Key: "profile", Sends: true,
		Doc: "the [profile](resilience.md#profiles) from which absent settings come"}}, sending...)

	// imported are the keys of an entry that is taken from another file.
	imported = []Field{
		{Key: "from", Aliases: []string{"location"}, Doc: "the file to [import](#imports) the entry from"},
		{Key: "import", Doc: "the namespace of the entry in that file"},
		{Key: "as", Doc: "the namespace that an imported entry gets here"},
	}
	// unit are the keys of what callers can ask for.
	unit = []Field{
		name, display, description, tags, inputs,
		{Key: "outputParameters", Kind: Shape, Of: Output,
			Doc: "[how the answer is shaped](#output-parameters), or a fixed answer"},
		{Key: "ref", Doc: "the flow to run: `namespace.name` of an [aggregate](#aggregates)"},
		{Key: "call", Kind: Mixed, Of: CallMapping, Doc: "the operation to call: `namespace.operation`"},
		{Key: "with", Kind: Map, Doc: "[what the call gets](#references), by parameter"},
		{Key: "steps", Kind: Named, Of: Step, Doc: "[the steps of a flow](#flows)"},
		{Key: "mappings", Kind: List, Of: StepMapping, Doc: "what of the steps' results makes the answer"},
		extension(UnitExtension),
	}
	server = slices.Concat([]Field{
		{Key: "type", Values: []string{"rest", "mcp", "skill", "control"}, Doc: "the kind of server"},
		{Key: "namespace", Doc: "its name; the prefix of references to its callers' inputs"},
		display, description, tags,
		{Key: "address", Default: "127.0.0.1", Doc: "the address to listen on"},
		{Key: "port", Default: "a free one", Doc: "the port, 1 to 65535"},
		authIn, maxBinary,
	}, imported)
	credentials = []Field{
		{Key: "type", Doc: "the kind of authentication"},
		{Key: "username", Aliases: []string{"user"}, Doc: "the user"},
		{Key: "password", Doc: "the password; may be absent in `basic` authentication to an API"},
	}
)

// importable is the fields of an entry that may be taken from another file.
func importable(fields ...Field) []Field { return slices.Concat(fields, imported) }

// of is fields with further ones.
func of(fields []Field, more ...Field) []Field { return slices.Concat(fields, more) }

var elements = [...]Element{
	Document: {Def: "document", Name: "the document", Guarded: true, Fields: []Field{
		{Key: "ikanos", Aliases: []string{"naftiko"},
			Doc: "the version of the specification; never the reason to refuse a document: the shape decides"},
		{Key: "info", Kind: Block, Of: Info, Doc: "what the document is"},
		{Key: "binds", Kind: List, Of: Bind, Doc: "[variables and secrets](#binds-and-secrets)"},
		{Key: "externalRefs", Kind: List, Of: Bind, Doc: "`binds` of 0.4 and 0.5"},
		{Key: "capability", Kind: Block, Of: Capability, Doc: "holds the sections"},
		{Key: "consumes", Kind: List, Of: Consumed,
			Doc: "the same section for files that others import; beside `capability` it is added to it"},
		{Key: "exposes", Kind: List, Of: Server, Doc: "likewise"},
		{Key: "aggregates", Kind: List, Of: Aggregate, Doc: "likewise"},
		extension(DocumentExtension),
	}},
	Info: {Def: "info", Name: "info", Fields: []Field{
		{Key: "display", Aliases: []string{"label", "title", "name"}, Doc: "the name, which stands in logs and pages"},
		description,
		{Key: "version", Doc: "the version of the capability; MCP servers report it"},
		tags,
		{Key: "created", Doc: "a date"},
		{Key: "modified", Doc: "a date"},
		{Key: "stakeholders", Kind: List, Of: Person, Doc: "who has to do with it"},
	}, Open: true},
	Person: {Def: "person", Name: "a person", Fields: []Field{
		{Key: "role", Doc: "for example owner, editor or viewer"},
		{Key: "fullName", Aliases: []string{"name"}, Doc: "the name"},
		{Key: "email", Doc: "the address for mail"},
	}, Open: true},
	Capability: {Def: "capability", Name: "the capability", Guarded: true, Fields: []Field{
		{Key: "consumes", Kind: List, Of: Consumed, Doc: "the APIs that are [called](#consumed-apis)"},
		{Key: "exposes", Kind: List, Of: Server, Doc: "the servers: [REST](#rest-servers), [MCP](#mcp-servers)"},
		{Key: "aggregates", Kind: List, Of: Aggregate, Doc: "[flows](#aggregates) that several servers share"},
		{Key: "binds", Kind: List, Of: Bind,
			Doc: "[variables and secrets](#binds-and-secrets); they go before those of the root"},
		name, description,
		extension(DocumentExtension),
	}},
	Bind: {Def: "bind", Name: "a bind", Fields: []Field{
		{Key: "namespace", Aliases: []string{"name"}, Doc: "the prefix in `{{namespace.NAME}}`"},
		description,
		{Key: "location", Aliases: []string{"uri"}, Default: "the environment", Doc: "the source, see below"},
		{Key: "keys", Kind: Data, Doc: "the variables: `NAME: key at the source`"},
		{Key: "type"},
		{Key: "resolution"},
		{Key: "from", Doc: "the file to [import](#imports) the entry from"},
		{Key: "import", Doc: "the namespace of the entry in that file"},
		{Key: "as", Doc: "the namespace that an imported entry gets here"},
		extension(BindExtension),
	}},

	Consumed: {Def: "consumed", Name: "a consumed API", Select: "type", Implied: true,
		Variants: []Variant{{"http", ConsumedHTTP, nil}, {"mcp", ConsumedMCP, nil}}},
	ConsumedHTTP: {Def: "consumedHTTP", Name: "a consumed API", Fields: importable(
		Field{Key: "type", Values: []string{"http", "mcp"}, Default: "http", Doc: "the protocol"},
		Field{Key: "namespace", Aliases: []string{"name"}, Doc: "the first part of `call: namespace.operation`"},
		display, description, tags,
		Field{Key: "baseUri", Aliases: []string{"address"},
			Doc: "where the API is. It and `path` join with exactly one slash. `{x}` and `{{x}}` in it read a " +
				"bind, an `in: environment` parameter, or one with a fixed `value`; never a caller's input. " +
				"Without a usable base its operations are withheld, until `--upstream NAMESPACE=URL` gives one"},
		sentInputs, authOut,
		Field{Key: "tunnel", Kind: Mixed, Of: Tunnel, Unserved: true,
			Doc: "the way through an overlay network; the API is called directly"},
		Field{Key: "resources", Kind: Named, Of: ConsumedResource, Doc: "groups of operations"},
		Field{Key: "operations", Kind: Named, Of: ConsumedOperation, Doc: "operations without a resource"},
		extension(APIExtension),
	)},
	ConsumedMCP: {Def: "consumedMCP", Name: "a consumed MCP server", Fields: importable(
		Field{Key: "type", Values: []string{"http", "mcp"}, Doc: "`mcp`"},
		Field{Key: "namespace", Aliases: []string{"name"}, Doc: "the first part of `call: namespace.tool`"},
		display, description, tags,
		Field{Key: "endpoint", Doc: "the whole URL of the server"},
		authOut,
		Field{Key: "discovery", Values: []string{"verify", "off"}, Default: "verify",
			Doc: "whether the server's tools are compared with the document's at start"},
		Field{Key: "tools", Kind: Named, Of: ConsumedTool, Doc: "the tools to call, by their names there"},
		extension(APIExtension),
	)},
	ConsumedTool: {Def: "consumedTool", Name: "a consumed tool", Fields: []Field{
		name, display, description, tags, inputs,
		{Key: "hints", Kind: Block, Of: Hints, Doc: "what calling it does to the world"},
		{Key: "outputParameters", Kind: Shape, Of: Output, Doc: "named parts of the answer for later [steps](#flows)"},
		{Key: "validateOutput", Values: []string{"fail", "warn", "off"}, Default: "fail",
			Doc: "what an answer that breaks the tool's schema does"},
		extension(NoExtension),
	}},
	Tunnel: {Def: "tunnel", Name: "a tunnel", Fields: []Field{
		{Key: "type", Values: []string{"ziti"}, Doc: "the network"},
		{Key: "service", Doc: "the name of the API in it"},
		{Key: "identity", Doc: "the identity, a text or a file"},
		{Key: "fallback", Values: []string{"fail", "direct"}, Default: "fail", Doc: "what happens without the network"},
	}},
	ConsumedResource: {Def: "consumedResource", Name: "a consumed resource", Fields: []Field{
		name, display, tags, description,
		{Key: "path", Doc: "the path below `baseUri`; it may hold [placeholders](#parameters) and a fixed query"},
		sentInputs,
		{Key: "operations", Kind: Named, Of: ConsumedOperation, Doc: "what can be called"},
		extension(ResourceExtension),
	}},
	ConsumedOperation: {Def: "consumedOperation", Name: "a consumed operation", Fields: []Field{
		{Key: "name", Aliases: []string{"id", "operationId"}, Doc: "the second part of `call: namespace.operation`"},
		display, tags, description,
		{Key: "method", Values: []string{"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"}, Default: "GET",
			Doc: "the method"},
		{Key: "path",
			Doc: "its own path. Where any operation of the API repeats the whole path of its resource, these are " +
				"whole paths; else they continue the resource's"},
		sentInputs,
		{Key: "body", Aliases: []string{"requestBody"}, Kind: Mixed, Of: Body, Doc: "[the body](#bodies)"},
		{Key: "outputRawFormat", Values: []string{"json", "xml", "yaml", "csv", "tsv", "psv", "html", "markdown",
			"avro", "protobuf", "text", "binary"}, Default: "json",
			Doc: "[how the answer is read](#answers)"},
		{Key: "outputSchema", Doc: "what that format needs: a schema file, a CSS selector, a heading"},
		{Key: "outputMediaType", Doc: "the media type of a binary answer"},
		maxBinary,
		{Key: "outputParameters", Kind: Shape, Of: Output,
			Doc: "named parts of the answer for later [steps](#flows): `{name, type, value: $.path}`"},
		extension(OperationExtension),
	}},
	Body: {Def: "body", Name: "a body", Open: true, Fields: []Field{
		{Key: "type", Values: []string{"json", "text", "xml", "sparql", "formUrlEncoded", "multipartForm", "binary",
			"yaml"},
			Meanings: map[string]string{
				"json": "json", "application/json": "json", "raw": "raw", "yaml": "yaml", "sparql": "sparql",
				"text": "text", "text/plain": "text", "plain": "text", "xml": "xml", "application/xml": "xml",
				"soap": "xml",
				"form": "form", "formurlencoded": "form", "form-urlencoded": "form", "urlencoded": "form",
				"application/x-www-form-urlencoded": "form", "multipart": "multipart", "multipartform": "multipart",
				"multipart-form": "multipart", "multipart/form-data": "multipart", "form-data": "multipart",
				"formdata": "multipart", "binary": "binary", "octet-stream": "binary",
				"application/octet-stream": "binary", "application/cbor": "binary",
			},
			Doc: "the kind of body"},
		{Key: "data", Aliases: []string{"value", "content", "parts"}, Kind: Data, Doc: "what is sent"},
	}},
	Part: {Def: "part", Name: "a part", Open: true, Fields: []Field{
		name,
		{Key: "value", Kind: Data, Doc: "the content"},
		{Key: "filename", Doc: "the name of a file"},
		{Key: "contentType", Doc: "the media type"},
	}},
	Input: {Def: "input", Name: "an input parameter", Fields: []Field{
		name,
		{Key: "in", Values: []string{"query", "header", "path", "cookie", "body", "environment"},
			Doc: "where it travels"},
		{Key: "type", Kind: Mixed, Of: NoExtension,
			Values: []string{"string", "integer", "number", "boolean", "array", "object"},
			Doc:    "the type of its values"},
		{Key: "value", Aliases: []string{"template", "const"}, Kind: Data,
			Doc: "a fixed value, or a template; on inputs of a REST server `$.path` selects from the JSON body"},
		{Key: "required", Kind: Mixed, Of: NoExtension,
			Doc: "whether it must be given; on an object also the list of its members that must"},
		{Key: "default", Kind: Data, Doc: "the value when the caller gives none"},
		{Key: "enum", Kind: Data, Doc: "the values that are taken"},
		{Key: "pattern", Doc: "a regular expression that texts match"},
		{Key: "maxLength", Kind: Number, Doc: "the most characters of a text"},
		{Key: "items", Kind: Mixed, Of: Input, Doc: "what a list holds"},
		{Key: "properties", Kind: Named, Of: Input, Doc: "the members of an object"},
		display, description,
		{Key: "secret", Kind: Bool, Protects: true, Doc: "as `x-fairlead: {secret: true}`"},
		extension(InputExtension),
		{Key: "values", Kind: Data}, {Key: "precision", Kind: Data}, {Key: "scale", Kind: Data},
		{Key: "selector", Kind: Data}, {Key: "contentEncoding", Kind: Data},
		{Key: "contentCompression", Kind: Data},
		{Key: "contentMediaType", Kind: Data}, {Key: "example", Aliases: []string{"examples"}, Kind: Data},
		{Key: "format", Kind: Data}, {Key: "field", Kind: Data}, {Key: "mapping", Kind: Data},
	}},
	Output: {Def: "output", Name: "an output parameter", Fields: []Field{
		name,
		{Key: "type", Kind: Data, Values: []string{"string", "number", "boolean", "object", "array"},
			Doc: "`string`, `number`, `boolean`: converted when that loses nothing"},
		{Key: "mapping", Aliases: []string{"path"},
			Doc: "a JSONPath (RFC 9535, and the usual spellings beside it) from the base: the answer, the item " +
				"of an array, or what the enclosing object's `mapping` found. `$` or `$.` is the base itself"},
		{Key: "value", Aliases: []string{"const"}, Kind: Data,
			Doc: "a fixed value, or a template over the base; on a consumed operation a JSONPath"},
		{Key: "properties", Kind: Named, Of: Output,
			Doc: "the members of an object; a member without `mapping` is the base's member of its name"},
		{Key: "items", Kind: Shape, Of: Output, Doc: "how each item of an array is shaped"},
		{Key: "values", Kind: Mixed, Of: Output, Doc: "how each value of an object with free names is shaped"},
		{Key: "maxLength", Kind: Number, Doc: "cuts a text, in characters"},
		display, description,
		{Key: "secret", Kind: Bool, Protects: true, Doc: "as `x-fairlead: {secret: true}`"},
		extension(OutputExtension),
		{Key: "required", Kind: Data}, {Key: "in", Kind: Data}, {Key: "selector", Kind: Data},
		{Key: "enum", Kind: Data}, {Key: "precision", Kind: Data}, {Key: "scale", Kind: Data},
		{Key: "contentEncoding", Kind: Data},
		{Key: "contentCompression", Kind: Data}, {Key: "contentMediaType", Kind: Data},
		{Key: "example", Aliases: []string{"examples"}, Kind: Data}, {Key: "format", Kind: Data},
		{Key: "fullName", Kind: Data}, {Key: "role", Kind: Data}, {Key: "email", Kind: Data},
	}},

	AuthOut: {Def: "authOut", Name: "authentication", Select: "type", Open: true, Variants: []Variant{
		{"basic", AuthOutBasic, nil}, {"digest", AuthOutBasic, nil}, {"bearer", AuthOutBearer, []string{"token"}},
		{"apikey", AuthOutAPIKey, []string{"api-key", "api_key", "header", "query"}}, {"oauth2", AuthOutOAuth2, nil},
		{"oauth1", AuthOutOAuth1, []string{"oauth-1"}},
		{"aws-sigv4", AuthOutAWS, []string{"aws-sig-v4", "awssigv4", "aws-signature-v4"}},
		{"hmac", AuthOutHMAC, []string{"veracode-hmac"}}, {"headers", AuthOutHeaders, []string{"custom", "header-map"}},
		{"custom-token", AuthOutCustomToken, nil},
	}},
	AuthOutBasic: {Def: "authOutBasic", Name: "basic authentication",
		Fields: of(credentials, Field{Key: "token", Doc: "user and password, encoded already"})},
	AuthOutBearer: {Def: "authOutBearer", Name: "bearer authentication", Fields: []Field{
		{Key: "type", Doc: "`bearer`"},
		{Key: "token", Aliases: []string{"accessToken", "value"},
			Doc: "the token; one that brings its scheme (`Token {{X}}`) is sent as it is"},
		{Key: "headers", Kind: Map, Doc: "headers by name, in the place of a token"},
		{Key: "parameters", Kind: Map, Doc: "query parameters by name, likewise"},
	}},
	AuthOutAPIKey: {Def: "authOutAPIKey", Name: "apikey authentication", Fields: []Field{
		{Key: "type", Doc: "`apikey`"},
		{Key: "key", Aliases: []string{"name", "header", "headername", "headerName"},
			Doc: "the name of the header, query parameter or cookie"},
		{Key: "value", Aliases: []string{"token"}, Doc: "the secret"},
		{Key: "placement", Aliases: []string{"in"}, Values: []string{"header", "query", "cookie", "body"},
			Default: "header",
			Doc: "where it travels. `body`: as a member of the JSON object, form or multipart body, where it takes " +
				"the place of what has its name"},
		{Key: "headers", Kind: Map, Doc: "several headers, by name"},
		{Key: "parameters", Kind: Map, Doc: "several query parameters, by name"},
	}},
	AuthOutOAuth2: {Def: "authOutOAuth2", Name: "oauth2 authentication", Fields: []Field{
		{Key: "type", Doc: "`oauth2`"},
		{Key: "tokenEndpoint", Aliases: []string{"tokenUri", "tokenUrl", "tokenURL", "token_url"},
			Doc: "where tokens come from. One token serves all calls and is renewed before it ends"},
		{Key: "clientId", Aliases: []string{"client_id"}, Doc: "the client"},
		{Key: "clientSecret", Aliases: []string{"client_secret"}, Doc: "its secret"},
		{Key: "grantType", Aliases: []string{"grant_type"}, Values: []string{"client_credentials", "refresh_token"},
			Default: "by what is there",
			Doc:     "the grant"},
		{Key: "refreshToken", Aliases: []string{"refresh_token"}, Doc: "the token of that grant"},
		{Key: "scope", Aliases: []string{"scopes"}, Kind: Texts, Doc: "the scopes to ask for"},
		{Key: "audience", Doc: "the audience to ask for"},
		{Key: "resource", Doc: "the resource to ask for"},
		{Key: "token", Aliases: []string{"accessToken"}, Doc: "a fixed token, in the place of all this"},
		{Key: "authorizationServerUri"},
		{Key: "authorizationEndpoint", Aliases: []string{"authorizationUri", "authorizationUrl"}},
		{Key: "tokenValidation"},
	}},
	AuthOutOAuth1: {Def: "authOutOAuth1", Name: "oauth1 authentication", Fields: []Field{
		{Key: "type", Doc: "`oauth1`"},
		{Key: "consumerKey", Aliases: []string{"consumer_key"}, Doc: "the client"},
		{Key: "consumerSecret", Aliases: []string{"consumer_secret"}, Doc: "its secret"},
		{Key: "token", Aliases: []string{"accessToken", "oauthToken"}, Doc: "the user's token"},
		{Key: "tokenSecret", Aliases: []string{"accessTokenSecret", "oauthTokenSecret"}, Doc: "its secret"},
		{Key: "signatureMethod", Aliases: []string{"signature_method"},
			Values:  []string{"HMAC-SHA1", "HMAC-SHA256", "RSA-SHA1", "RSA-SHA256"},
			Default: "HMAC-SHA1; with a signing key RSA-SHA256",
			Doc:     "how requests are signed"},
		{Key: "signingKey", Aliases: []string{"privateKey", "signing_key"},
			Doc: "a text, or a `.pem` file beside the document"},
		{Key: "realm", Doc: "the realm"},
	}},
	AuthOutAWS: {Def: "authOutAWS", Name: "aws-sigv4 authentication", Fields: []Field{
		{Key: "type", Doc: "`aws-sigv4`"},
		{Key: "accessKeyId", Aliases: []string{"accessKey"}, Doc: "the key's ID"},
		{Key: "secretAccessKey", Aliases: []string{"secretKey"}, Doc: "the secret"},
		{Key: "sessionToken", Doc: "the token of a temporary credential"},
		{Key: "region", Doc: "the region"},
		{Key: "service", Doc: "the service"},
	}},
	AuthOutHMAC: {Def: "authOutHMAC", Name: "hmac authentication", Fields: []Field{
		{Key: "type", Doc: "`hmac` (Veracode)"},
		{Key: "apiId", Doc: "the ID"},
		{Key: "apiKey", Doc: "the secret"},
	}},
	AuthOutHeaders: {Def: "authOutHeaders", Name: "headers authentication", Fields: []Field{
		{Key: "type", Doc: "`headers`"},
		{Key: "headers", Kind: Map, Doc: "headers by name"},
		{Key: "parameters", Kind: Map, Doc: "query parameters by name"},
	}},
	AuthOutCustomToken: {Def: "authOutCustomToken", Name: "custom-token authentication", Fields: []Field{
		{Key: "type", Doc: "`custom-token`"},
		{Key: "acquire", Kind: Block, Of: Acquire,
			Doc: "how a token is had. One serves all calls and is renewed before it ends"},
		{Key: "placement", Values: []string{"bearer", "header", "query"}, Default: "bearer",
			Doc: "where the token travels"},
		{Key: "headerName", Doc: "the header of `placement: header`"},
		{Key: "paramName", Doc: "the query parameter of `placement: query`"},
		{Key: "safetyMargin", Kind: Number, Doc: "how many seconds before its end a token is renewed",
			Default: "the last tenth of its life, 60 at most"},
	}},
	Acquire: {Def: "acquire", Name: "acquire", Fields: []Field{
		{Key: "call", Doc: "the operation that answers a token: `namespace.operation` of another API"},
		{Key: "with", Kind: Map, Doc: "what it gets: texts, binds and the environment, never callers' inputs"},
		{Key: "tokenField", Doc: "where the token stands in its answer, a JSONPath"},
		{Key: "expiresInField", Doc: "where the seconds stand for which it serves, likewise"},
	}},
	TokenExchange: {Def: "tokenExchange", Name: "tokenExchange", Fields: []Field{
		{Key: "tokenEndpoint", Aliases: []string{"tokenUri", "tokenUrl"}, Doc: "where tokens are exchanged"},
		{Key: "clientId", Aliases: []string{"client_id"}, Doc: "the client"},
		{Key: "clientSecret", Aliases: []string{"client_secret"}, Doc: "its secret"},
		{Key: "audience", Doc: "the audience to ask for"},
		{Key: "resource", Doc: "the resource to ask for"},
		{Key: "scope", Aliases: []string{"scopes"}, Kind: Texts, Doc: "the scopes to ask for"},
	}},

	AuthIn: {Def: "authIn", Name: "authentication", Select: "type", Open: true, Variants: []Variant{
		{"basic", AuthInBasic, nil}, {"digest", AuthInBasic, nil}, {"bearer", AuthInBearer, []string{"token"}},
		{"apikey", AuthInAPIKey, []string{"api-key", "api_key", "header", "query"}}, {"oauth2", AuthInOAuth2, nil},
	}},
	AuthInBasic: {Def: "authInBasic", Name: "basic authentication", Fields: []Field{
		{Key: "type", Doc: "`basic` or `digest`"},
		{Key: "username", Aliases: []string{"user"}, Protects: true, Doc: "the user"},
		{Key: "password", Protects: true, Doc: "the password"},
	}},
	AuthInBearer: {Def: "authInBearer", Name: "bearer authentication", Fields: []Field{
		{Key: "type", Doc: "`bearer`"},
		{Key: "token", Aliases: []string{"accessToken", "value"}, Protects: true, Doc: "the token that callers bring"},
	}},
	AuthInAPIKey: {Def: "authInAPIKey", Name: "apikey authentication", Fields: []Field{
		{Key: "type", Doc: "`apikey`"},
		{Key: "key", Aliases: []string{"name", "header", "headername", "headerName"}, Protects: true,
			Doc: "the name of the header or query parameter"},
		{Key: "value", Aliases: []string{"token"}, Protects: true, Doc: "the secret that callers bring"},
		{Key: "placement", Aliases: []string{"in"}, Values: []string{"header", "query"}, Default: "header",
			Protects: true,
			Doc:      "where it travels"},
	}},
	AuthInOAuth2: {Def: "authInOAuth2", Name: "oauth2 authentication", Fields: []Field{
		{Key: "type", Doc: "`oauth2`"},
		{Key: "authorizationServerUri", Protects: true, Doc: "who issues the tokens"},
		{Key: "resource", Protects: true, Doc: "the identifier of this server"},
		{Key: "audience", Protects: true, Default: "the resource", Doc: "the audience that tokens name"},
		{Key: "scopes", Aliases: []string{"scope"}, Kind: Texts, Protects: true,
			Doc: "the scopes that tokens must have"},
		{Key: "tokenValidation", Kind: Choice, Values: []string{"jwks", "introspection"}, Default: "jwks",
			Protects: true,
			Doc:      "how tokens are verified"},
		{Key: "tokenEndpoint", Aliases: []string{"tokenUri", "tokenUrl"}, Doc: "for descriptions of the API"},
		{Key: "clientId", Aliases: []string{"client_id"}, Doc: "who asks the introspection endpoint"},
		{Key: "clientSecret", Aliases: []string{"client_secret"}, Doc: "its secret"},
		{Key: "introspectionEndpoint", Doc: "the endpoint, where the issuer's metadata name none"},
		extension(OAuth2Extension),
	}},

	Server: {Def: "server", Name: "a server", Select: "type", Open: true, Fields: server, Variants: []Variant{
		{"rest", RESTServer, []string{"api"}}, {"mcp", MCPServer, nil}, {"skill", SkillServer, nil},
		{"control", ControlServer, nil},
	}},
	RESTServer: {Def: "restServer", Name: "a REST server", Base: Server, Fields: of(server, inputs,
		Field{Key: "resources", Kind: Named, Of: Resource, Doc: "the paths"},
		Field{Key: "transport", Values: []string{"http"}, Doc: "`http`"},
		extension(NoExtension),
	)},
	MCPServer: {Def: "mcpServer", Name: "an MCP server", Base: Server, Fields: of(server, inputs,
		Field{Key: "transport", Kind: Choice, Values: []string{"http", "stdio"}, Default: "http",
			Doc: "how clients reach it"},
		Field{Key: "tools", Kind: Named, Of: Tool, Doc: "what models can call"},
		Field{Key: "resources", Kind: Named, Of: MCPResource, Doc: "what clients can read"},
		Field{Key: "prompts", Kind: Named, Of: Prompt, Doc: "texts that users can start from"},
		Field{Key: "ttlMs", Kind: Number, Default: "0", Doc: "how long clients may keep lists"},
		Field{Key: "cacheScope", Kind: Choice, Values: []string{"public", "private"}, Default: "private",
			Doc: "who may share them"},
		extension(MCPServerExtension),
	)},
	SkillServer: {Def: "skillServer", Name: "a skill server", Base: Server, Fields: of(server,
		Field{Key: "skills", Kind: Named, Of: Skill, Doc: "the skills"},
		Field{Key: "tools", Kind: Data}, Field{Key: "groups", Kind: Data},
		Field{Key: "transport", Values: []string{"http"}, Doc: "`http`"},
		extension(NoExtension),
	)},
	ControlServer: {Def: "controlServer", Name: "a control server", Base: Server, Fields: of(server,
		Field{Key: "management", Kind: Block, Of: Management, Doc: "what of the process can be seen and steered"},
		Field{Key: "observability", Kind: Block, Of: Observability, Doc: "metrics and traces"},
		extension(NoExtension),
	)},
	Unit: {Def: "unit", Name: "a unit", Fields: unit},
	Resource: {Def: "resource", Name: "an exposed resource", Guarded: true, Fields: []Field{
		name, display, tags, description,
		{Key: "path", Doc: "the path; placeholders are `{{x}}` or `{x}`, also within a segment (`/{id}.json`)"},
		inputs,
		{Key: "operations", Kind: Named, Of: Operation, Doc: "the operations, by method"},
		{Key: "forward", Kind: Block, Of: Forward, Doc: "passes everything below the path on to a consumed API"},
		extension(NoExtension),
	}},
	Operation: {Def: "operation", Name: "a REST operation", Guarded: true, Base: Unit, Fields: of(unit,
		Field{Key: "method", Values: []string{"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"},
			Default: "GET",
			Doc:     "the method"},
		Field{Key: "responseBinary", Kind: Block, Of: BinaryAnswer, Doc: "the media type of a binary answer"},
		Field{Key: "responses", Kind: Data, Doc: "the same by status: `200: {content: {TYPE: {binary: true}}}`"},
	)},
	Forward: {Def: "forward", Name: "a forward block", Fields: []Field{
		{Key: "targetNamespace", Doc: "the consumed API"},
		{Key: "trustedHeaders", Kind: Texts,
			Doc: "the headers of the caller that pass, where the document sets none of that name; no others do"},
	}},
	BinaryAnswer: {Def: "binaryAnswer", Name: "responseBinary",
		Fields: []Field{{Key: "mediaType", Doc: "the media type"}}, Open: true},
	Tool: {Def: "tool", Name: "a tool", Guarded: true, Base: Unit, Fields: of(unit,
		Field{Key: "hints", Aliases: []string{"annotations"}, Kind: Block, Of: Hints, Protects: true,
			Doc: "what calling it does to the world"},
		Field{Key: "ui", Kind: Block, Of: ToolUI, Unserved: true, Doc: "the view that shows its answers"},
	)},
	ToolUI: {Def: "toolUI", Name: "the view of a tool", Fields: []Field{
		{Key: "resourceUri", Doc: "the `ui:` resource"},
		{Key: "visibility", Kind: Texts, Values: []string{"model", "app"}, Doc: "who may call the tool"},
	}},
	Hints: {Def: "hints", Name: "hints", Fields: []Field{
		{Key: "readOnly", Aliases: []string{"readOnlyHint"}, Kind: Bool, Protects: true,
			Doc: "changes nothing. What is absent here comes from the flow's `semantics`, else from the HTTP " +
				"methods"},
		{Key: "destructive", Aliases: []string{"destructiveHint"}, Kind: Bool, Protects: true,
			Doc: "may overwrite or delete"},
		{Key: "idempotent", Aliases: []string{"idempotentHint"}, Kind: Bool, Doc: "doing it twice is doing it once"},
		{Key: "openWorld", Aliases: []string{"openWorldHint"}, Kind: Bool, Doc: "reaches systems outside"},
		{Key: "title", Doc: "of MCP's annotations; `display` of the tool counts"},
	}},
	MCPResource: {Def: "mcpResource", Name: "an MCP resource", Guarded: true, Base: Unit, Fields: of(unit,
		Field{Key: "uri", Doc: "its URI; with `{x}` placeholders it is a template"},
		Field{Key: "mimeType", Doc: "the media type of its content"},
		Field{Key: "location", Doc: "a folder whose files it serves, in the place of `call` or `steps`"},
		Field{Key: "binary", Kind: Bool, Default: "false", Doc: "its content is read as bytes"},
		Field{Key: "ui", Kind: Block, Of: ResourceUI, Unserved: true, Doc: "what a view may do"},
	)},
	ResourceUI: {Def: "resourceUI", Name: "the view of a resource", Fields: []Field{
		{Key: "csp", Kind: Map, Doc: "`connectDomains`, `resourceDomains`, `frameDomains`, `baseUriDomains`"},
		{Key: "permissions", Kind: Map, Doc: "`camera`, `microphone`, `geolocation`, `clipboardWrite`"},
		{Key: "domain", Doc: "the origin that it asks for"},
		{Key: "prefersBorder", Kind: Bool, Doc: "whether it wants a border"},
	}},
	Prompt: {Def: "prompt", Name: "a prompt", Guarded: true, Fields: []Field{
		name, display, description, tags,
		{Key: "arguments", Kind: Named, Of: Input, Doc: "what the user gives"},
		{Key: "template", Kind: Mixed, Of: Message, Doc: "the messages, or one text"},
		{Key: "location", Doc: "a file in the place of the template"},
		extension(PromptExtension),
	}},
	Message: {Def: "message", Name: "a message", Fields: []Field{
		{Key: "role", Values: []string{"user", "assistant"}, Default: "user", Doc: "who says it"},
		{Key: "content", Doc: "the text; `{{x}}` is an argument"},
	}},
	Skill: {Def: "skill", Name: "a skill", Guarded: true, Fields: []Field{
		name, display, description, tags,
		{Key: "license", Doc: "the licence"},
		{Key: "compatibility", Doc: "what it needs"},
		{Key: "metadata", Kind: Map, Doc: "keys of the author's own"},
		{Key: "allowed-tools", Kind: Texts, Doc: "the tools that it may use"},
		{Key: "argument-hint", Doc: "what users may add"},
		{Key: "user-invocable", Kind: Bool, Default: "true", Doc: "users can start it"},
		{Key: "disable-model-invocation", Kind: Bool, Default: "false", Protects: true, Doc: "models cannot start it"},
		{Key: "location", Doc: "the folder with `SKILL.md`"},
		{Key: "tools", Kind: Named, Of: SkillTool, Doc: "what it offers"},
		extension(NoExtension),
	}},
	SkillTool: {Def: "skillTool", Name: "a skill tool", Fields: []Field{
		name, description,
		{Key: "from", Kind: Block, Of: SkillSource, Doc: "the unit of another server"},
		{Key: "instruction", Doc: "a file below the skill's location"},
	}, Open: true},
	SkillSource: {Def: "skillSource", Name: "from", Fields: []Field{
		{Key: "sourceNamespace", Doc: "the server"},
		{Key: "action", Doc: "its unit"},
	}, Open: true},

	Aggregate: {Def: "aggregate", Name: "an aggregate", Guarded: true, Fields: importable(
		Field{Key: "namespace", Aliases: []string{"name"}, Doc: "the first part of `ref: namespace.name`"},
		display, description, tags,
		Field{Key: "flows", Aliases: []string{"functions"}, Kind: Named, Of: Flow, Doc: "the flows"},
		extension(NoExtension),
	)},
	Flow: {Def: "flow", Name: "a flow", Guarded: true, Base: Unit, Fields: of(unit,
		Field{Key: "semantics", Kind: Block, Of: Semantics, Protects: true, Doc: "what running it does to the world"},
		Field{Key: "outputMediaType", Doc: "the media type of a binary answer"},
	)},
	Semantics: {Def: "semantics", Name: "semantics", Fields: []Field{
		{Key: "safe", Kind: Bool, Protects: true,
			Doc: "changes nothing: read-only and not destructive, unless `hints` of the tool say otherwise"},
		{Key: "idempotent", Kind: Bool, Doc: "doing it twice is doing it once"},
		{Key: "cacheable", Kind: Bool, Doc: "the answer may be kept"},
	}},
	CallMapping: {Def: "callMapping", Name: "a call", Fields: []Field{
		{Key: "operation", Doc: "`namespace.operation`"},
		{Key: "with", Kind: Map, Doc: "what the call gets"},
	}, Open: true},
	Step: {Def: "step", Name: "a step", Select: "type", Open: true, Variants: []Variant{
		{"call", CallStep, nil}, {"lookup", LookupStep, nil}, {"script", ScriptStep, nil},
	}},
	CallStep: {Def: "callStep", Name: "a call step", Fields: of(step,
		Field{Key: "call", Kind: Mixed, Of: CallMapping,
			Doc: "the operation. Its result is the answer, with the operation's `outputParameters` added by " +
				"name; a binary answer is a `data:` URL"},
		stepWith,
	)},
	LookupStep: {Def: "lookupStep", Name: "a lookup step", Fields: of(step,
		Field{Key: "index", Doc: "an earlier step"},
		Field{Key: "match", Doc: "the field that is compared"},
		Field{Key: "lookupValue", Doc: "`$.step.path`, or a template. One value finds one entry, a list finds a list"},
		Field{Key: "outputParameters", Kind: Data, Doc: "the fields to keep"},
		stepWith,
	)},
	ScriptStep: {Def: "scriptStep", Name: "a script step", Fields: of(step,
		Field{Key: "file", Doc: "the script"},
		Field{Key: "language", Values: []string{"javascript", "python", "starlark", "groovy"},
			Default: "by the file's suffix",
			Doc:     "JavaScript, or Python's Starlark subset"},
		Field{Key: "location", Doc: "the folder of the script"},
		Field{Key: "dependencies", Kind: Texts, Doc: "files that run before it"},
		stepWith,
	)},
	StepMapping: {Def: "stepMapping", Name: "a mapping", Fields: []Field{
		{Key: "target", Aliases: []string{"targetName"}, Doc: "the member of the answer; dots nest"},
		{Key: "value", Doc: "`$.step.path`"},
	}, Open: true},

	Management: {Def: "management", Name: "management", Fields: []Field{
		{Key: "health", Kind: Bool, Default: "true", Doc: "`/health/live` and `/health/ready`"},
		{Key: "info", Kind: Bool, Default: "false", Doc: "`/status`, `/config`, recent calls and the page"},
		{Key: "reload", Kind: Bool, Default: "false", Doc: "`POST /config/reload`"},
		{Key: "validate", Kind: Bool, Default: "false", Doc: "`POST /config/validate`"},
		{Key: "logs", Kind: Mixed, Of: Logs, Default: "false", Doc: "`/logs`: a boolean, or which"},
		{Key: "scripting", Kind: Block, Of: Scripting, Protects: true, Doc: "what scripts may do"},
	}},
	Logs: {Def: "logs", Name: "logs", Fields: []Field{
		{Key: "level-control", Kind: Bool, Default: "true", Doc: "`/logs`: levels can be seen and changed"},
		{Key: "stream", Kind: Bool, Default: "false", Doc: "`/logs/stream`: the log can be read"},
		{Key: "max-subscribers", Kind: Number, Default: "5", Doc: "by how many at once, at most 20"},
	}},
	Scripting: {Def: "scripting", Name: "scripting", Fields: []Field{
		{Key: "enabled", Kind: Bool, Default: "true", Protects: true, Doc: "scripts run"},
		{Key: "defaultLocation", Doc: "the folder of scripts"},
		{Key: "defaultLanguage", Values: []string{"javascript", "python", "groovy"},
			Doc: "the language of scripts that do not say"},
		{Key: "timeout", Kind: Number, Default: "60000", Protects: true, Doc: "milliseconds that a script gets"},
		{Key: "statementLimit", Kind: Number, Default: "100000", Protects: true,
			Doc: "statements that a script in Python may execute"},
		{Key: "allowedLanguages", Kind: Texts, Protects: true, Default: "all", Doc: "the languages that run"},
	}},
	Observability: {Def: "observability", Name: "observability", Fields: []Field{
		{Key: "enabled", Kind: Bool, Default: "true", Doc: "all of it"},
		{Key: "metrics", Kind: Block, Of: Metrics, Doc: "`/metrics`"},
		{Key: "traces", Kind: Block, Of: Traces, Doc: "`/traces`, and which are made"},
		{Key: "exporters", Kind: Block, Of: Exporters, Doc: "where metrics and traces are sent"},
	}},
	Metrics: {Def: "metrics", Name: "metrics", Fields: []Field{
		{Key: "local", Kind: Block, Of: LocalMetrics, Doc: "those that the control server shows"},
	}},
	LocalMetrics: {Def: "localMetrics", Name: "local metrics", Fields: []Field{
		{Key: "enabled", Kind: Bool, Default: "true", Doc: "`/metrics`"},
	}},
	Traces: {Def: "traces", Name: "traces", Fields: []Field{
		{Key: "sampling", Kind: Number, Default: "1", Doc: "the share of calls that are traced, from 0 to 1"},
		{Key: "propagation", Kind: Choice, Values: []string{"w3c", "b3"}, Default: "w3c",
			Doc: "the headers that carry a trace on"},
		{Key: "local", Kind: Block, Of: LocalTraces, Doc: "those that the control server shows"},
	}},
	LocalTraces: {Def: "localTraces", Name: "local traces", Fields: []Field{
		{Key: "enabled", Kind: Bool, Default: "true", Doc: "`/traces` and `/traces/{id}`"},
		{Key: "buffer-size", Kind: Number, Default: "100", Doc: "how many are kept, from 10 to 10000"},
	}},
	Exporters: {Def: "exporters", Name: "exporters", Fields: []Field{
		{Key: "otlp", Kind: Block, Of: OTLP, Doc: "OpenTelemetry's protocol"},
	}},
	OTLP: {Def: "otlp", Name: "otlp", Fields: []Field{
		{Key: "endpoint", Doc: "the URL of the collector"},
	}},

	Timeouts: {Def: "timeouts", Name: "timeout", Short: "total", Fields: []Field{
		{Key: "connect", Kind: Time, Default: "`--connect-timeout`, 5s", Doc: "to establish a connection, TLS included"},
		{Key: "firstByte", Kind: Time, Default: "`--header-timeout`, 30s",
			Doc: "from a request that was sent to the header of its answer, for each attempt"},
		{Key: "idle", Kind: Time, Default: "`--idle-timeout`, 60s",
			Doc: "that nothing may come of an answer that is being read"},
		{Key: "total", Kind: Time, Default: "`--call-timeout`, 60s, which an answer that is passed on as it comes " +
			"need not end in",
			Doc: "for the whole call: all its attempts, the waits between them and the end of the answer"},
	}},
	Retries: {Def: "retries", Name: "retry", Short: "times", Fields: []Field{
		{Key: "times", Kind: Number, Default: "2", Doc: "how often a call is sent again at most"},
		{Key: "backoff", Kind: Time, Default: "200ms",
			Doc: "the wait before the first time; it doubles each time, and is shortened by up to half at random"},
		{Key: "maxBackoff", Kind: Time, Default: "5s",
			Doc: "the longest wait; an answer whose `Retry-After` asks for a longer one is final"},
		{Key: "on", Kind: Texts, Default: "429, 502, 503, 504",
			Doc: "the statuses that are asked again, besides attempts without an answer"},
		{Key: "budget", Kind: Share, Default: "20%",
			Doc: "how many calls may be sent again, of all; ten may in any case"},
	}},
	Breaker: {Def: "breaker", Name: "breaker", Short: "failures", Fields: []Field{
		{Key: "failures", Kind: Share, Default: "50%",
			Doc: "the part of attempts without an answer or with one of 500 or more that opens it"},
		{Key: "calls", Kind: Number, Default: "10", Doc: "how many attempts there must have been within `window`"},
		{Key: "window", Kind: Time, Default: "30s", Doc: "the time in which attempts are counted"},
		{Key: "open", Kind: Time, Default: "15s",
			Doc: "how long calls are held back; then one passes, and decides"},
	}},
	Limit: {Def: "limit", Name: "limit", Short: "rate", Fields: []Field{
		{Key: "rate", Kind: Rate, Default: "what the API says", Doc: "how many attempts are sent in a time"},
		{Key: "burst", Kind: Number, Default: "1", Doc: "how many of these may be sent at once"},
		{Key: "concurrent", Kind: Number, Default: "any number",
			Doc: "how many attempts run at a time, until their answers are read"},
		{Key: "wait", Kind: Time, Default: "5s",
			Doc: "how long a call waits for its turn; one that would wait longer is held back with 503 and `Retry-After`"},
		{Key: "learn", Kind: Bool, Default: "true",
			Doc: "`RateLimit`, `RateLimit-*`, `X-RateLimit-*` and `Retry-After` of answers are heeded"},
	}},

	UpstreamTLS: {Def: "upstreamTLS", Name: "tls", Fields: []Field{
		{Key: "ca", Protects: true,
			Doc: "certificates that are trusted besides the system's: a `.pem` or `.crt` file beside the document, or PEM"},
		{Key: "cert", Protects: true,
			Doc: "the client's certificate (mTLS), with those by which it is signed: a file beside the document, or a secret"},
		{Key: "key", Protects: true, Default: "`cert` holds it, too",
			Doc: "its key: a secret, or a file beside the document"},
	}},

	NoExtension: {Def: "noExtension", Name: "x-fairlead here"},
	DocumentExtension: {Def: "documentExtension", Name: "x-fairlead of the document", Fields: []Field{
		{Key: "profiles", Kind: Named, Of: ProfileExtension,
			Doc: "`{NAME: {timeout, retry, breaker, limit}}`: [how calls are sent](resilience.md), for `profile: NAME`"},
	}},
	ProfileExtension: {Def: "profileExtension", Name: "x-fairlead of a profile", Fields: sending},
	ResourceExtension: {Def: "resourceExtension", Name: "x-fairlead of a consumed resource",
		Fields: settings},
	APIExtension: {Def: "apiExtension", Name: "x-fairlead of a consumed API", Fields: of(settings, []Field{
		{Key: "authorization", Kind: Choice, Values: []string{"caller-first"}, Protects: true,
			Doc: "`caller-first`: a REST caller's own `Authorization` goes upstream; the configured credential " +
				"serves callers who send none"},
		{Key: "tokenExchange", Kind: Block, Of: TokenExchange, Protects: true,
			Doc: "`{tokenEndpoint, clientId, clientSecret, audience, resource, scope}`: the API gets a token of " +
				"its own in exchange for that of the verified caller ([MCP](mcp.md#oauth-21)); goes before " +
				"`authentication`"},
		{Key: "session", Kind: Block, Of: Session, Protects: true,
			Doc: "people and service accounts sign in at the API, and callers act in their session " +
				"([Sessions](sessions.md)); goes before `authentication`"},
		{Key: "oauth", Kind: Block, Of: OAuthSession, Protects: true,
			Doc: "people agree at an authorization server that callers act for them, and callers act in the session " +
				"that comes of it ([Sessions](sessions.md#oauth)); in the place of `session`"},
		{Key: "proxy", Protects: true,
			Doc: "the proxy to the API: a URL with `http`, `https` or `socks5`, or `none`. `--proxy` goes before it, " +
				"the [environment](resilience.md#connections) behind"},
		{Key: "tls", Kind: Block, Of: UpstreamTLS, Protects: true,
			Doc: "[whom to trust, and as whom to connect](resilience.md#connections): `{ca, cert, key}`"},
		{Key: "http2", Kind: Bool, Sends: true,
			Doc: "HTTP/2 is offered to the API, which is called with HTTP/1.1 else (`--http2` offers it to all)"},
	}...)},
	Session: {Def: "session", Name: "a session", Fields: []Field{
		{Key: "login", Kind: Mixed, Of: SessionCall, Doc: "the operation that makes a session: its name, or `{call, with}`"},
		{Key: "ask", Kind: Map,
			Doc: "what a person is asked: `{NAME: label}` or `{NAME: {label, hint, secret, required}}`. Without it, " +
				"what the operation takes"},
		{Key: "service", Kind: Map,
			Doc: "`{NAME: \"{{VARIABLE}}\"}`: a service account from binds, used where no person has signed in"},
		{Key: "token", Kind: Data,
			Doc: "where the token stands in the answer: a JSONPath, `{header: NAME}` or `{cookie: NAME}`; a list of " +
				"these is tried in order"},
		{Key: "renews", Kind: Data, Doc: "where that stands which renews the session, if it is not the token; as `token`"},
		{Key: "expires", Kind: Data,
			Doc: "when the session ends: a JSONPath to a time, `{in: JSONPath}` to seconds, or a duration such as " +
				"`12h`; a list of these is tried in order"},
		{Key: "margin", Doc: "how long before its end it is renewed, as `60s`; the last tenth of its life else, a " +
			"minute at most"},
		{Key: "send", Kind: Data, Default: "bearer",
			Doc: "`bearer`, `{header: NAME, prefix: TEXT}`, `{query: NAME}` or `{cookie: NAME}`"},
		{Key: "replace", Kind: Texts, Doc: "operations whose answer holds another token, which takes the place of the one " +
			"in use"},
		{Key: "refresh", Kind: Mixed, Of: SessionCall,
			Doc: "the operation that renews the session; `{{session.token}}` and `{{session.renews}}` are for its `with`"},
		{Key: "logout", Kind: Mixed, Of: SessionCall, Doc: "the operation that ends it"},
		{Key: "show", Kind: Map, Doc: "`{NAME: JSONPath}`: parts of the answer that callers may be told"},
	}},
	OAuthSession: {Def: "oauthSession", Name: "a session by OAuth", Fields: []Field{
		{Key: "issuer", Doc: "the authorization server, whose endpoints are discovered (RFC 8414, OpenID Connect Discovery)"},
		{Key: "authorizationEndpoint", Doc: "where people are sent, for a server that publishes no metadata"},
		{Key: "tokenEndpoint", Doc: "where tokens come from; together with `authorizationEndpoint`"},
		{Key: "revocationEndpoint", Doc: "where tokens are revoked (RFC 7009), for such a server"},
		{Key: "clientId", Doc: "the client that is registered there, with the redirect address that Fairlead tells"},
		{Key: "clientSecret", Doc: "its secret; none for a public client"},
		{Key: "clientAuthentication", Kind: Choice, Values: []string{"basic", "post"},
			Doc: "how the secret is sent: in the header, or in the body. By default as the server says, or by trial"},
		{Key: "scopes", Kind: Texts, Doc: "what people are asked to agree to"},
		{Key: "resource", Doc: "the API as the server knows it (RFC 8707)"},
		{Key: "parameters", Kind: Map,
			Doc: "more parameters of the authorization request, such as `{access_type: offline, prompt: consent}`"},
		{Key: "send", Kind: Data, Default: "bearer", Doc: "as of a session"},
		{Key: "margin", Doc: "as of a session"},
	}},
	SessionCall: {Def: "sessionCall", Name: "an operation of a session", Fields: []Field{
		{Key: "call", Doc: "`namespace.operation`"},
		{Key: "with", Kind: Map, Doc: "what it gets; `{{NAME}}` is what the person was asked"},
	}},
	SessionField: {Def: "sessionField", Name: "what a person is asked", Fields: []Field{
		{Key: "label", Default: "its name", Doc: "what stands before the field"},
		{Key: "hint", Doc: "what stands below it"},
		{Key: "secret", Kind: Bool, Doc: "nobody may read it; without it, the name decides"},
		{Key: "required", Kind: Bool, Default: "true", Doc: "it must be given"},
	}},
	OperationExtension: {Def: "operationExtension", Name: "x-fairlead of a consumed operation",
		Fields: of(settings, []Field{
			{Key: "authentication", Kind: Choice, Values: []string{"none"},
				Doc: "`none`: no credential is sent on this operation"},
			{Key: "body", Kind: Choice, Values: []string{"none"},
				Doc: "`none`: the operation takes no body, so that none of a caller passes"},
			{Key: "secrets", Kind: Texts, Protects: true,
				Doc: "JSONPaths to the parts of the answer that are credentials: models get a text in their place " +
					"([Sessions](sessions.md#secrets-and-models)); `explain` names them"},
		}...)},
	BindExtension: {Def: "bindExtension", Name: "x-fairlead of a bind", Fields: []Field{
		{Key: "fallback", Kind: Map, Doc: "`{NAME: [OTHER]}`: variables to ask when NAME has no value"},
	}},
	InputExtension: {Def: "inputExtension", Name: "x-fairlead of an input parameter", Fields: []Field{
		{Key: "secret", Kind: Bool, Protects: true, Doc: "`explain` masks its value"},
		{Key: "titles", Kind: Texts,
			Doc: "what users see for the values of its `enum`, in forms; models read them in the description"},
		{Key: "enumNames", Kind: Texts, Doc: "the same with the older keyword, for clients that know no other"},
		{Key: "header",
			Doc: "clients of 2026-07-28 repeat the argument as the header `Mcp-Param-NAME`, for proxies that " +
				"route by it"},
		{Key: "slashes", Kind: Choice, Values: []string{"keep"},
			Doc: "`keep`: slashes in a path value stay, so that it may be several segments; dot segments are " +
				"refused all the same"},
		{Key: "style", Values: []string{"form", "comma", "space", "pipe", "json"}, Default: "form",
			Doc: "how an array is written in a query; the default repeats the key"},
	}},
	OutputExtension: {Def: "outputExtension", Name: "x-fairlead of an output parameter", Fields: []Field{
		{Key: "secret", Kind: Bool, Protects: true,
			Doc: "it is a credential: models get a text in its place ([Sessions](sessions.md#secrets-and-models))"},
	}},
	UnitExtension: {Def: "unitExtension", Name: "x-fairlead of a unit", Fields: []Field{
		{Key: "confirm", Kind: Bool, Default: "false", Protects: true,
			Doc: "an agent's user is asked before it runs ([MCP](mcp.md#asking-the-user)); MCP tools, resources " +
				"and flows"},
		{Key: "ask", Kind: Map,
			Doc: "`{INPUT: message}` or `{NAME: {message, inputs}}`: an agent's user is asked for inputs that " +
				"the caller leaves out"},
		{Key: "onError", Kind: Choice, Values: []string{"continue"},
			Doc: "`continue`: a failing step does not fail the flow"},
		{Key: "maxChars", Kind: Number, Doc: "characters of the answer that an agent gets"},
		{Key: "icon", Doc: "what clients show: an `https:` URL, or an image as `data:`"},
	}},
	PromptExtension: {Def: "promptExtension", Name: "x-fairlead of a prompt", Fields: []Field{
		{Key: "ask", Kind: Map, Doc: "as on a unit"},
		{Key: "icon", Doc: "as on a unit"},
	}},
	OAuth2Extension: {Def: "oauth2Extension", Name: "x-fairlead of the oauth2 authentication of a server",
		Fields: []Field{
			{Key: "subject", Protects: true, Default: "sub",
				Doc: "the claim that names a person, the same in tokens for every client, where `sub` is pairwise; " +
					"[sessions](sessions.md#who-is-signed-in) belong to it"},
			{Key: "signIn", Kind: Block, Of: PageClient, Protects: true,
				Doc: "as which client people log in at the authorization server to prove on " +
					"[the pages](sessions.md#who-opens-the-page) who they are"},
		}},
	MCPServerExtension: {Def: "mcpServerExtension", Name: "x-fairlead of an MCP server", Fields: []Field{
		{Key: "icon", Doc: "as on a unit"},
	}},
	PageClient: {Def: "pageClient", Name: "the client of the pages", Fields: []Field{
		{Key: "clientId", Protects: true, Doc: "the client that is registered there"},
		{Key: "clientSecret", Protects: true, Doc: "its secret; none for a public client"},
		{Key: "scope", Doc: "what it asks for besides `openid`, such as `profile` or `email`, where the claim of `subject` is behind that"},
	}},
	Question: {Def: "question", Name: "a question", Fields: []Field{
		{Key: "message", Doc: "what the user reads"},
		{Key: "inputs", Kind: Texts, Doc: "the inputs that are asked for"},
	}},
}

var (
	step = []Field{
		name, display, description,
		{Key: "type", Values: []string{"call", "lookup", "script"},
			Doc: "the kind of step; when absent, by what is there"},
		extension(NoExtension),
	}
	stepWith = Field{Key: "with", Kind: Map, Doc: "[what it gets](#references)"}
)
