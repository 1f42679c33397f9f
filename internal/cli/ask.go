package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"github.com/fairlead/fairlead/internal/plan"
)

// terminal is the terminal behind r, nil where there is none.
func terminal(r io.Reader) *os.File {
	if f, ok := r.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		return f
	}
	return nil
}

// asked are the fields as somebody types them. Secrets are not shown.
func asked(ctx context.Context, tty *os.File, to io.Writer, fields []plan.SessionField) (map[string]string, error) {
	values := map[string]string{}
	for _, f := range fields {
		text, err := askOne(ctx, tty, to, f)
		if err != nil {
			return nil, err
		}
		if text != "" {
			values[f.Name] = text
		}
	}
	return values, nil
}

// askOne asks until a required field is given.
func askOne(ctx context.Context, tty *os.File, to io.Writer, f plan.SessionField) (string, error) {
	if f.Hint != "" {
		fmt.Fprintln(to, steady(f.Hint))
	}
	label := steady(f.Label)
	if !f.Required {
		label += " (may be left out)"
	}
	for {
		fmt.Fprintf(to, "%s: ", label)
		text, err := typed(ctx, tty, to, f.Secret)
		if err != nil {
			return "", err
		}
		if !f.Secret {
			text = strings.TrimSpace(text)
		}
		if text != "" || !f.Required {
			return text, nil
		}
		fmt.Fprintln(to, "It is needed.")
	}
}

// typed reads a line from a terminal, which shows again what is typed when it returns,
// also when the command is interrupted.
func typed(ctx context.Context, tty *os.File, to io.Writer, hidden bool) (string, error) {
	fd := int(tty.Fd())
	before, err := term.GetState(fd)
	if err != nil {
		return "", fmt.Errorf("read from the terminal: %w", err)
	}
	type line struct {
		text string
		err  error
	}
	read := make(chan line, 1)
	go func() {
		var l line
		if hidden {
			var secret []byte
			secret, l.err = term.ReadPassword(fd)
			l.text = string(secret)
		} else {
			l.text, l.err = readLine(tty)
		}
		read <- l
	}()
	select {
	case <-ctx.Done():
		_ = term.Restore(fd, before)
		fmt.Fprintln(to)
		return "", errors.New("interrupted")
	case l := <-read:
		if hidden {
			fmt.Fprintln(to) // that of the typed Enter was not shown
		}
		if errors.Is(l.err, io.EOF) {
			return "", errors.New("nothing was typed")
		}
		return l.text, l.err
	}
}

// maxLine bounds what somebody types, in bytes.
const maxLine = 4 << 10

// readLine reads to the end of a line and not beyond it.
func readLine(r io.Reader) (string, error) {
	var text []byte
	one := make([]byte, 1)
	for len(text) < maxLine {
		switch n, err := r.Read(one); {
		case n == 1 && one[0] == '\n':
			return strings.TrimSuffix(string(text), "\r"), nil
		case n == 1:
			text = append(text, one[0])
		case err != nil:
			return "", err
		}
	}
	return "", errors.New("what was typed is too long")
}
