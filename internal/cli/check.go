package cli

import (
	"context"
	"fmt"
	"runtime"
	"sync"

	"github.com/spf13/cobra"

	"github.com/fairlead/fairlead/internal/compile"
	"github.com/fairlead/fairlead/internal/diag"
	"github.com/fairlead/fairlead/internal/host"
	"github.com/fairlead/fairlead/internal/value"
)

func checkCommand(s Streams) *cobra.Command {
	var (
		l      loading
		out    output
		strict bool
		notes  bool
		all    bool
		fix    bool
	)
	cmd := &cobra.Command{
		Use:   "check FILE|DIR...",
		Short: "Say what of documents would not work, where and why",
		Long: `Check reads documents as serve does and prints every diagnostic with its place.
It calls nothing. Files of a folder that are plainly something else, such as
secrets or parts that documents import, are left out. With -o json it prints one
line of JSON for each document, with -o sarif one SARIF 2.1.0 log. Of more than
20 documents it prints a summary, unless --all is given. It exits with 1 when
there is an error.`,
		Example: `  fairlead check capability.yaml
  fairlead check . --notes                     # all documents below this folder
  fairlead check . -o json > findings.jsonl    # a line for each document
  fairlead check . -o sarif > findings.sarif`,
		Args:              named("FILE or DIR"),
		ValidArgsFunction: completeDocuments,
		RunE: func(cmd *cobra.Command, args []string) error {
			o, err := l.options()
			if err != nil {
				return err
			}
			paths, err := host.Expand(args)
			if err != nil {
				return failed(err)
			}
			if fix {
				if err := fixOverlays(s, paths, &l); err != nil {
					return err
				}
			}
			return check(cmd.Context(), s, paths, l.read(s), o, string(out), checkOptions{strict, notes, all})
		},
	}
	l.flags(cmd)
	out.flag(cmd, "text", "json", "sarif")
	cmd.Flags().BoolVar(&strict, "strict", false, "exit with 1 on warnings too")
	cmd.Flags().BoolVar(&fix, "fix-overlay", false,
		"write NAME.overlay.yaml where people can sign in themselves, as suggest does")
	cmd.Flags().BoolVar(&notes, "notes", false, "print infos too (text output)")
	cmd.Flags().BoolVar(&all, "all", false,
		"print every finding of every document, however many there are (text output)")
	return cmd
}

// checkOptions say what check prints and what makes it fail.
type checkOptions struct{ strict, notes, all bool }

// manyDocuments is how many documents have their findings printed one by one. Of
// more, nobody reads them: a summary says where to look.
const manyDocuments = 20

// finding is a checked document.
type finding struct {
	host.Found
	doc *host.Document
	err error
}

func check(ctx context.Context, s Streams, paths []host.Found, read host.ReadOptions, o compile.Options, out string,
	how checkOptions) error {
	var (
		all   diag.List
		sum   = newSummary(len(paths) > manyDocuments && !how.all)
		least = diag.Warning
	)
	if how.notes {
		least = diag.Info
	}
	scripts := newScripts()
	defer scripts.Close()
	var findings []finding
	var documents []*host.Document
	for f := range compileAll(ctx, paths, read, o, scripts, progress(s, len(paths))) {
		if f.err != nil {
			return failed(f.err)
		}
		if f.Folder != "" && f.doc.IsOther() {
			sum.others = append(sum.others, f.Path)
			continue
		}
		findings, documents = append(findings, f), append(documents, f.doc)
	}
	host.Collide(host.Config{Documents: documents})
	for _, f := range findings {
		sum.add(f.doc)
		var err error
		switch out {
		case "json":
			_, err = s.Out.Write(append(checkLine(f), '\n'))
		case "sarif":
			all = append(all, f.doc.Diags...)
		default:
			if !sum.short {
				err = printDiagnostics(s.Out, f.doc, least)
			}
		}
		if err != nil {
			return failed(err)
		}
	}
	switch out {
	case "sarif":
		tool := diag.Tool{Name: "Fairlead", Version: Version(), InformationURI: "https://fairlead.dev",
			HelpBase: "https://fairlead.dev/diagnostics/"}
		if err := diag.WriteSARIF(s.Out, tool, all, diag.Codes()); err != nil {
			return failed(err)
		}
	case "text":
		sum.print(s.Out, "\nTo see more: “fairlead check FILE” for one document, --all for every finding, -o json for programs.\n")
	}
	if sum.errors > 0 || how.strict && sum.warnings > 0 {
		return errFindings
	}
	return nil
}

// compileAll compiles documents on all processors and yields them in order.
func compileAll(ctx context.Context, paths []host.Found, read host.ReadOptions, o compile.Options,
	scripts host.ScriptChecker, tick func()) func(yield func(finding) bool) {
	return func(yield func(finding) bool) {
		results := make([]chan finding, len(paths))
		for i := range results {
			results[i] = make(chan finding, 1)
		}
		next := make(chan int)
		done := make(chan struct{})
		var workers sync.WaitGroup
		for range min(runtime.GOMAXPROCS(0), len(paths)) {
			workers.Go(func() {
				for i := range next {
					f := finding{Found: paths[i], err: ctx.Err()}
					if f.err != nil {
						results[i] <- f
						continue
					}
					f.doc, f.err = host.ReadFound(f.Found, read, func(src host.Source) *host.Document {
						d := host.Compile(src, o)
						host.CheckScripts(ctx, d, scripts)
						return d
					})
					results[i] <- f
				}
			})
		}
		go func() {
			defer close(next)
			for i := range paths {
				select {
				case next <- i:
				case <-done:
					return
				}
			}
		}()
		defer workers.Wait()
		defer close(done)
		for _, r := range results {
			tick()
			if !yield(<-r) {
				return
			}
		}
	}
}

// progress counts documents on a terminal, when there are many.
func progress(s Streams, total int) func() {
	if total < 200 || !color(s.Err) {
		return func() {}
	}
	n := 0
	return func() {
		if n++; n%50 == 0 || n == total {
			fmt.Fprintf(s.Err, "\r%d of %d documents", n, total)
			if n == total {
				fmt.Fprint(s.Err, "\r\033[K")
			}
		}
	}
}

// checkLine is the line of JSON for one document.
func checkLine(f finding) []byte {
	version := "none"
	if f.doc.Model != nil {
		version = f.doc.Model.Version.String()
	}
	units := value.Map(value.Member{Name: "served", Value: value.Int(int64(f.doc.Served()))},
		value.Member{Name: "withheld", Value: value.Int(int64(f.doc.Withheld()))})
	line := value.Map(value.Member{Name: "file", Value: value.Of(f.Path)},
		value.Member{Name: "version", Value: value.Of(version)},
		value.Member{Name: "units", Value: units}).AppendJSON(nil)
	line = append(line[:len(line)-1], `,"diagnostics":[`...)
	for i, d := range f.doc.Diags {
		if i > 0 {
			line = append(line, ',')
		}
		line = d.AppendJSON(line)
	}
	return append(line, "]}"...)
}
