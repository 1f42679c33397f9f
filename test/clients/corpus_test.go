package clients

import (
	"encoding/csv"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/fairlead/fairlead/test/harness"
)

// corpus is the folder of published documents, beside the repository.
const corpus = "../../../shared/corpus"

// TestInspector_findsNothingInPublishedDocuments lints the tools of documents
// spread over the whole corpus, each served for real. FAIRLEAD_CORPUS_SAMPLE
// says how many, 20 when it is not set.
func TestInspector_findsNothingInPublishedDocuments(t *testing.T) {
	t.Parallel()
	inspector(t)
	size := 20
	if text := os.Getenv("FAIRLEAD_CORPUS_SAMPLE"); text != "" {
		var err error
		if size, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	for _, file := range sample(t, size) {
		t.Run(strings.TrimPrefix(file, corpus+"/"), func(t *testing.T) {
			t.Parallel()
			// Many documents have no base URI of their own; nothing is called here.
			if tools := listStrictly(t, untyped, "--protocol-era", "auto", harness.Fairlead(t), "mcp", file, "--upstream",
				"http://127.0.0.1:9"); len(tools.Tools) == 0 {
				t.Error("no tool is served")
			}
		})
	}
}

// sample returns size published documents, or the few that there are, at equal
// distances in the corpus: such as expose MCP and whose calls all resolve.
func sample(t *testing.T, size int) []string {
	t.Helper()
	index, err := os.Open(filepath.Join(corpus, "INDEX.tsv"))
	if err != nil {
		t.Skip("there is no corpus beside the repository")
	}
	defer index.Close()
	rows := csv.NewReader(index)
	rows.Comma, rows.LazyQuotes = '\t', true
	all, err := rows.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	column := map[string]int{}
	for i, name := range all[0] {
		column[name] = i
	}
	var files []string
	for _, row := range all[1:] {
		cell := func(name string) string { return row[column[name]] }
		published := cell("kind") == "site" || cell("kind") == "ae-capability"
		if published && strings.Contains(cell("expose_types"), "mcp") && cell("calls") != "0" &&
			cell("calls") == cell("calls_resolved") && cell("unloadable_import") == "0" {
			files = append(files, filepath.Join(corpus, cell("file")))
		}
	}
	var picked []string
	for i := range min(size, len(files)) {
		picked = append(picked, files[i*len(files)/min(size, len(files))])
	}
	return picked
}
