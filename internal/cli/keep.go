package cli

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/user"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/fairlead/fairlead/internal/session"
)

// keeping are the flags that say where sessions are kept.
type keeping struct {
	where     string   // empty is usual
	usual     string   // where the command keeps them by itself
	stateKeys []string // files, that of the key in force first
}

// The words of --sessions; others are a folder or an address.
const (
	keptInMemory = "memory"
	keptForUser  = "user"
)

func (k *keeping) flags(cmd *cobra.Command, usual string) {
	k.usual = usual
	f := cmd.Flags()
	f.StringVar(&k.where, "sessions", "", "keep what people are signed in with at this `PLACE`: memory, user (for all commands of this user), a folder, "+
		"redis://… or valkey://… for replicas, or @FILE that holds such an address (default "+usual+")")
	_ = cmd.RegisterFlagCompletionFunc("sessions", cobra.FixedCompletions(
		[]cobra.Completion{keptInMemory, keptForUser, "redis://", "rediss://", "valkey://", "valkeys://"},
		cobra.ShellCompDirectiveDefault))
	f.StringArrayVar(&k.stateKeys, "state-key", nil, "sign what users confirm, and seal sessions, with the key in this `FILE`, which all replicas share; "+
		"of several the first is in force, and the others are still read (default a random one)")
}

// flagged are the flags as they were given, for another command that is to use the same place.
func (k *keeping) flagged() string {
	var b strings.Builder
	if k.where != "" {
		b.WriteString(" --sessions " + quoteWord(k.where))
	}
	for _, file := range k.stateKeys {
		b.WriteString(" --state-key " + quoteWord(file))
	}
	return b.String()
}

// place is where sessions are kept. A file that holds the address keeps its password
// from the list of processes.
func (k *keeping) place() (string, error) {
	where := cmp.Or(k.where, k.usual)
	if file, ok := strings.CutPrefix(where, "@"); ok {
		text, err := os.ReadFile(file)
		if err != nil {
			return "", fmt.Errorf("read --sessions: %w", err)
		}
		where = strings.TrimSpace(string(text))
	}
	switch {
	case where == keptInMemory, where == keptForUser, session.IsRedis(where):
		return where, nil
	case strings.ContainsAny(where, `/\`) && !strings.Contains(where, "://") && !strings.ContainsAny(where, "\r\n"):
		return where, nil
	}
	return "", errors.New("--sessions: want memory, user, a folder (with a slash, as ./sessions), redis://host:port, or rediss, valkey, valkeys")
}

// keys are those of --state-key, the one in force first.
func (k *keeping) keys() (keys [][]byte, err error) {
	for _, file := range k.stateKeys {
		key, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("read --state-key: %w", err)
		}
		if key = bytes.TrimSpace(key); len(key) < session.MinKey {
			return nil, fmt.Errorf("read --state-key: %s has %d bytes, want at least %d; make one with: openssl rand -hex 32",
				file, len(key), session.MinKey)
		}
		keys = append(keys, key)
	}
	return keys, nil
}

// open is where sessions are kept. A place that the flag names is opened now, so that
// a command which cannot reach it does not start; the usual one when it is first needed.
// What the sandbox lets people in with ends with the process, and is kept in it.
func (k *keeping) open(ctx context.Context, s Streams, log *slog.Logger, sandbox bool) (*session.Vault, error) {
	where, err := k.place()
	if err != nil {
		return nil, err
	}
	if sandbox && k.where == "" {
		where = keptInMemory
	}
	if sandbox && where != keptInMemory {
		return nil, errors.New("--sessions: those of the sandbox end with it, and are kept in memory")
	}
	if where == keptInMemory {
		return session.NewMemoryVault(log), nil
	}
	keys, err := k.keys()
	if err != nil {
		return nil, err
	}
	if session.IsRedis(where) && len(keys) == 0 {
		return nil, errors.New("--sessions: what replicas share is sealed with a key that they share: add --state-key FILE; make one with: openssl rand -hex 32")
	}
	vault := session.OpenVault(func(ctx context.Context) (session.Store, *session.Sealer, error) {
		return openStore(ctx, s, where, keys)
	}, log)
	if session.IsRedis(where) {
		vault.NameLocal(localName())
	}
	if k.where == "" {
		return vault, nil
	}
	return vault, vault.Open(ctx)
}

// localName tells the local user of this machine from others who keep sessions in the
// same server.
func localName() string {
	name := strconv.Itoa(os.Getuid())
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	machine, err := os.Hostname()
	if err != nil {
		machine = "unknown"
	}
	return name + "@" + machine
}

func openStore(ctx context.Context, s Streams, where string, keys [][]byte) (session.Store, *session.Sealer, error) {
	if session.IsRedis(where) {
		sealer, err := session.NewSealer(keys...)
		if err != nil {
			return nil, nil, err
		}
		store, err := session.OpenRedis(where)
		return store, sealer, err
	}
	if where == keptForUser {
		var err error
		if where, err = session.UserFolder(); err != nil {
			return nil, nil, err
		}
	}
	files, err := session.NewFiles(where)
	if err != nil {
		return nil, nil, err
	}
	sealer, err := folderSealer(ctx, s, files, keys)
	if err == nil {
		_, err = files.Sweep(ctx)
	}
	if err != nil {
		files.Close()
		return nil, nil, err
	}
	return files, sealer, nil
}

// folderSealer seals with the keys of --state-key, else with the folder's own.
func folderSealer(ctx context.Context, s Streams, files *session.Files, keys [][]byte) (*session.Sealer, error) {
	if len(keys) == 0 {
		key, said, err := files.Key(ctx, session.SystemKeyring())
		if err != nil {
			return nil, err
		}
		if said != "" {
			fmt.Fprintf(s.Err, "fairlead: %s\n", said)
		}
		keys = [][]byte{key}
	}
	return session.NewSealer(keys...)
}
