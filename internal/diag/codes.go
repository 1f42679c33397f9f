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
	SyntaxError       = &Code{"syntax-error", Error, "The document cannot be read"}
	DocumentLimit     = &Code{"document-limit", Error, "The document exceeds a limit"}
	DuplicateKey      = &Code{"duplicate-key", Warning, "A key is given twice"}
	MultipleDocuments = &Code{"multiple-documents", Warning, "The file holds several documents"}
)
