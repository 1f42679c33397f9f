package host_test

import (
	"bytes"
	"encoding/hex"
	"flag"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"

	godiff "github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/fairlead/fairlead/internal/compile"
	"github.com/fairlead/fairlead/internal/document"
	"github.com/fairlead/fairlead/internal/host"
	"github.com/fairlead/fairlead/internal/testkit"
	"github.com/fairlead/fairlead/internal/value"
)

var update = flag.Bool("update", false, "write what the code gives into the files of testdata/features")

// feature is one archive of testdata/features: what it shows stands above
// document.yaml. Files with a meaning, in the order in which they are played:
//
//	env               NAME=value lines, the environment; $UPSTREAM is the fake API's URL
//	answer            what the fake API answers as HTTP text, {"ok":true} without it;
//	                  several in a row are given one after the other, the last one repeats
//	answer METHOD /p  the same for one method and path
//	request           what a REST caller sends, as HTTP text
//	tool              what an MCP caller calls: the name, a line end, the arguments
//	upstream          what the fake API received for it, sorted when there are several answers by path
//	response, result  what the REST or the MCP caller got for it
//	tools             what tools/list of the MCP server gives, one tool a line
//	diagnostics       what is said of the document
//
// Everything else is written beside the document. Every host that ends in .test
// is the fake API. The header X-Body: hex in an answer says how its body is
// written; Content-Encoding and charset are applied to it.
type feature struct {
	path    string
	archive *txtar.Archive
	dir     string
	up      *testkit.Upstream
	served  *testkit.Served
	diags   string
}

// hosts are the names under which documents of features know the fake API.
var hosts = []string{"api.test", "crm.test", "billing.test", "token.test"}

func TestFeatures(t *testing.T) {
	paths, err := filepath.Glob("testdata/features/*.txtar")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no features: %v", err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(path)
			if err != nil {
				t.Fatal(err)
			}
			f := &feature{path: path, archive: archive, dir: t.TempDir()}
			f.play(t)
		})
	}
}

// expected are the files that playing a feature gives.
var expected = []string{"upstream", "response", "result", "tools", "diagnostics"}

func (f *feature) play(t *testing.T) {
	f.open(t)
	var played []txtar.File
	give := func(name, text string) {
		if text != "" {
			played = append(played, txtar.File{Name: name, Data: []byte(strings.TrimRight(text, "\n") + "\n")})
		}
	}
	answers := &answers{by: map[string][]http.HandlerFunc{}}
	f.up.Set(answers.ServeHTTP)
	fresh := true // no call since the last answer
	asksTools := false
	for _, file := range f.archive.Files {
		if slices.Contains(expected, file.Name) {
			asksTools = asksTools || file.Name == "tools"
			continue
		}
		played = append(played, file)
		name, key, _ := strings.Cut(file.Name, " ")
		switch name {
		case "document.yaml":
			give("diagnostics", f.diags)
		case "answer":
			answers.add(key, f.answer(t, string(file.Data)), fresh)
			fresh = true
		case "request", "tool":
			var text string
			if name == "request" {
				text = f.request(t, string(file.Data))
			} else {
				text = f.tool(t, string(file.Data))
			}
			give("upstream", f.received(len(answers.by) > 1))
			give(map[string]string{"request": "response", "tool": "result"}[name], text)
			fresh = false
		}
	}
	if asksTools {
		give("tools", f.tools(t))
	}
	got := txtar.Format(&txtar.Archive{Comment: f.archive.Comment, Files: played})
	if *update {
		if err := os.WriteFile(f.path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := godiff.Diff(strings.Split(string(txtar.Format(f.archive)), "\n"),
		strings.Split(string(got), "\n")); diff != "" {
		t.Errorf("want (-), got (+), see “go test ./internal/host -run TestFeatures -update”:\n%s", diff)
	}
}

// open compiles and serves the document.
func (f *feature) open(t *testing.T) {
	var src host.Source
	env := map[string]string{}
	f.up = testkit.NewUpstream(t, nil)
	for _, file := range f.archive.Files {
		switch file.Name {
		case "document.yaml":
			src = host.Source{File: host.File{Name: file.Name, Text: file.Data}, Folder: document.NewFolder(f.dir)}
			f.write(t, file)
		case "env":
			for line := range strings.Lines(string(file.Data)) {
				name, text, _ := strings.Cut(strings.TrimSpace(line), "=")
				env[name] = strings.ReplaceAll(text, "$UPSTREAM", f.up.URL)
			}
		default:
			if path.Ext(file.Name) != "" && !strings.Contains(file.Name, " ") {
				f.write(t, file)
			}
		}
	}
	o := compile.Options{Hosts: map[string]*url.URL{}}
	to, err := url.Parse(f.up.URL)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range hosts {
		o.Hosts[name] = to
	}
	f.served = testkit.ServeSource(t, src, testkit.Options{Env: env, Plan: o})
	var lines []string
	for _, d := range f.served.Document.Diags {
		at := strings.TrimPrefix(filepath.ToSlash(d.Range.File), filepath.ToSlash(f.dir)+"/")
		lines = append(lines, fmt.Sprintf("%s:%d:%d: %s [%s]", at, d.Range.Start.Line, d.Range.Start.Column,
			d.Message, d.Code))
	}
	f.diags = strings.Join(lines, "\n")
}

// write puts a file beside the document; one in hexadecimal ends in .hex.
func (f *feature) write(t *testing.T, file txtar.File) {
	name, data := filepath.Join(f.dir, filepath.FromSlash(file.Name)), file.Data
	if before, ok := strings.CutSuffix(name, ".hex"); ok {
		name, data = before, unhex(t, string(data))
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

// answers are what the fake API answers, by "METHOD /path", "" for the rest.
type answers struct {
	mu sync.Mutex
	by map[string][]http.HandlerFunc
}

// add puts an answer behind the earlier ones of the key, or in their place when
// they belong to an earlier call.
func (a *answers) add(key string, h http.HandlerFunc, behind bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !behind {
		a.by = map[string][]http.HandlerFunc{}
	}
	a.by[key] = append(a.by[key], h)
}

func (a *answers) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	key := r.Method + " " + r.URL.Path
	if len(a.by[key]) == 0 {
		key = ""
	}
	queue := a.by[key]
	if len(queue) > 1 {
		a.by[key] = queue[1:]
	}
	a.mu.Unlock()
	if len(queue) == 0 {
		queue = []http.HandlerFunc{testkit.Answer("HTTP/1.1 200 OK\nContent-Type: application/json\n\n{\"ok\":true}")}
	}
	queue[0](w, r)
}

// answer is testkit.Answer with bodies in hexadecimal, and encoded as they say.
func (f *feature) answer(t *testing.T, text string) http.HandlerFunc {
	text = strings.ReplaceAll(text, "$UPSTREAM", f.up.URL)
	head, body, _ := strings.Cut(strings.TrimSuffix(text, "\n"), "\n\n")
	data := []byte(body)
	if strings.Contains(head, "\nX-Body: hex") {
		head = strings.Replace(head, "\nX-Body: hex", "", 1)
		data = unhex(t, body)
	}
	var encoded bytes.Buffer
	switch {
	case strings.Contains(head, "Content-Encoding: gzip"):
		w := gzip.NewWriter(&encoded)
		_, _ = w.Write(data)
		w.Close()
		data = encoded.Bytes()
	case strings.Contains(head, "Content-Encoding: zstd"):
		w, err := zstd.NewWriter(&encoded)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = w.Write(data)
		w.Close()
		data = encoded.Bytes()
	}
	return testkit.Answer(strings.TrimSpace(head) + "\n\n" + string(data) + "\n")
}

func unhex(t *testing.T, text string) []byte {
	data, err := hex.DecodeString(strings.Join(strings.Fields(text), ""))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// request sends HTTP text to the REST server and returns the answer as HTTP text.
func (f *feature) request(t *testing.T, text string) string {
	head, body, _ := strings.Cut(strings.TrimSuffix(text, "\n"), "\n\n")
	lines := strings.Split(strings.TrimSpace(head), "\n")
	method, uri, _ := strings.Cut(lines[0], " ")
	r, err := http.NewRequestWithContext(t.Context(), method, f.served.REST+strings.TrimSuffix(uri, " HTTP/1.1"),
		strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range lines[1:] {
		name, v, _ := strings.Cut(line, ":")
		r.Header.Add(name, strings.TrimSpace(v))
	}
	resp, err := http.DefaultTransport.RoundTrip(r) // follows no redirect
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s\n", resp.Proto, resp.Status)
	for _, name := range slices.Sorted(maps.Keys(resp.Header)) {
		if name == "Date" || name == "Content-Length" || name == "X-Content-Type-Options" { // which every body has
			continue
		}
		for _, v := range resp.Header[name] {
			fmt.Fprintf(&b, "%s: %s\n", name, v)
		}
	}
	if len(data) > 0 {
		fmt.Fprintf(&b, "\n%s\n", readable(data))
	}
	return f.settled(b.String())
}

// readable is text as it is; bytes that are none are written as in Go.
func readable(data []byte) string {
	var b strings.Builder
	for len(data) > 0 {
		c, size := utf8.DecodeRune(data)
		if c == utf8.RuneError && size == 1 || c < ' ' && c != '\n' && c != '\t' {
			fmt.Fprintf(&b, "\\x%02x", data[0])
		} else {
			b.Write(data[:size])
		}
		data = data[size:]
	}
	return b.String()
}

// tool calls a tool and returns its result, or the error of the protocol.
func (f *feature) tool(t *testing.T, text string) string {
	name, arguments, _ := strings.Cut(strings.TrimSpace(text), "\n")
	return f.settled(f.reply(t, testkit.CallTool(t, f.served.MCP, name, arguments)))
}

func (f *feature) reply(t *testing.T, body string) string {
	v, err := value.Parse([]byte(body))
	if err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	if result := v.Get("result"); !result.IsAbsent() {
		return string(result.AppendJSON(nil))
	}
	return string(v.Get("error").AppendJSON(nil))
}

func (f *feature) tools(t *testing.T) string {
	_, _, body := testkit.Do(t, http.MethodPost, f.served.MCP, `{"jsonrpc":"2.0","id":1,"method":"tools/list"}`,
		"Content-Type", "application/json", "Accept", "application/json, text/event-stream", "MCP-Protocol-Version",
		"2025-06-18")
	v, err := value.Parse([]byte(body))
	if err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	var b strings.Builder
	list := v.Path("result", "tools")
	for i := range list.Len() {
		fmt.Fprintf(&b, "%s\n", list.At(i).AppendJSON(nil))
	}
	return b.String()
}

// received is what the fake API got.
func (f *feature) received(sorted bool) string {
	var texts []string
	for _, r := range f.up.Requests() {
		r.Body = []byte(readable(bytes.ReplaceAll(r.Body, []byte("\r\n"), []byte("\n"))))
		texts = append(texts, f.settled(r.Text()))
	}
	if sorted {
		slices.Sort(texts)
	}
	return strings.Join(texts, "---\n")
}

// changing are the parts of texts that differ from run to run.
var changing = regexp.MustCompile(`((?:cnonce|response|oauth_nonce|oauth_timestamp|oauth_signature)=")[^"]*`)

var boundary = regexp.MustCompile(`boundary=([0-9a-f]{60})`)

// settled is text without what differs from run to run.
func (f *feature) settled(text string) string {
	text = strings.ReplaceAll(text, f.up.URL, "$UPSTREAM")
	text = strings.ReplaceAll(text, f.dir, "$DIR")
	if m := boundary.FindStringSubmatch(text); m != nil {
		text = strings.ReplaceAll(text, m[1], "BOUNDARY")
	}
	return changing.ReplaceAllString(text, "${1}…")
}

// TestFormat_examplesCompile compiles every example of docs/format.md. A block
// that begins with a comment is the file of that name beside the others.
func TestFormat_examplesCompile(t *testing.T) {
	page, err := os.ReadFile("../../docs/format.md")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	var documents []string
	for i, block := range strings.Split(string(page), "\n```yaml\n")[1:] {
		text, _, ok := strings.Cut(block, "\n```")
		if !ok {
			t.Fatalf("example %d is not closed", i+1)
		}
		name, _, _ := strings.Cut(text, "\n")
		if name, ok = strings.CutPrefix(name, "# "); !ok {
			documents = append(documents, text)
			continue
		}
		file := feature{dir: dir}
		file.write(t, txtar.File{Name: name, Data: []byte(text)})
	}
	for i, text := range documents {
		src := host.Source{File: host.File{Name: fmt.Sprintf("example %d", i+1), Text: []byte(text)},
			Folder: document.NewFolder(dir)}
		d := host.Compile(src, compile.Options{})
		if len(d.Diags) > 0 || d.Withheld() > 0 || d.Served() == 0 {
			t.Errorf("%d served, %d withheld, %v of\n%s", d.Served(), d.Withheld(), d.Diags, text)
		}
	}
}
