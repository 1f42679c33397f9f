package cli

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/fairlead/fairlead/internal/diag"
	"github.com/fairlead/fairlead/internal/engine"
	"github.com/fairlead/fairlead/internal/host"
	"github.com/fairlead/fairlead/internal/oauth"
	"github.com/fairlead/fairlead/internal/plan"
	"github.com/fairlead/fairlead/internal/session"
	"github.com/fairlead/fairlead/internal/value"
)

func loginCommand(s Streams) *cobra.Command {
	var (
		run     running
		out     output
		service bool
	)
	cmd := &cobra.Command{
		Use:   "login [FILE] [API]",
		Short: "Sign in at an API of a document, in the terminal",
		Long: `Login asks what the API wants to know, signs in and keeps the session for this
user: “fairlead mcp” and “fairlead call” act in it, and other commands where
--sessions names the same place. Passwords are not shown and not kept. API is
needed where the document has several at which people sign in. At an API with
OAuth it gives an address to open in a browser of the same machine.

With --service nobody is asked, for machines: each value is the variable
FAIRLEAD_LOGIN_ and its name, such as FAIRLEAD_LOGIN_PASSWORD, and what these
lack is read from standard input as a JSON object.`,
		Example: `  fairlead login                       # the built-in document, Koyeb sessions
  fairlead login koyeb-sessions.yaml koyeb-sessions
  fairlead login --service < account.json`,
		Args:              cobra.MaximumNArgs(2),
		ValidArgsFunction: run.completeSessions,
		RunE: func(cmd *cobra.Command, args []string) error {
			m, all, err := run.sessionsOf(cmd.Context(), s, args)
			if err != nil {
				return err
			}
			defer m.close()
			one, err := onlyOne(m.documents[0].Name, all)
			if err != nil {
				return failed(err)
			}
			return failed(m.login(cmd.Context(), s, &out, one, service))
		},
	}
	run.flags(cmd, keptForUser)
	out.flag(cmd, "text", "json")
	cmd.Flags().BoolVar(&service, "service", false, "ask nobody: take the values from variables and standard input")
	return cmd
}

func logoutCommand(s Streams) *cobra.Command {
	var (
		run running
		out output
	)
	cmd := &cobra.Command{
		Use:   "logout [FILE] [API]",
		Short: "Sign out at the APIs of a document",
		Long: `Logout tells the API that the session ends, where it has an operation for that,
and forgets it. Without API it ends the sessions at all APIs of the document.`,
		Example: `  fairlead logout
  fairlead logout koyeb-sessions.yaml koyeb-sessions`,
		Args:              cobra.MaximumNArgs(2),
		ValidArgsFunction: run.completeSessions,
		RunE: func(cmd *cobra.Command, args []string) error {
			m, all, err := run.sessionsOf(cmd.Context(), s, args)
			if err != nil {
				return err
			}
			defer m.close()
			return failed(m.logout(cmd.Context(), s, &out, all))
		},
	}
	run.flags(cmd, keptForUser)
	out.flag(cmd, "text", "json")
	return cmd
}

// sessionsOf starts what runs the document of args, and finds the sessions in it that
// args mean. The caller closes the machine.
func (r *running) sessionsOf(ctx context.Context, s Streams, args []string) (*machine, []*plan.Session, error) {
	switch {
	case r.sandbox:
		return nil, nil, failed(errors.New("the sandbox ends with this command, and so would the session; sign in on the page of “fairlead serve --sandbox”"))
	case r.noSessions:
		return nil, nil, failed(errors.New("with --no-sessions there is nothing to sign in to"))
	case len(args) > 0 && args[0] == "-":
		return nil, nil, failed(errors.New("sessions belong to a document, so it must be a file"))
	}
	m, err := r.start(ctx, []host.Found{{Path: optional(args)}}, s)
	if err != nil {
		return nil, nil, err
	}
	all, err := m.signsInAt(s, args)
	if err != nil {
		m.close()
		return nil, nil, failed(err)
	}
	return m, all, nil
}

// signsInAt are the APIs of the document at which people sign in, or the one that
// args name.
func (m *machine) signsInAt(s Streams, args []string) (all []*plan.Session, err error) {
	d := m.documents[0]
	if d.Plan == nil {
		_ = printDiagnostics(s.Err, d, diag.Warning)
		return nil, fmt.Errorf("%s cannot be used", d.Name)
	}
	var names []string
	declared := d.Diags.Count(diag.Error) > 0 || d.Withheld() > 0 // or may be: what is wrong is withheld
	for _, one := range d.Plan.Sessions {
		declared = true
		if !one.ForPeople() {
			continue
		}
		names = append(names, one.Namespace)
		if len(args) < 2 || args[1] == one.Namespace {
			all = append(all, one)
		}
	}
	switch {
	case len(names) == 0 && !declared:
		return nil, fmt.Errorf("%s declares no session at which people sign in; “fairlead suggest %s” looks for what could be one",
			d.Name, d.Name)
	case len(names) == 0:
		return nil, fmt.Errorf("people sign in at no API of %s; “fairlead check %s” says what is withheld", d.Name,
			d.Name)
	case len(all) == 0:
		hint := "there is " + strings.Join(names, ", ")
		if near, ok := diag.Near(args[1], names); ok {
			hint = "did you mean “" + near + "”?"
		}
		return nil, fmt.Errorf("people sign in at no API “%s” of %s; %s", args[1], d.Name, hint)
	}
	return all, nil
}

func onlyOne(document string, all []*plan.Session) (*plan.Session, error) {
	if len(all) == 1 {
		return all[0], nil
	}
	var names []string
	for _, one := range all {
		names = append(names, one.Namespace)
	}
	return nil, fmt.Errorf("%s has several APIs at which people sign in; say which: fairlead login %s %s",
		document, document, strings.Join(names, "|"))
}

// completeSessions offers a file, then the APIs of it at which people sign in.
func (r *running) completeSessions(cmd *cobra.Command, args []string, typed string) ([]cobra.Completion,
	cobra.ShellCompDirective) {
	if len(args) == 0 {
		return completeDocument(cmd, args, typed)
	}
	d, err := r.load(args[0], Streams{In: strings.NewReader(""), Out: io.Discard, Err: io.Discard})
	if err != nil || d.Plan == nil || len(args) > 1 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var names []cobra.Completion
	for _, one := range d.Plan.Sessions {
		if one.ForPeople() {
			names = append(names, one.Namespace)
		}
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// key is where the session of this user stands, and the host that it is at.
func (m *machine) key(ctx context.Context, one *plan.Session) (session.Key, string, error) {
	key, failure := m.engine.SessionKey(ctx, one, session.Local())
	if failure != nil {
		return key, "", sayFailure(failure)
	}
	u, err := url.Parse(key.Origin)
	if err != nil {
		return key, "", err
	}
	return key, u.Host, nil
}

func sayFailure(e *engine.Error) error {
	text := e.Error()
	if e.Detail != "" {
		text += ". " + e.Detail
	}
	return errors.New(text)
}

func (m *machine) login(ctx context.Context, s Streams, out *output, one *plan.Session, service bool) error {
	key, host, err := m.key(ctx, one)
	if err != nil {
		return err
	}
	if service && one.OAuth != nil {
		return fmt.Errorf("at %s only a person can agree; a machine gets tokens of its own by authentication: {type: oauth2}", host)
	}
	if !service && one.OAuth == nil && terminal(s.In) == nil {
		return errors.New("login asks in a terminal, and takes no password from a pipe; for machines: fairlead login --service")
	}
	// What cannot be kept is not asked for.
	if err := m.vault.Open(ctx); err != nil {
		return err
	}
	if one.OAuth != nil {
		made, err := m.agree(ctx, s, one, host)
		if err != nil {
			return err
		}
		return m.keepLogin(ctx, s, out, one, key, host, made)
	}
	var typed map[string]string
	if service {
		typed, err = given(s, one.Fields, os.LookupEnv)
	} else {
		fmt.Fprintf(s.Err, "%s: sign in at %s\n", steady(one.Capability), host)
		typed, err = asked(ctx, terminal(s.In), s.Err, one.Fields)
	}
	if err != nil {
		return err
	}
	made, failure := m.engine.SignIn(ctx, one, typed, "")
	if failure != nil {
		if failure.Kind == engine.Answered && failure.Status < http.StatusInternalServerError {
			return fmt.Errorf("%s refuses: %s", host, cmp.Or(failure.Message(), failure.Title))
		}
		return sayFailure(failure)
	}
	return m.keepLogin(ctx, s, out, one, key, host, made)
}

// agree leads the person to the authorization server, and waits for them to come back.
func (m *machine) agree(ctx context.Context, s Streams, one *plan.Session, at string) (*session.Session, error) {
	made, err := host.Agree(ctx, m.engine, one, func(address string) {
		fmt.Fprintf(s.Err, "%s: connect %s\nOpen this address in a browser of this machine:\n\n  %s\n\n",
			one.Capability, at, address)
	})
	var (
		denied  *oauth.Denied
		failure *engine.Error
	)
	switch {
	case errors.As(err, &denied):
		return nil, fmt.Errorf("the authorization server refuses: %w", denied)
	case errors.As(err, &failure):
		return nil, sayFailure(failure)
	}
	return made, err
}

// keepLogin stores the session that a person has made, and tells of it.
func (m *machine) keepLogin(ctx context.Context, s Streams, out *output, one *plan.Session, key session.Key,
	host string,
	made *session.Session) error {
	if err := m.vault.Put(ctx, key, made); err != nil {
		return fmt.Errorf("you are signed in at %s, but the session cannot be kept: %w", host, err)
	}
	state := newSignedIn(one, host, made)
	return out.print(s, &state)
}

func (m *machine) logout(ctx context.Context, s Streams, out *output, all []*plan.Session) error {
	var (
		list    signedOut
		failing error
	)
	for _, one := range all {
		key, host, err := m.key(ctx, one)
		if err != nil {
			return err
		}
		now, err := m.vault.Get(ctx, key)
		if errors.Is(err, session.ErrSignIn) {
			list.APIs = append(list.APIs, ended{one.Namespace, host, false})
			continue
		}
		if err != nil {
			return err
		}
		failure := m.engine.SignOut(ctx, one, now)
		if err := m.vault.Delete(context.WithoutCancel(ctx), key); err != nil {
			return err
		}
		if failure != nil {
			failing = errors.Join(failing, fmt.Errorf("the session is forgotten here, but %s was not told: %w", host,
				sayFailure(failure)))
			continue
		}
		list.APIs = append(list.APIs, ended{one.Namespace, host, true})
	}
	return errors.Join(out.print(s, &list), failing)
}

// signedIn is the state of a session, for people and as data.
type signedIn struct {
	API      string            `json:"api"`
	Host     string            `json:"host"`
	SignedIn bool              `json:"signed_in"`
	Shown    map[string]string `json:"shown,omitempty"`
	Expires  string            `json:"expires_at,omitempty"`

	shown []session.Shown // in the document's order
}

func newSignedIn(one *plan.Session, host string, s *session.Session) signedIn {
	state := signedIn{API: one.Namespace, Host: host}
	if s == nil {
		return state
	}
	state.SignedIn, state.shown = true, s.Shown
	for _, fact := range s.Shown {
		if state.Shown == nil {
			state.Shown = map[string]string{}
		}
		state.Shown[fact.Name] = fact.Text
	}
	if !s.Expires.IsZero() {
		state.Expires = s.Expires.UTC().Format(time.RFC3339)
	}
	return state
}

// told is who is signed in and until when; "" where nothing may be told.
func told(shown []session.Shown, expires string) string {
	var facts []string
	for _, fact := range shown {
		if fact.Text == "" {
			continue
		}
		facts = append(facts, fact.Name+" "+fact.Text)
	}
	if expires != "" {
		facts = append(facts, "until "+expires)
	}
	return strings.Join(facts, ", ")
}

func (i *signedIn) text(b *bytes.Buffer) {
	fmt.Fprintf(b, "Signed in at %s", i.Host)
	if facts := told(i.shown, i.Expires); facts != "" {
		fmt.Fprintf(b, ": %s", facts)
	}
	b.WriteString("\n")
}

type signedOut struct {
	APIs []ended `json:"apis"`
}

type ended struct {
	API   string `json:"api"`
	Host  string `json:"host"`
	Ended bool   `json:"ended"`
}

func (o *signedOut) text(b *bytes.Buffer) {
	for _, api := range o.APIs {
		if api.Ended {
			fmt.Fprintf(b, "Signed out at %s\n", api.Host)
		} else {
			fmt.Fprintf(b, "Nobody was signed in at %s\n", api.Host)
		}
	}
}

// maxGiven bounds the object on standard input, in bytes.
const maxGiven = 64 << 10

// variable is the name of the variable that may hold a field.
func variable(field string) string {
	return "FAIRLEAD_LOGIN_" + strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			return r
		}
		return '_'
	}, strings.ToUpper(field))
}

// given are the values of a service account: variables, and what these lack from a
// JSON object on standard input. Errors never quote a value.
func given(s Streams, fields []plan.SessionField, getenv func(string) (string, bool)) (map[string]string, error) {
	values := map[string]string{}
	var lacking []string
	for _, f := range fields {
		if text, ok := getenv(variable(f.Name)); ok && text != "" {
			values[f.Name] = text
		} else if f.Required {
			lacking = append(lacking, f.Name)
		}
	}
	if len(lacking) == 0 {
		return values, nil
	}
	if terminal(s.In) != nil {
		return nil, fmt.Errorf("--service needs %s: set %s, or give a JSON object on standard input",
			strings.Join(lacking, ", "), variable(lacking[0]))
	}
	text, err := io.ReadAll(io.LimitReader(s.In, maxGiven+1))
	if err != nil {
		return nil, fmt.Errorf("read standard input: %w", err)
	}
	object, err := value.Parse(text)
	if err != nil || len(text) > maxGiven || object.Kind() != value.Object {
		return nil, fmt.Errorf("--service needs %s: standard input holds no JSON object, and %s is not set",
			strings.Join(lacking, ", "), variable(lacking[0]))
	}
	known := map[string]bool{}
	for _, f := range fields {
		known[f.Name] = true
		v := object.Get(f.Name)
		if values[f.Name] == "" && v.IsScalar() && v.Kind() != value.Null {
			values[f.Name] = v.Text()
		}
		if f.Required && values[f.Name] == "" {
			return nil, fmt.Errorf("--service: the object on standard input has no “%s”", f.Name)
		}
	}
	for i := range object.Len() {
		if name := object.Name(i); !known[name] {
			return nil, fmt.Errorf("--service: the object on standard input has “%s”, which is not asked for", name)
		}
	}
	return values, nil
}
