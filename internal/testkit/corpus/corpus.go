// Package corpus runs Fairlead over the published documents that lie beside the
// repository. They are other people's text: they are read in place and skipped
// with a message when they are not there.
package corpus

import (
	"cmp"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/fairlead/fairlead/internal/compile"
	"github.com/fairlead/fairlead/internal/diag"
	"github.com/fairlead/fairlead/internal/host"
)

// Find returns the folder of the corpus, looked for beside the repository from
// the working directory up.
func Find() (string, bool) {
	dir, err := os.Getwd()
	for err == nil && dir != filepath.Dir(dir) {
		if info, err := os.Stat(filepath.Join(dir, "shared", "corpus")); err == nil && info.IsDir() {
			return filepath.Join(dir, "shared", "corpus"), true
		}
		dir = filepath.Dir(dir)
	}
	return "", false
}

// Paths lists the documents, or skips the test when there are none.
func Paths(t testing.TB) []string {
	t.Helper()
	dir, ok := Find()
	if !ok {
		t.Skip("no corpus of published documents beside the repository (../shared/corpus)")
	}
	found, err := host.Expand([]string{dir})
	if err != nil {
		t.Fatal(err)
	}
	paths := make([]string, len(found))
	for i, f := range found {
		paths[i] = f.Path
	}
	return paths
}

// Compile compiles documents on all processors, in order of the paths.
func Compile(paths []string, upstream *url.URL) []*host.Document {
	docs := make([]*host.Document, len(paths))
	var wg sync.WaitGroup
	next := make(chan int)
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for i := range next {
				o := compile.Options{}
				if upstream != nil {
					o.Upstream = map[string]*url.URL{"": upstream}
				}
				src, err := host.Read(paths[i], host.ReadOptions{})
				if err != nil {
					src.Name = paths[i]
				}
				docs[i] = host.Compile(src, o)
			}
		})
	}
	for i := range paths {
		next <- i
	}
	close(next)
	wg.Wait()
	return docs
}

// Report counts what becomes of the documents.
type Report struct {
	Documents, Unusable, Served, Withheld int
	Causes                                map[string]int // diagnostics that withhold, by code
}

// Count makes a report.
func Count(docs []*host.Document) Report {
	r := Report{Documents: len(docs), Causes: map[string]int{}}
	for _, d := range docs {
		if d.Plan == nil {
			r.Unusable++
		}
		r.Served += d.Served()
		r.Withheld += d.Withheld()
		for _, g := range d.Diags {
			if g.Severity == diag.Error || strings.HasPrefix(g.Code, "base-uri-") || g.Code == "not-served" {
				r.Causes[g.Code]++
			}
		}
	}
	return r
}

// String is a line for each count, causes by frequency.
func (r Report) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "documents %d\nunusable %d\nserved %d\nwithheld %d\n", r.Documents, r.Unusable, r.Served, r.Withheld)
	codes := make([]string, 0, len(r.Causes))
	for c := range r.Causes {
		codes = append(codes, c)
	}
	slices.SortFunc(codes, func(a, b string) int { return cmp.Or(r.Causes[b]-r.Causes[a], cmp.Compare(a, b)) })
	for _, c := range codes {
		fmt.Fprintf(&b, "cause %s %d\n", c, r.Causes[c])
	}
	return b.String()
}
