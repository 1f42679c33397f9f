package format

import (
	"bytes"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/andybalholm/cascadia"
	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"github.com/fairlead/fairlead/internal/budget"
	"github.com/fairlead/fairlead/internal/value"
)

// newHTML decodes the tables of a page to {"tables": [[row, …], …]}, in the
// order of the page. With a selector only the selected tables count, and those
// inside selected elements.
func newHTML(schema Schema) (decodeFunc, error) {
	selector := strings.TrimSpace(schema.Text)
	if selector == "" {
		selector = "table"
	}
	matcher, err := cascadia.ParseGroup(selector)
	if err != nil {
		return nil, fail("outputSchema %s is not a CSS selector: %v", quote(selector), err)
	}
	costly := costlySelector{matcher, workOf(selector)}
	return func(text []byte, left *allowance) (value.Value, error) { return decodeHTML(text, costly, left) }, nil
}

// costlySelector is a selector of which is known how much it looks at.
type costlySelector struct {
	cascadia.Matcher
	work work
}

// work is what a selector may look at for each element, besides the element itself.
type work struct {
	siblings int // how often in one another all those before it
	below    int // how often in one another all that is in it
}

// workOf reads a selector's work from its text; what stands in quotes counts, too.
func workOf(selector string) (most work) {
	for one := range strings.SplitSeq(selector, ",") {
		var w work
		for c := range len(one) {
			if one[c] == '~' && !strings.HasPrefix(one[c:], "~=") {
				w.siblings++
			}
		}
		for _, sign := range []string{":nth-", ":first-of", ":last-", ":only-"} {
			w.siblings += strings.Count(one, sign)
		}
		for _, sign := range []string{":has", ":contains", ":matches"} {
			w.below += strings.Count(one, sign)
		}
		most = work{max(most.siblings, w.siblings), max(most.below, w.below)}
	}
	return most
}

// looks is how many elements are looked at in one step.
const looks = 8

// visit counts what a selector looks at for n.
func (a *allowance) visit(n *html.Node, w work) error {
	steps := 1
	if w.siblings > 0 {
		before := 1
		for s := n.PrevSibling; s != nil; s = s.PrevSibling {
			before++
		}
		for range w.siblings {
			steps = min(steps*before, looks*budget.MaxSteps)
		}
	}
	if w.below > 0 {
		in := 1
		for range n.Descendants() {
			in++
		}
		for range w.below {
			steps = min(steps*in, looks*budget.MaxSteps)
		}
	}
	if !a.meter.Steps(1 + steps/looks) {
		return a.meter.Err()
	}
	return nil
}

func decodeHTML(text []byte, selector costlySelector, left *allowance) (value.Value, error) {
	plain, err := plainHTML(text, left)
	if err != nil {
		return value.Value{}, err
	}
	page, err := html.Parse(bytes.NewReader(plain))
	if err != nil {
		return value.Value{}, foreign(-1, err)
	}
	left = left.again()
	tables := value.List()
	done := map[*html.Node]bool{} // tables shown, and elements whose tables are
	for selected := range page.Descendants() {
		if err := left.visit(selected, selector.work); err != nil {
			return value.Value{}, err
		}
		if selected.Type != html.ElementNode || !selector.Match(selected) {
			continue
		}
		for _, table := range tablesOf(selected, done) {
			rows, ok, err := tableRows(table, left)
			if err != nil {
				return value.Value{}, err
			}
			if ok {
				tables.Append(rows)
			}
		}
	}
	return value.Map(value.Member{Name: "tables", Value: tables}), nil
}

// tablesOf is n if it is a table, else the tables in it, without what is done
// already; they are done then.
func tablesOf(n *html.Node, done map[*html.Node]bool) (tables []*html.Node) {
	add := func(n *html.Node) {
		if n.DataAtom == atom.Table && !done[n] {
			done[n] = true
			tables = append(tables, n)
		}
	}
	if n.DataAtom == atom.Table {
		add(n)
		return tables
	}
	for around := range n.Ancestors() {
		if around.DataAtom != atom.Table && done[around] {
			return nil
		}
	}
	done[n] = true
	for d := range n.Descendants() {
		add(d)
	}
	return tables
}

// rowGroup is one thead, tbody or tfoot of a table. The parser makes a tbody
// around rows that have none.
type rowGroup struct {
	kind atom.Atom
	rows []*html.Node
}

func rowGroups(table *html.Node) (groups []rowGroup) {
	for child := range table.ChildNodes() {
		switch child.DataAtom {
		case atom.Thead, atom.Tbody, atom.Tfoot:
			g := rowGroup{kind: child.DataAtom}
			for row := range child.ChildNodes() {
				if row.DataAtom == atom.Tr {
					g.rows = append(g.rows, row)
				}
			}
			groups = append(groups, g)
		}
	}
	return groups
}

// tableRows makes an object of each data row, its members named by the header:
// the first row with th cells of the thead, else the first row of the first
// group. Data rows are those of the tbody with td and without th cells. ok is
// false for a table without header. Cells that span columns or rows fill each
// place they cover.
func tableRows(table *html.Node, left *allowance) (rows value.Value, ok bool, err error) {
	groups := rowGroups(table)
	header, ok, err := headerOf(groups, left)
	if !ok || err != nil {
		return value.Value{}, false, err
	}
	cols := newColumns(header)
	body := atom.Tbody
	if !slices.ContainsFunc(groups, func(g rowGroup) bool { return g.kind == atom.Tbody && len(g.rows) > 0 }) {
		body = 0 // any group will do
	}
	rows = value.List()
	for _, g := range groups {
		if body != 0 && g.kind != body {
			continue
		}
		grid := newGrid(len(header))
		for _, tr := range g.rows {
			cells, data := grid.next(tr)
			if err := left.take(1 + len(cells) + grid.text/textUnit); err != nil {
				return value.Value{}, false, err
			}
			if data {
				rows.Append(cols.object(cells))
			}
		}
	}
	return rows, true, nil
}

// headerOf finds the names of the columns; ok is false where all are blank.
func headerOf(groups []rowGroup, left *allowance) (names []string, ok bool, err error) {
	row := firstHeader(groups)
	if row == nil {
		return nil, false, nil
	}
	for cell := range row.ChildNodes() {
		if cell.DataAtom != atom.Th && cell.DataAtom != atom.Td {
			continue
		}
		name := cellText(cell)
		ok = ok || name != ""
		for range span(cell, "colspan", 1000) {
			if err := left.take(1); err != nil {
				return nil, false, err
			}
			names = append(names, name)
		}
	}
	return names, ok, nil
}

func firstHeader(groups []rowGroup) *html.Node {
	for _, g := range groups {
		if g.kind == atom.Thead && len(g.rows) > 0 && has(g.rows[0], atom.Th) {
			return g.rows[0]
		}
	}
	for _, g := range groups {
		if len(g.rows) > 0 && has(g.rows[0], atom.Th) {
			return g.rows[0]
		}
	}
	return nil
}

func has(row *html.Node, cell atom.Atom) bool {
	for c := range row.ChildNodes() {
		if c.DataAtom == cell {
			return true
		}
	}
	return false
}

// textUnit is how many bytes of text cost as much as a value. Text is counted
// because tables within tables show theirs again and again.
const textUnit = 64

// grid lays the rows of a group out in columns.
type grid struct {
	cells   []string
	hanging []hanging // per column
	text    int       // bytes of text in the row
}

// hanging is what a cell above reaches down with.
type hanging struct {
	rows int
	text string
}

func newGrid(width int) *grid {
	return &grid{cells: make([]string, width), hanging: make([]hanging, width)}
}

// taken fills a column from above and reports whether it could.
func (g *grid) taken(column int) bool {
	h := &g.hanging[column]
	if h.rows == 0 {
		return false
	}
	h.rows--
	g.cells[column] = h.text
	return true
}

// next returns the cells of the next row, one per column ("" where there is
// none), and whether it is a data row. The cells are valid until the next call.
func (g *grid) next(tr *html.Node) (cells []string, data bool) {
	clear(g.cells)
	g.text = 0
	width := len(g.cells)
	column, heads := 0, false
	for cell := range tr.ChildNodes() {
		if cell.DataAtom != atom.Th && cell.DataAtom != atom.Td {
			continue
		}
		heads = heads || cell.DataAtom == atom.Th
		data = true
		for column < width && g.taken(column) {
			column++
		}
		if column >= width {
			continue
		}
		text, down := cellText(cell), span(cell, "rowspan", 65534)
		g.text += len(text)
		for range min(span(cell, "colspan", 1000), width-column) {
			g.taken(column) // where spans overlap, the later one shows
			g.cells[column] = text
			g.hanging[column] = hanging{down - 1, text}
			column++
		}
	}
	for ; column < width; column++ {
		g.taken(column)
	}
	return g.cells, data && !heads
}

// span reads a colspan or rowspan attribute. A rowspan of 0 reaches to the end of the group.
func span(cell *html.Node, name string, most int) int {
	for _, a := range cell.Attr {
		if a.Key != name {
			continue
		}
		n, err := strconv.Atoi(strings.TrimSpace(a.Val))
		switch {
		case err != nil || n < 0 || n == 0 && name == "colspan":
			return 1
		case n == 0 || n > most:
			return most
		}
		return n
	}
	return 1
}

// cellText is the text of a cell as a browser shows it on one line.
func cellText(cell *html.Node) string {
	var b strings.Builder
	gap := false // white space since the last word
	for n := range cell.Descendants() {
		if n.Type != html.TextNode {
			gap = gap || breaksLine[n.DataAtom]
			continue
		}
		for text := n.Data; text != ""; {
			word := strings.TrimLeftFunc(text, unicode.IsSpace)
			gap = gap || len(word) < len(text)
			if word == "" {
				break
			}
			end := strings.IndexFunc(word, unicode.IsSpace)
			if end < 0 {
				end = len(word)
			}
			if gap && b.Len() > 0 {
				b.WriteByte(' ')
			}
			gap = false
			b.WriteString(word[:end])
			text = word[end:]
		}
	}
	return b.String()
}

// breaksLine holds the elements that stand on lines of their own.
var breaksLine = map[atom.Atom]bool{
	atom.Address: true, atom.Article: true, atom.Aside: true, atom.Blockquote: true, atom.Br: true, atom.Dd: true,
	atom.Div: true, atom.Dl: true, atom.Dt: true, atom.Figure: true, atom.Footer: true, atom.Form: true, atom.H1: true,
	atom.H2: true, atom.H3: true, atom.H4: true, atom.H5: true, atom.H6: true, atom.Header: true, atom.Hr: true,
	atom.Li: true, atom.Main: true, atom.Nav: true, atom.Ol: true, atom.P: true, atom.Pre: true, atom.Section: true,
	atom.Table: true, atom.Td: true, atom.Th: true, atom.Tr: true, atom.Ul: true,
}
