package corpus

import (
	"bufio"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/fairlead/fairlead/internal/testkit/leak"
)

var update = flag.Bool("update", false, "write testdata/report.txt anew")

func TestMain(m *testing.M) { os.Exit(leak.Main(m)) }

// TestReport_neverGetsWorse compares what becomes of the corpus with what became
// of it before. A better number fails too, so that it is written down.
func TestReport_neverGetsWorse(t *testing.T) {
	report := Count(Compile(Paths(t), nil)).String()
	const file = "testdata/report.txt"
	if *update {
		if err := os.WriteFile(file, []byte(report), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if report != string(want) {
		t.Errorf("the numbers changed; if for the better, run “go test ./internal/testkit/corpus -update”:\n%s",
			difference(string(want), report))
	}
}

func difference(want, got string) string {
	var b strings.Builder
	old := map[string]string{}
	for s := bufio.NewScanner(strings.NewReader(want)); s.Scan(); {
		i := strings.LastIndexByte(s.Text(), ' ')
		old[s.Text()[:i]] = s.Text()[i+1:]
	}
	for s := bufio.NewScanner(strings.NewReader(got)); s.Scan(); {
		i := strings.LastIndexByte(s.Text(), ' ')
		if name, n := s.Text()[:i], s.Text()[i+1:]; old[name] != n {
			fmt.Fprintf(&b, "%s: %s, was %s\n", name, n, old[name])
		}
		delete(old, s.Text()[:i])
	}
	for name, n := range old {
		fmt.Fprintf(&b, "%s: gone, was %s\n", name, n)
	}
	return b.String()
}
