package host

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/fairlead/fairlead/internal/document"
	"github.com/fairlead/fairlead/internal/plan"
)

// Watch looks at files from time to time and says when they changed. It looks, and
// is not told by the system, because that holds for every kind of folder: network
// file systems, bind mounts of containers, and the mounted ConfigMaps and Secrets of
// Kubernetes, which are swapped as a whole through a symbolic link named ..data.
type Watch struct {
	// Files lists what to look at, each time anew.
	Files func() []string
	// Every is the time between two looks, of which the files take no more than a
	// fiftieth; 0 is a second.
	Every time.Duration
	// Settled is how long files have to stay as they are, since editors and copies
	// write in pieces; 0 is a quarter of a second.
	Settled time.Duration
}

// Run calls changed after each change, until ctx ends.
func (w *Watch) Run(ctx context.Context, changed func()) {
	every, settled := w.Every, w.Settled
	if every == 0 {
		every = time.Second
	}
	if settled == 0 {
		settled = time.Second / 4
	}
	known := print(w.Files())
	seen := known
	pause := every
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
		began := time.Now()
		now := print(w.Files())
		pause = max(every, 50*time.Since(began))
		switch {
		case now == known:
			seen = now
		case now != seen: // it may go on
			seen, pause = now, settled
		default:
			known = now
			changed()
		}
	}
}

// print is a fingerprint of files: where their links lead, their sizes and times.
func print(files []string) [sha256.Size]byte {
	sum := sha256.New()
	for _, f := range files {
		real, err := filepath.EvalSymlinks(f)
		if err != nil {
			fmt.Fprintf(sum, "%q -\n", f)
			continue
		}
		info, err := os.Stat(real)
		if err != nil {
			fmt.Fprintf(sum, "%q -\n", f)
			continue
		}
		_, _ = fmt.Fprintf(io.Writer(sum), "%q %q %d %d %s\n", f, real, info.Size(), info.ModTime().UnixNano(), info.Mode())
	}
	return [sha256.Size]byte(sum.Sum(nil))
}

// Files are the files that documents are made of, and those of their secrets: what
// changes them when it changes. An overlay that is not there yet is among them.
func Files(documents []*Document) (all []string) {
	seen := map[string]bool{"": true}
	add := func(path string) {
		if !seen[path] {
			seen[path] = true
			all = append(all, path)
		}
	}
	for _, d := range documents {
		if d.Name == "" || d.Name == "standard input" {
			continue
		}
		add(d.Name)
		add(OverlayName(d.Name))
		for _, f := range d.Overlays {
			add(f.Name)
		}
		for _, f := range d.Folder.Files() {
			add(f)
		}
		if d.Plan == nil {
			continue
		}
		slots := func(list []plan.SecretSlot) {
			for _, s := range list {
				for _, r := range s.Refs {
					if r.IsFile() {
						add(document.FilePath(r.Location))
					}
				}
			}
		}
		for _, s := range d.Plan.Servers {
			if s.Auth != nil {
				slots(s.Auth.Secrets)
			}
			for _, u := range s.Units() {
				slots(u.Secrets)
			}
		}
	}
	return all
}
