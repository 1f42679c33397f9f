package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"github.com/fairlead/fairlead/internal/host"
	"github.com/fairlead/fairlead/internal/suggest"
)

func suggestCommand(s Streams) *cobra.Command {
	var (
		l   loading
		out string
	)
	cmd := &cobra.Command{
		Use:   "suggest FILE",
		Short: "Write the overlay with which people sign in themselves",
		Long: `Suggest looks for the operation with which people sign in at an API that the
document consumes, and writes the overlay that makes a session of it: agents
then see neither passwords nor tokens. It calls nothing. What the document does
not say is marked in the overlay and named on standard error: look it over. A
document that has a session, or no login, needs no overlay.`,
		Example: `  fairlead suggest capability.yaml
  fairlead suggest capability.yaml -o capability.overlay.yaml`,
		Args:              named("FILE"),
		ValidArgsFunction: completeDocuments,
		RunE: func(_ *cobra.Command, args []string) error {
			d, err := l.usable(args[0], s)
			if err != nil {
				return err
			}
			return suggestion(s, d, out)
		},
	}
	l.flags(cmd)
	cmd.Flags().StringVarP(&out, "output", "o", "", "write the overlay to this new `FILE`")
	return cmd
}

// suggestion writes what is suggested for a document, to the file if there is one.
func suggestion(s Streams, d *host.Document, file string) error {
	made := suggest.Of(d.Model)
	for _, note := range made.Notes {
		fmt.Fprintf(s.Err, "%s: %s.\n", d.Name, note)
	}
	switch {
	case made.Overlay == nil:
		fmt.Fprintf(s.Err, "%s: there is nothing to suggest.\n", d.Name)
		return nil
	case file == "":
		_, err := s.Out.Write(made.Overlay)
		return failed(err)
	}
	if err := writeNew(file, made.Overlay); err != nil {
		return failed(err)
	}
	fmt.Fprintf(s.Err, "%s is written.\n", file)
	return nil
}

// writeNew writes a file that is not there yet.
func writeNew(name string, text []byte) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s exists; name another file", name)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return nil
}

// fixOverlays writes the overlays that documents lack beside them, before they are
// checked. One that is there is left alone.
func fixOverlays(s Streams, paths []host.Found, l *loading) error {
	o, err := l.options()
	if err != nil {
		return err
	}
	for _, path := range paths {
		d, err := host.ReadFound(path, l.read(s), func(src host.Source) *host.Document { return host.Compile(src, o) })
		if err != nil {
			return failed(err)
		}
		if d.Model == nil || d.Folder == nil || path.Path == "-" {
			continue
		}
		made := suggest.Of(d.Model)
		if made.Overlay == nil {
			continue
		}
		name := host.OverlayName(path.Path)
		if _, err := os.Stat(name); err == nil {
			fmt.Fprintf(s.Err, "%s exists and is left alone; “fairlead suggest %s” prints what it lacks.\n", name, path.Path)
			continue
		}
		if err := suggestion(s, d, name); err != nil {
			return err
		}
	}
	return nil
}
