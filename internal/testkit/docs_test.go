package testkit_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// citation is how code and tests name sections of docs/semantics.md: “semantics 4.2”,
// “semantics 4.2, 4.3”.
var citation = regexp.MustCompile(`semantics ((?:\d+\.\d+(?:, )?)+)`)

// cited lists where the Go files of the repository name sections, by section: tests
// and the archives that they play, or the rest.
func cited(t *testing.T, tests bool) map[string][]string {
	t.Helper()
	places := map[string][]string{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && strings.HasPrefix(d.Name(), ".") && path != root {
			return filepath.SkipDir
		}
		ofTests := strings.HasSuffix(path, "_test.go") || filepath.Ext(path) == ".txtar"
		if filepath.Ext(path) != ".go" && !ofTests || ofTests != tests ||
			strings.HasSuffix(path, "testkit/docs_test.go") {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for line := range strings.Lines(string(text)) {
			if strings.Contains(line, "rules.md") {
				t.Errorf("%s cites rules.md, which is not in the repository: %s", path, strings.TrimSpace(line))
			}
			for _, found := range citation.FindAllStringSubmatch(line, -1) {
				for _, section := range strings.Split(found[1], ", ") {
					places[section] = append(places[section], path)
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return places
}

func TestSemantics_everySectionIsHeldByATest(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "docs/semantics.md"))
	if err != nil {
		t.Fatal(err)
	}
	var sections []string
	for _, found := range regexp.MustCompile(`(?m)^\*\*(\d+\.\d+) `).FindAllStringSubmatch(string(text), -1) {
		if slices.Contains(sections, found[1]) {
			t.Errorf("section %s is there twice", found[1])
		}
		sections = append(sections, found[1])
	}
	if len(sections) < 40 {
		t.Fatalf("%d sections", len(sections))
	}
	inTests, inCode := cited(t, true), cited(t, false)
	for _, section := range sections {
		if len(inTests[section]) == 0 {
			t.Errorf("no test is marked “semantics %s”", section)
		}
	}
	for _, places := range []map[string][]string{inTests, inCode} {
		for section, files := range places {
			if !slices.Contains(sections, section) {
				t.Errorf("%v cite semantics %s, which docs/semantics.md does not have", files, section)
			}
		}
	}
}

func TestExtending_namesFilesThatAreThere(t *testing.T) {
	for _, page := range []string{"docs/extending.md", "docs/semantics.md", "docs/architecture.md", "CONTRIBUTING.md"} {
		text, err := os.ReadFile(filepath.Join(root, page))
		if err != nil {
			t.Fatal(err)
		}
		named := regexp.MustCompile("`((?:internal|docs|cmd|bench|test|capabilities)/[\\w./-]+|CHANGELOG\\.md)`").FindAllStringSubmatch(string(text), -1)
		if page == "docs/extending.md" && len(named) < 30 {
			t.Errorf("%s names %d files", page, len(named))
		}
		for _, found := range named {
			if _, err := os.Stat(filepath.Join(root, found[1])); err != nil {
				t.Errorf("%s names %s, which is not there", page, found[1])
			}
		}
	}
}
