package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/fairlead/fairlead/internal/session"
)

func sessionsCommand(s Streams) *cobra.Command {
	var (
		run running
		out output
		all bool
	)
	cmd := &cobra.Command{
		Use:   "sessions [FILE]",
		Short: "Say at which APIs of a document this user is signed in",
		Long: `Sessions lists the APIs of a document at which people sign in, and whether this
user is signed in there, as whom and until when. With --all it lists every
session in the place that --sessions names, whoever has it; tokens are shown to
nobody. “fairlead sessions revoke” ends sessions of others.`,
		Example: `  fairlead sessions
  fairlead sessions koyeb-sessions.yaml -o json
  fairlead sessions --all --sessions ./sessions`,
		Args:              single,
		ValidArgsFunction: completeDocument,
		RunE: func(cmd *cobra.Command, args []string) error {
			if all {
				return failed(run.keeping.print(cmd.Context(), s, &out))
			}
			m, _, err := run.sessionsOf(cmd.Context(), s, args)
			if err != nil {
				return err
			}
			defer m.close()
			return failed(m.printSessions(cmd.Context(), s, &out))
		},
	}
	run.flags(cmd, keptForUser)
	out.flag(cmd, "text", "json")
	cmd.Flags().BoolVar(&all, "all", false, "list every session that is kept, of all documents and people")
	cmd.AddCommand(revokeCommand(s))
	return cmd
}

// state is what of this user's sessions may be told.
type state struct {
	APIs []signedIn `json:"apis"`
}

func (m *machine) printSessions(ctx context.Context, s Streams, out *output) error {
	list := state{}
	for _, one := range m.documents[0].Plan.Sessions {
		if !one.ForPeople() {
			continue
		}
		key, host, err := m.key(ctx, one)
		if err != nil {
			return err
		}
		now, err := m.vault.Get(ctx, key)
		if err != nil && !errors.Is(err, session.ErrSignIn) {
			return err
		}
		if now != nil && now.Over(time.Now()) && one.Refresh == nil && (one.OAuth == nil || now.Refresh.IsEmpty()) {
			now = nil
		}
		list.APIs = append(list.APIs, newSignedIn(one, host, now))
	}
	return out.print(s, &list)
}

func (l *state) text(b *bytes.Buffer) {
	table := tabwriter.NewWriter(b, 0, 0, 2, ' ', 0)
	for _, api := range l.APIs {
		facts := "nobody is signed in"
		if api.SignedIn {
			facts = "signed in"
			if more := told(api.shown, api.Expires); more != "" {
				facts += ": " + more
			}
		}
		fmt.Fprintf(table, "%s\t%s\t%s\n", api.API, api.Host, facts)
	}
	table.Flush()
}

// kept is what is in a store of sessions.
type kept struct {
	Sessions   []keptSession `json:"sessions"`
	Unreadable int           `json:"unreadable"` // sealed with other keys
}

type keptSession struct {
	ID       string `json:"id"`
	Document string `json:"document"`
	API      string `json:"api"`
	Origin   string `json:"origin"`
	Issuer   string `json:"issuer"`
	Subject  string `json:"subject"`
	Made     string `json:"made"`
	Expires  string `json:"expires_at,omitempty"`
}

// print lists all sessions of a store.
func (k *keeping) print(ctx context.Context, s Streams, out *output) error {
	vault, err := k.shared(ctx, s)
	if err != nil {
		return err
	}
	defer vault.Close()
	entries, unreadable, err := vault.List(ctx)
	if err != nil {
		return err
	}
	list := kept{Sessions: []keptSession{}, Unreadable: unreadable}
	for _, e := range entries {
		list.Sessions = append(list.Sessions, newKept(e))
	}
	return out.print(s, &list)
}

func newKept(e session.Entry) keptSession {
	one := keptSession{ID: e.ID, Document: e.Key.Document, API: e.Key.API, Origin: e.Key.Origin,
		Issuer: e.Key.Principal.Issuer, Subject: e.Key.Principal.Subject, Made: e.Made.UTC().Format(time.RFC3339)}
	if !e.Expires.IsZero() {
		one.Expires = e.Expires.UTC().Format(time.RFC3339)
	}
	return one
}

// shared is a store that other processes use, too.
func (k *keeping) shared(ctx context.Context, s Streams) (*session.Vault, error) {
	if where, err := k.place(); err == nil && where == keptInMemory {
		return nil, errors.New("--sessions: sessions in memory end with their process; name a folder or an address")
	}
	vault, err := k.open(ctx, s, slog.New(slog.DiscardHandler), false)
	if err != nil {
		return nil, err
	}
	return vault, vault.Open(ctx)
}

func (l *kept) text(b *bytes.Buffer) {
	if len(l.Sessions) == 0 {
		b.WriteString("No sessions.\n")
	} else {
		table := tabwriter.NewWriter(b, 0, 0, 2, ' ', 0)
		fmt.Fprintln(table, "ID\tDOCUMENT\tAPI\tAT\tPERSON\tOF\tSINCE\tUNTIL")
		for _, e := range l.Sessions {
			fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", e.ID, e.Document, e.API, e.Origin, e.Subject,
				e.Issuer, e.Made, e.Expires)
		}
		table.Flush()
	}
	if l.Unreadable > 0 {
		fmt.Fprintf(b, "%s sealed with other keys.\n", count(l.Unreadable, "more entry"))
	}
}

func revokeCommand(s Streams) *cobra.Command {
	var (
		keep              keeping
		out               output
		subject, document string
		all               bool
	)
	cmd := &cobra.Command{
		Use:   "revoke [ID]...",
		Short: "End sessions of others",
		Long: `Revoke forgets sessions in the place that --sessions names, at all processes that
share it: those with these IDs, which “fairlead sessions --all” lists, or all of
a person or document. Their APIs are not told: what they gave out ends when they
say so. Whoever is revoked may sign in again.`,
		Example: `  fairlead sessions revoke 9f86d081 --sessions ./sessions
  fairlead sessions revoke --person alice@example.com \
    --sessions redis://localhost --state-key key.hex`,
		RunE: func(cmd *cobra.Command, ids []string) error {
			if one := len(ids) > 0; one == (all || subject != "" || document != "") {
				return errors.New("say which sessions: IDs, --person and --document, or --all")
			}
			return failed(keep.revoke(cmd.Context(), s, &out, ids, func(e session.Entry) bool {
				return (subject == "" || e.Key.Principal.Subject == subject) &&
					(document == "" || e.Key.Document == document)
			}))
		},
	}
	keep.flags(cmd, keptForUser)
	out.flag(cmd, "text", "json")
	f := cmd.Flags()
	f.StringVar(&subject, "person", "", "those of this `PERSON`, as listed")
	f.StringVar(&document, "document", "", "those of this `DOCUMENT`, as listed")
	f.BoolVar(&all, "all", false, "all of them")
	return cmd
}

// revoked is what was ended.
type revoked struct {
	Revoked []keptSession `json:"revoked"`
}

func (k *keeping) revoke(ctx context.Context, s Streams, out *output, ids []string,
	meant func(session.Entry) bool) error {
	vault, err := k.shared(ctx, s)
	if err != nil {
		return err
	}
	defer vault.Close()
	entries, _, err := vault.List(ctx)
	if err != nil {
		return err
	}
	list, found := revoked{Revoked: []keptSession{}}, map[string]bool{}
	for _, e := range entries {
		for _, id := range ids {
			found[id] = found[id] || id == e.ID
		}
		if len(ids) > 0 && !found[e.ID] || len(ids) == 0 && !meant(e) {
			continue
		}
		if err := vault.Delete(ctx, e.Key); err != nil {
			return err
		}
		list.Revoked = append(list.Revoked, newKept(e))
	}
	var unknown []string
	for _, id := range ids {
		if !found[id] {
			unknown = append(unknown, id)
		}
	}
	err = out.print(s, &list)
	if len(unknown) > 0 {
		err = errors.Join(err, fmt.Errorf("there is no session %s; “fairlead sessions --all” lists them",
			strings.Join(unknown, ", ")))
	}
	return err
}

func (l *revoked) text(b *bytes.Buffer) {
	fmt.Fprintf(b, "%s ended.\n", count(len(l.Revoked), "session"))
}
