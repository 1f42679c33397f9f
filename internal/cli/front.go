package cli

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/url"

	"github.com/spf13/cobra"

	"github.com/fairlead/fairlead/internal/adapter/connect"
	"github.com/fairlead/fairlead/internal/host"
	"github.com/fairlead/fairlead/internal/session"
)

// front are the flags that say how people reach what is served, and who they are.
type front struct {
	public        *url.URL
	proxies       []string
	cert, key     string
	local, shared bool
	grant         []string
	grants        string
}

func (f *front) flags(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.Var(publicURL{&f.public}, "public-url",
		"the address that people use, scheme://host[:port], where a proxy stands before Fairlead")
	flags.StringSliceVar(&f.proxies, "trusted-proxy", nil,
		"believe Forwarded and X-Forwarded-* headers of proxies at this `ADDRESS` or range, and of nobody else")
	flags.StringVar(&f.cert, "tls-cert", "", "serve HTTPS with the certificate in this `FILE` (PEM), read again when it changes")
	flags.StringVar(&f.key, "tls-key", "", "the key of --tls-cert, in this `FILE`")
	flags.BoolVar(&f.local, "local-sessions", false,
		"let whoever calls from this machine sign in, where a server lets everybody in and one person alone uses the machine")
	flags.BoolVar(&f.shared, "shared-sessions", false,
		"let all who know the token or key of a server share what one of them signs in to")
	flags.StringArrayVar(&f.grant, "grant", nil,
		"of several documents, give this secret to this one and to no other that is not named so: `NAME=DOC`, the file or display name, * for all")
	flags.StringVar(&f.grants, "grants", "", "grant what the lines NAME=DOC of this `FILE` say, and nothing else")
}

// granted reads which documents get which secrets.
func (f *front) granted() (host.Grants, error) {
	g, err := host.ParseGrants(f.grant)
	if err != nil {
		return g, fmt.Errorf("--grant: %w", err)
	}
	if f.grants != "" {
		if err := g.ReadGrants(f.grants); err != nil {
			return g, fmt.Errorf("--grants: %w", err)
		}
	}
	return g, nil
}

// config puts the flags into c. --sandbox makes people of this machine the local
// user, as --local-sessions does.
func (f *front) config(c *host.Config, sandbox bool, log *slog.Logger) (err error) {
	c.LocalSessions, c.SharedSessions = f.local || sandbox, f.shared
	c.Front.Public = f.public
	if c.Front.Proxies, err = host.ParseProxies(f.proxies); err != nil {
		return fmt.Errorf("--trusted-proxy: %w", err)
	}
	switch {
	case f.cert == "" && f.key == "":
	case f.cert == "" || f.key == "":
		return errors.New("--tls-cert and --tls-key belong together: give both")
	default:
		if c.Front.TLS, err = host.NewCertificate(f.cert, f.key, log); err != nil {
			return fmt.Errorf("--tls-cert: %w", err)
		}
	}
	return nil
}

// print says what the flags open to whom.
func (f *front) print(w io.Writer) {
	if f.public != nil {
		fmt.Fprintf(w, "\nPeople reach this at %s.\n", f.public)
	}
	if f.local {
		fmt.Fprintln(w, "\n--local-sessions: whoever calls from this machine is the local user, on servers that let everybody in.")
	}
	if f.shared {
		fmt.Fprintln(w, "\n--shared-sessions: all who know the token or key of a server share what one of them signs in to.")
	}
}

// publicURL is a flag for the address that people use.
type publicURL struct{ to **url.URL }

func (p publicURL) Type() string { return "URL" }

func (p publicURL) String() string {
	if p.to == nil || *p.to == nil {
		return ""
	}
	return (*p.to).String()
}

func (p publicURL) Set(text string) (err error) {
	*p.to, err = host.ParsePublic(text)
	return err
}

// sessions are what people are signed in with. Cookies of the pages are sealed with
// a key that is derived from key; none makes a random one.
func (m *machine) sessions(key []byte) (*host.Sessions, error) {
	cookies, err := connect.NewCookies(key)
	if err != nil {
		return nil, err
	}
	return &host.Sessions{Vault: m.vault, SignIns: session.NewSignIns(m.vault), Engine: m.engine, Cookies: cookies}, nil
}
