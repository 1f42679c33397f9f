package diag

// Code is a kind of diagnostic. Its ID never changes meaning; docs/diagnostics/
// has a page for each.
type Code struct {
	ID       string
	Severity Severity
	Title    string
}
