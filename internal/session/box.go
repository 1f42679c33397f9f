package session

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"sync"
	"time"
)

// Open finds a store and the keys that seal what is in it.
type Open func(ctx context.Context) (Store, *Sealer, error)

// box keeps sealed entries in a store, each under the name that the key in force
// gives it. What an older key has sealed is still found.
type box struct {
	log   *slog.Logger
	now   func() time.Time
	local string // the subject of the local user; "" where no other has the store

	mu     sync.Mutex
	open   Open // until it has succeeded
	store  Store
	sealer *Sealer
	closed bool
}

func newBox(open Open, log *slog.Logger) *box {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &box{log: log, now: time.Now, open: open}
}

var errClosed = errors.New("the store of sessions is closed")

// whose is p as the store knows it.
func (b *box) whose(p Principal) Principal {
	if p == Local() && b.local != "" {
		p.Subject = b.local
	}
	return p
}

// name is what the entry of a session is found by.
func (b *box) name(key Key) []byte {
	key.Principal = b.whose(key.Principal)
	return key.bytes()
}

// opened opens the store if it is not open. What fails is tried again by the next
// caller, and is never an empty store.
func (b *box) opened(ctx context.Context) (Store, *Sealer, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return nil, nil, errClosed
	}
	if b.store == nil {
		store, sealer, err := b.open(ctx)
		if err != nil {
			return nil, nil, fmt.Errorf("sessions cannot be opened: %w", err)
		}
		b.store, b.sealer = store, sealer
	}
	return b.store, b.sealer, nil
}

func (b *box) close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	if c, ok := b.store.(io.Closer); ok {
		return c.Close()
	}
	return nil
}

// found is where an entry stands.
type found struct {
	stamp
	older bool // under a key that is no longer in force
}

// read finds the entry of a name. One that cannot be read counts as not there
// (ErrNone) and is logged, with whatever about says of it.
func (b *box) read(ctx context.Context, what kind, name []byte, content any, about ...any) (found, error) {
	store, sealer, err := b.opened(ctx)
	if err != nil {
		return found{}, err
	}
	for i, id := range sealer.ids(name) {
		sealed, err := store.Get(ctx, id)
		if errors.Is(err, ErrNone) {
			continue
		}
		if err != nil {
			return found{}, err
		}
		when, err := sealer.open(what, id, sealed, b.now(), content)
		if err != nil {
			b.log.WarnContext(ctx, "a stored session is not readable and counts as not there",
				append(about, "error", err)...)
			continue
		}
		return found{stamp: when, older: i > 0}, nil
	}
	return found{}, ErrNone
}

// list calls with for each readable entry of a kind, after decoding it into what
// content makes, and counts those that cannot be read.
func (b *box) list(ctx context.Context, what kind, content func() any, with func(content any)) (unreadable int,
	err error) {
	store, sealer, err := b.opened(ctx)
	if err != nil {
		return 0, err
	}
	ids, err := store.IDs(ctx)
	if err != nil {
		return 0, err
	}
	for _, id := range ids {
		sealed, err := store.Get(ctx, id)
		if errors.Is(err, ErrNone) {
			continue
		}
		if err != nil {
			return 0, err
		}
		if len(sealed) > 1 && sealed[1] != byte(what) {
			continue
		}
		c := content()
		switch _, err := sealer.open(what, id, sealed, b.now(), c); {
		case err == nil:
			with(c)
		case !errors.Is(err, errStale):
			unreadable++
		}
	}
	return unreadable, nil
}

// write stores the entry of a name under the key in force, and under no other.
func (b *box) write(ctx context.Context, what kind, name []byte, end time.Time, content any) error {
	store, sealer, err := b.opened(ctx)
	if err != nil {
		return err
	}
	ids := sealer.ids(name)
	sealed, err := sealer.seal(what, ids[0], stamp{b.now(), end}, content)
	if err != nil {
		return err
	}
	if err := store.Put(ctx, ids[0], sealed, end); err != nil {
		return err
	}
	for _, id := range ids[1:] {
		// What is left would be found after the entry had ended or was forgotten.
		if err := store.Delete(ctx, id); err != nil {
			return err
		}
	}
	return nil
}

// remove forgets the entry of a name, under whichever key it stands.
func (b *box) remove(ctx context.Context, name []byte) error {
	store, sealer, err := b.opened(ctx)
	if err != nil {
		return err
	}
	var failed error
	for _, id := range sealer.ids(name) {
		failed = errors.Join(failed, store.Delete(ctx, id))
	}
	return failed
}

// lock waits until nobody else holds the name. While keys are changed, replicas
// disagree on which is in force: they take the locks of all keys, in one order.
func (b *box) lock(ctx context.Context, name []byte) (release func(), err error) {
	store, sealer, err := b.opened(ctx)
	if err != nil {
		return nil, err
	}
	ids := sealer.ids(name)
	slices.Sort(ids)
	var held []func()
	release = func() {
		for _, r := range slices.Backward(held) {
			r()
		}
	}
	for _, id := range ids {
		one, err := store.Lock(ctx, id)
		if err != nil {
			release()
			return nil, err
		}
		held = append(held, one)
	}
	return release, nil
}
