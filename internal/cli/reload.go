package cli

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/fairlead/fairlead/internal/adapter/control"
	"github.com/fairlead/fairlead/internal/diag"
	"github.com/fairlead/fairlead/internal/document"
	"github.com/fairlead/fairlead/internal/event"
	"github.com/fairlead/fairlead/internal/host"
)

// reloader reads documents and secrets again: on SIGHUP, when a control server is
// asked to, and when files change. What cannot be used leaves the old ones in force.
type reloader struct {
	m       *machine
	s       Streams
	r       *running
	list    func() ([]host.Found, error)
	collide func([]*host.Document)
	update  func([]*host.Document) (host.Updated, error)
	refuse  func(error)
	strict  bool // what has a finding is refused

	one   sync.Mutex // reload at a time
	mu    sync.Mutex
	files []string // that the documents in force were made of, and those that were refused
}

// run reloads from now on, until ctx ends; the function that it returns waits for that.
func (l *reloader) run(ctx context.Context, watch bool) (wait func()) {
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	var running sync.WaitGroup
	running.Go(func() {
		defer signal.Stop(hangup)
		for {
			select {
			case <-ctx.Done():
				return
			case <-hangup:
				l.reload(ctx)
			}
		}
	})
	l.note(l.m.documents)
	if watch {
		running.Go(func() {
			w := host.Watch{Files: l.watched}
			w.Run(ctx, func() { l.reload(ctx) })
		})
	}
	return running.Wait
}

func (l *reloader) note(documents []*host.Document) {
	files := host.Files(documents)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.files = files
}

// watched are the files that matter now: new ones may have come into a folder.
func (l *reloader) watched() []string {
	found, _ := l.list() // none while a folder is not there
	l.mu.Lock()
	defer l.mu.Unlock()
	all := l.files[:len(l.files):len(l.files)]
	for _, f := range found {
		all = append(all, f.Path)
	}
	return all
}

// read reads the documents as they stand now.
func (l *reloader) read(ctx context.Context) (*machine, error) {
	next := &machine{sandbox: l.m.sandbox, scripts: l.m.scripts}
	o, err := l.r.options()
	if err != nil {
		return next, err
	}
	if l.m.sandbox != nil {
		o.Hosts = l.m.sandbox.hosts()
	}
	paths, err := l.list()
	if err == nil {
		err = next.read(ctx, l.r, paths, o, l.s)
	}
	return next, err
}

// reload reads everything again. Secrets are renewed in any case.
func (l *reloader) reload(ctx context.Context) control.Reloaded {
	l.one.Lock()
	defer l.one.Unlock()
	l.m.secrets.Refresh()
	if err := l.m.out.reopen(); err != nil {
		l.m.log.Error("a file of lines cannot be opened anew, the old one stays in use", "error", err)
	}
	next, err := l.read(ctx)
	if err == nil {
		l.collide(next.documents)
		err = next.admit(l.s, l.strict)
	}
	if len(next.documents) > 0 {
		l.note(next.documents)
	}
	var u host.Updated
	if err == nil {
		l.m.mask(next.documents)
		u, err = l.update(next.documents)
	} else if l.refuse != nil {
		l.refuse(err)
	}
	done := control.Reloaded{Outcome: "reloaded", Generation: u.Generation, Documents: len(next.documents),
		Problems: []string{}}
	for _, problem := range u.Problems {
		done.Problems = append(done.Problems, problem.Error())
	}
	switch {
	case err != nil:
		done.Outcome, done.Problems = "refused", append(done.Problems, err.Error())
		done.Problems = append(done.Problems, l.findings(next.documents)...)
		if h := l.m.host.Load(); h != nil {
			done.Generation = h.Generation().Number
		}
		l.m.say("reload refused, the old documents serve on: %s", err)
	case u.Refused && !u.Changed:
		done.Outcome, err = "refused", fmt.Errorf("%s", done.Problems[0])
		done.Problems = append(done.Problems, l.findings(next.documents)...)
		l.m.say("reload refused, the old documents serve on")
	case u.Refused:
		done.Outcome, err = "partly", fmt.Errorf("%s", done.Problems[0])
		l.m.say("reloaded %s, of which some serve on as they were", count(len(next.documents), "document"))
	default:
		l.m.say("reloaded %s", count(len(next.documents), "document"))
	}
	if l.m.events.Hears(event.Reloads) {
		l.m.events.Publish(ctx, event.Reload{Documents: len(next.documents), Err: err})
	}
	return done
}

// mostFindings is how many findings the answer to a reload names.
const mostFindings = 5

// findings are the first of those for which documents are refused, with their places.
func (l *reloader) findings(documents []*host.Document) (all []string) {
	least := diag.Error
	if l.strict {
		least = diag.Warning
	}
	more := 0
	for _, d := range documents {
		for _, g := range d.Diags {
			switch {
			case g.Severity < least:
			case len(all) < mostFindings:
				all = append(all, g.Error())
			default:
				more++
			}
		}
	}
	if more > 0 {
		all = append(all, count(more, "more finding")+"; “fairlead check” shows all")
	}
	return all
}

// validate says what serving a text would find; no text means the documents on disk.
func (l *reloader) validate(ctx context.Context, text []byte) control.Validated {
	var documents []*host.Document
	out := control.Validated{Findings: []string{}}
	if len(bytes.TrimSpace(text)) > 0 {
		o, err := l.r.options()
		if err != nil {
			return control.Validated{Findings: []string{err.Error()}}
		}
		d := host.Compile(host.Source{File: host.File{Name: "document", Text: text}, Folder: document.NewFolder("")}, o)
		host.CheckScripts(ctx, d, l.m.scripts)
		documents = []*host.Document{d}
	} else {
		next, err := l.read(ctx)
		if err != nil {
			return control.Validated{Findings: []string{err.Error()}}
		}
		documents = next.documents
		l.collide(documents)
	}
	for _, d := range documents {
		out.Served += d.Served()
		out.Withheld += d.Withheld()
		out.Errors += d.Diags.Count(diag.Error)
		out.Warnings += d.Diags.Count(diag.Warning)
		for _, g := range d.Diags {
			if g.Severity > diag.Info {
				out.Findings = append(out.Findings, g.Error())
			}
		}
	}
	out.Valid = out.Errors == 0 && out.Served > 0
	return out
}

// process is what control servers can do.
func (l *reloader) process(cmd *cobra.Command) control.Process {
	p := control.Process{Version: Version(), Reload: l.reload, Validate: l.validate, Scripts: l.m.scripts,
		Settings: func() []control.Setting { return settings(cmd) }}
	if v := l.m.view; v != nil {
		p.View, p.Capture = v, control.NewCapture(v.Mask)
	}
	return p
}
