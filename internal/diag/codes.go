package diag

// Code is a kind of diagnostic. Its ID never changes meaning; docs/diagnostics/
// has a page for each.
type Code struct {
	ID       string
	Severity Severity
	Title    string
}

// The codes, in the order in which a document meets them.
var (
	// Reading the text.
	SyntaxError       = &Code{"syntax-error", Error, "The document cannot be read"}
	DocumentLimit     = &Code{"document-limit", Error, "The document exceeds a limit"}
	DuplicateKey      = &Code{"duplicate-key", Warning, "A key is given twice"}
	MultipleDocuments = &Code{"multiple-documents", Warning, "The file holds several documents"}
	BadOverlay        = &Code{"bad-overlay", Error, "An overlay cannot be applied"}
	OverlayNoMatch    = &Code{"overlay-no-match", Warning, "An overlay action matches nothing"}

	// Making one model of it.
	NotCapability   = &Code{"not-a-capability", Error, "The file is not a capability document"}
	UnknownVersion  = &Code{"unknown-version", Warning, "The specification version is not known"}
	UnknownKey      = &Code{"unknown-key", Warning, "A key has no meaning here"}
	WrongType       = &Code{"wrong-type", Warning, "A value is of the wrong kind"}
	Unprotected     = &Code{"unprotected", Error, "A key that protects cannot be read"}
	BooleanWord     = &Code{"boolean-word", Info, "A word is taken for a boolean"}
	UnknownServer   = &Code{"unknown-server-type", Warning, "A server is of a type that is not served"}
	DuplicateName   = &Code{"duplicate-name", Warning, "A name is used twice"}
	MissingName     = &Code{"missing-name", Warning, "Something that must be named has no name"}
	ImportFailed    = &Code{"import-failed", Error, "An import brings nothing"}
	ImportName      = &Code{"import-name", Info, "An import names another namespace than the file has"}
	ImportBinds     = &Code{"import-binds", Warning, "Binds of an imported file stay there"}
	ForeignVariable = &Code{"foreign-variable", Warning, "A text looks like a variable of another tool"}
	ProfileUnknown  = &Code{"profile-unknown", Warning, "A profile of settings is not declared"}
	OperationPath   = &Code{"operation-path", Info, "An operation has a path of its own"}

	// Compiling the model.
	CallUnresolved     = &Code{"call-unresolved", Error, "A call names no operation"}
	RefUnresolved      = &Code{"ref-unresolved", Error, "A ref names no flow"}
	StepUnresolved     = &Code{"step-unresolved", Error, "A reference names no step"}
	StepField          = &Code{"step-field-unknown", Warning, "A reference names a field that its step does not have"}
	StepInvalid        = &Code{"step-invalid", Error, "A step cannot run"}
	ScriptRefused      = &Code{"script-refused", Error, "A script cannot run here"}
	NothingToRun       = &Code{"nothing-to-run", Error, "A unit has nothing to run"}
	BadTemplate        = &Code{"bad-template", Error, "A template cannot be read"}
	BadPath            = &Code{"bad-jsonpath", Error, "A JSONPath cannot be read"}
	LenientPath        = &Code{"lenient-jsonpath", Info, "A JSONPath uses a spelling outside RFC 9535"}
	BadPattern         = &Code{"bad-pattern", Warning, "A pattern is not a regular expression"}
	BadRoute           = &Code{"bad-route", Error, "A path cannot be served"}
	RouteConflict      = &Code{"route-conflict", Warning, "A method and path are claimed twice"}
	RouteCollision     = &Code{"route-collision", Error, "Two documents claim the same requests"}
	SecretNotGranted   = &Code{"secret-not-granted", Warning, "A secret is for another document"}
	RouteReserved      = &Code{"route-reserved", Warning, "A path is that of the sign-in pages"}
	PathCut            = &Code{"path-cut", Warning, "A path holds a query or fragment"}
	PathAppended       = &Code{"path-parameter-appended", Warning, "A path parameter has no placeholder"}
	BadMethod          = &Code{"bad-method", Error, "A method is not an HTTP method"}
	BaseURIUnusable    = &Code{"base-uri-unusable", Warning, "A baseUri leads nowhere"}
	BaseURIVariable    = &Code{"base-uri-variable", Warning, "A baseUri has a variable without a value"}
	BaseURIPlaintext   = &Code{"base-uri-plaintext", Info, "A credential would travel unencrypted"}
	LoginPlaintext     = &Code{"login-plaintext", Warning, "A password would travel unencrypted"}
	SelfCall           = &Code{"self-call", Warning, "A document calls its own server"}
	WithUnused         = &Code{"with-unused", Warning, "A with entry feeds nothing"}
	WithPrefix         = &Code{"with-prefix", Warning, "A literal looks like a reference"}
	InputInferred      = &Code{"input-inferred", Info, "An input is needed that the with block leaves out"}
	InputOptional      = &Code{"input-optional", Info, "An input may be left out because what it feeds may"}
	BodyParameter      = &Code{"body-parameter", Info, "The only body parameter is the whole body, or a member of it"}
	BodyPassed         = &Code{"body-passed", Info, "An operation says nothing of a body, and the caller's passes"}
	LooseName          = &Code{"loose-name", Info, "Two names match only loosely"}
	InputUnused        = &Code{"input-unused", Info, "A declared input feeds nothing"}
	BindUnused         = &Code{"bind-unused", Warning, "A credential is bound and never used"}
	BindUndeclared     = &Code{"bind-undeclared", Warning, "A credential is used and never bound"}
	BindLocation       = &Code{"bind-location", Warning, "A bind's location cannot be read"}
	CredentialWritten  = &Code{"credential-written", Warning, "A credential stands in the document"}
	HeaderFromAuth     = &Code{"header-from-authentication", Info, "A parameter is filled by authentication"}
	AuthUnknown        = &Code{"auth-unsupported", Error, "An authentication type is not supported"}
	AuthIncomplete     = &Code{"auth-incomplete", Error, "An authentication block lacks a field"}
	SecretToModel      = &Code{"secret-to-model", Warning, "A model would see a password or token"}
	SessionInvalid     = &Code{"session-invalid", Error, "A session cannot work"}
	SignInClient       = &Code{"sign-in-client", Warning, "People cannot prove on the pages who they are"}
	FormatUnknown      = &Code{"format-unknown", Warning, "A format is not known"}
	BodyUnknown        = &Code{"body-type-unknown", Warning, "A body type is not known"}
	BodyInvalid        = &Code{"body-invalid", Error, "A body cannot be built"}
	ToolName           = &Code{"tool-name", Info, "A tool goes by another name on the wire"}
	PortTaken          = &Code{"port-shared", Info, "Servers share a port"}
	NoPort             = &Code{"no-port", Warning, "A REST server has no port"}
	BadPort            = &Code{"bad-port", Warning, "A port is out of range"}
	ResourceUnreadable = &Code{"resource-unreadable", Error, "A static resource or prompt file cannot be read"}
	QuestionInvalid    = &Code{"question-invalid", Error, "A question to the user cannot be asked"}
	NotAsked           = &Code{"not-asked", Warning, "Nobody is asked here"}
	HintContradicts    = &Code{"hint-contradicts", Warning, "A hint says what the call belies"}
	NotServed          = &Code{"not-served", Warning, "A feature of the format is not served yet"}
	NothingServed      = &Code{"nothing-served", Error, "Nothing of the document can be served"}
)

// Codes lists every code, in the order above.
func Codes() []*Code {
	return []*Code{
		SyntaxError, DocumentLimit, DuplicateKey, MultipleDocuments, BadOverlay, OverlayNoMatch, NotCapability,
		UnknownVersion, UnknownKey, WrongType, Unprotected, BooleanWord, UnknownServer, DuplicateName, MissingName,
		ImportFailed, ImportName, ImportBinds, ForeignVariable,
		ProfileUnknown, OperationPath, CallUnresolved, RefUnresolved, StepUnresolved, StepField, StepInvalid,
		ScriptRefused,
		NothingToRun,
		BadTemplate, BadPath, LenientPath, BadPattern, BadRoute, RouteConflict, RouteCollision, SecretNotGranted,
		RouteReserved, PathCut, PathAppended,
		BadMethod, BaseURIUnusable,
		BaseURIVariable, BaseURIPlaintext, LoginPlaintext, SelfCall, WithUnused, WithPrefix, InputInferred,
		InputOptional,
		BodyParameter, BodyPassed, LooseName, InputUnused, BindUnused,
		BindUndeclared, BindLocation, CredentialWritten, HeaderFromAuth, AuthUnknown, AuthIncomplete, SecretToModel,
		SessionInvalid, SignInClient, FormatUnknown,
		BodyUnknown, BodyInvalid, ToolName,
		PortTaken, NoPort, BadPort, ResourceUnreadable, QuestionInvalid, NotAsked, HintContradicts, NotServed,
		NothingServed,
	}
}
