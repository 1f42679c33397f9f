package mcp_test

import (
	"bufio"
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
)

var update = flag.Bool("update", false, "rewrite testdata")

// Each file of testdata is an exchange: request and response by turns, as HTTP
// without what every message has. Answers are indented to be read.
func TestServeHTTP_wireExamples(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no testdata", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			url, _ := serve(t, fixture())
			var out []txtar.File
			for _, f := range archive.Files {
				if f.Name != "request" {
					continue
				}
				response := exchange(t, url, string(f.Data))
				out = append(out, f, txtar.File{Name: "response", Data: []byte(response)})
			}
			got := txtar.Format(&txtar.Archive{Comment: archive.Comment, Files: out})
			if *update {
				if err := os.WriteFile(file, got, 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			want, err := os.ReadFile(file)
			if diff := cmp.Diff(string(want), string(got)); diff != "" || err != nil {
				t.Errorf("-want +got, %v:\n%s", err, diff)
			}
		})
	}
}

func exchange(t *testing.T, url, request string) string {
	head, body, _ := strings.Cut(request, "\n\n")
	lines := bufio.NewScanner(strings.NewReader(head))
	lines.Scan()
	method, path, _ := strings.Cut(lines.Text(), " ")
	req, err := http.NewRequest(method, url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/json, text/event-stream")
	for lines.Scan() {
		name, v, _ := strings.Cut(lines.Text(), ": ")
		req.Header.Set(name, v)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var b strings.Builder
	fmt.Fprintln(&b, res.StatusCode)
	for _, name := range []string{"Content-Type", "Allow"} {
		if v := res.Header.Get(name); v != "" && v != "application/json" {
			fmt.Fprintf(&b, "%s: %s\n", name, v)
		}
	}
	var answer strings.Builder
	if _, err := bufio.NewReader(res.Body).WriteTo(&answer); err != nil {
		t.Fatal(err)
	}
	if answer.Len() > 0 {
		b.WriteString("\n" + indent(answer.String()) + "\n")
	}
	return b.String()
}
