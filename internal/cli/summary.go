package cli

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/fairlead/fairlead/internal/diag"
	"github.com/fairlead/fairlead/internal/host"
)

// summary counts what was found in documents.
type summary struct {
	short bool // in place of the findings themselves

	documents, unusable, served, withheld, errors, warnings, infos int
	causes                                                         map[string]*cause
	worst                                                          []grave
	others                                                         []string // files that are no documents
}

// cause is what is known of the findings of one code.
type cause struct {
	severity  diag.Severity
	findings  int
	documents int
}

// grave is a document with errors.
type grave struct {
	name             string
	errors, withheld int
}

func newSummary(short bool) *summary { return &summary{short: short, causes: map[string]*cause{}} }

func (m *summary) add(d *host.Document) {
	m.documents++
	if d.Plan == nil {
		m.unusable++
	}
	m.served += d.Served()
	m.withheld += d.Withheld()
	errors := d.Diags.Count(diag.Error)
	m.errors += errors
	m.warnings += d.Diags.Count(diag.Warning)
	m.infos += d.Diags.Count(diag.Info)
	seen := map[string]bool{}
	for _, g := range d.Diags {
		if g.Severity == diag.Info {
			continue
		}
		c := m.causes[g.Code]
		if c == nil {
			c = &cause{severity: g.Severity}
			m.causes[g.Code] = c
		}
		c.findings++
		if !seen[g.Code] {
			seen[g.Code] = true
			c.documents++
		}
	}
	if errors > 0 {
		m.worst = append(m.worst, grave{d.Name, errors, d.Withheld()})
	}
}

// mostWorst is how many documents with errors a short summary names.
const mostWorst = 10

// print writes the summary; more says how to see what it leaves out.
func (m *summary) print(w io.Writer, more string) {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s: %s served, %d withheld", count(m.documents, "document"), count(m.served, "unit"), m.withheld)
	if m.unusable > 0 {
		fmt.Fprintf(&b, ", %s unusable", count(m.unusable, "document"))
	}
	fmt.Fprintf(&b, "; %s, %s, %s\n", count(m.errors, "error"), count(m.warnings, "warning"), count(m.infos, "note"))
	if len(m.others) > 0 {
		fmt.Fprintln(&b, leftOut(m.others))
	}
	if m.documents > 1 {
		m.printCauses(&b)
	}
	if m.short {
		m.printWorst(&b)
		b.WriteString(more)
	}
	_, _ = w.Write(b.Bytes())
}

// leftOut names files of a folder that are no documents to serve.
func leftOut(files []string) string {
	names := files
	if len(names) > 8 {
		names = append(names[:8:8], fmt.Sprintf("%d more", len(files)-8))
	}
	return fmt.Sprintf("left out, since nothing in them is to be served: %s", strings.Join(names, ", "))
}

// printCauses lists the codes, errors first, then the most frequent.
func (m *summary) printCauses(b *bytes.Buffer) {
	codes := slices.SortedFunc(maps.Keys(m.causes), func(x, y string) int {
		return cmp.Or(cmp.Compare(m.causes[y].severity, m.causes[x].severity),
			m.causes[y].findings-m.causes[x].findings, cmp.Compare(x, y))
	})
	for _, code := range codes {
		c := m.causes[code]
		fmt.Fprintf(b, "%6d  %-8s %s", c.findings, c.severity, code)
		if m.short {
			fmt.Fprintf(b, ", in %s", count(c.documents, "document"))
		}
		b.WriteByte('\n')
	}
}

// printWorst names the documents that most is wrong with.
func (m *summary) printWorst(b *bytes.Buffer) {
	if len(m.worst) == 0 {
		return
	}
	slices.SortStableFunc(m.worst, func(x, y grave) int { return cmp.Or(y.withheld-x.withheld, y.errors-x.errors) })
	b.WriteString("\nMost is wrong with\n")
	for _, d := range m.worst[:min(len(m.worst), mostWorst)] {
		fmt.Fprintf(b, "  %s: %d withheld, %s\n", d.name, d.withheld, count(d.errors, "error"))
	}
	if n := len(m.worst) - mostWorst; n > 0 {
		fmt.Fprintf(b, "  … and %s with errors\n", count(n, "more document"))
	}
}
