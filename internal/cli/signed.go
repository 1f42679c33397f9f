package cli

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"time"

	"github.com/fairlead/fairlead/internal/plan"
	"github.com/fairlead/fairlead/internal/session"
)

// signedIn says whether this user is signed in at the API of a session, as far as that
// is known without calling anything: in the place that commands of a user share.
// “serve” knows its own callers.
func (s Streams) signedIn(of *plan.Session) string {
	key, ok := of.FixedKey()
	if !ok {
		return "“fairlead sessions” says whether you are signed in" // where it is decides a secret
	}
	const nobody = "you are not signed in (“fairlead login”)"
	folder, err := session.UserFolder()
	if err != nil {
		return nobody
	}
	if _, err := os.Stat(folder); errors.Is(err, fs.ErrNotExist) {
		return nobody
	}
	vault := session.OpenVault(func(ctx context.Context) (session.Store, *session.Sealer, error) {
		return openStore(ctx, s, keptForUser, nil)
	}, slog.New(slog.DiscardHandler))
	defer vault.Close()
	key.Principal = session.Local()
	now, err := vault.Get(context.Background(), key)
	switch {
	case errors.Is(err, session.ErrSignIn):
		return nobody
	case err != nil:
		return "whether you are signed in cannot be read: " + err.Error()
	case now.Over(time.Now()) && of.Refresh == nil:
		return "your session has ended (“fairlead login”)"
	case now.Expires.IsZero():
		return "you are signed in"
	}
	return "you are signed in until " + now.Expires.UTC().Format(time.RFC3339)
}
