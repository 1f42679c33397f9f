package secret

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
)

const (
	defaultTTL   = 5 * time.Minute
	fetchTimeout = 10 * time.Second // of one fetch, whoever waits for it
	patience     = time.Second      // how long a caller waits for a refresh when there is an older value
	retryPause   = 30 * time.Second // between refreshes while they fail
)

// Ref says where a value comes from.
type Ref struct {
	Name     string  // the variable's name in the document
	Key      string  // its key at the provider
	Location string  // URL or path of the provider; "" is the environment
	Files    Files   // of the document that asks; a pointer, or nil
	Grants   *Grants // of that document
}

func (r Ref) id() entryID { return entryID{r.Location, r.Key, r.Files} }

// Config says where a Store gets values. The zero Config reads the environment.
type Config struct {
	Getenv    func(name string) (string, bool) // default os.LookupEnv; unused when Providers has "env"
	Providers map[string]Provider              // by URL scheme, see Defaults
	TTL       time.Duration                    // age from which a value is fetched anew; default 5 minutes
	Clock     func() time.Time                 // default time.Now
}

// Store fetches values when they are first needed, keeps them, and fetches them
// anew when they are older than the TTL. It is safe for concurrent use.
type Store struct {
	providers map[string]Provider
	ttl       time.Duration
	now       func() time.Time
	flights   singleflight.Group

	mu      sync.RWMutex
	entries map[entryID]*entry // an entry is replaced, never changed
}

type entryID struct {
	location, key string
	files         Files // what one document reads is not there for another
}

type entry struct {
	value, previous String
	due             time.Time // for the next refresh
	err             error     // of the last refresh
}

// NewStore returns an empty Store; it fetches nothing yet.
func NewStore(cfg Config) *Store {
	s := &Store{
		providers: make(map[string]Provider, len(cfg.Providers)+1),
		ttl:       cmp.Or(cfg.TTL, defaultTTL),
		now:       cfg.Clock,
		entries:   map[entryID]*entry{},
	}
	if s.now == nil {
		s.now = time.Now
	}
	if cfg.Getenv == nil {
		cfg.Getenv = os.LookupEnv
	}
	s.providers[envScheme] = NewEnv(cfg.Getenv)
	for scheme, p := range cfg.Providers {
		if p != nil {
			s.providers[scheme] = p
		}
	}
	return s
}

// Get returns the value ref points to. It is never empty without an error: a
// *MissingError when the provider has no value or an empty one, or the document is
// not granted it. Concurrent calls
// for one value share one fetch, which outlives the ctx of each of them. Once a
// value was had, Get does not fail: while a refresh is under way, after a second
// of it, and when it fails, the older value serves on; RefreshError says why.
func (s *Store) Get(ctx context.Context, ref Ref) (String, error) {
	if flag, refused := ref.Grants.refuses(ref); refused {
		return String{}, &MissingError{Name: ref.name(), Source: ref.source(), NotGranted: flag}
	}
	id := ref.id()
	held := s.entry(id)
	if held != nil && s.now().Before(held.due) {
		return held.value, nil
	}
	flight := s.flights.DoChan(fmt.Sprintf("%s\x00%s\x00%p", id.location, id.key, id.files),
		func() (any, error) { return s.fetch(ctx, id) })
	var tired <-chan time.Time
	if held != nil {
		timer := time.NewTimer(patience)
		defer timer.Stop()
		tired = timer.C
	}
	var err error
	select {
	case result := <-flight:
		if result.Err == nil {
			return result.Val.(String), nil
		}
		err = result.Err
	case <-ctx.Done():
		err = context.Cause(ctx)
	case <-tired:
	}
	if held != nil {
		return held.value, nil
	}
	return String{}, ref.explain(err)
}

// Refresh makes Get fetch every value anew, as if all were older than the TTL.
func (s *Store) Refresh() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, e := range s.entries {
		stale := *e
		stale.due = time.Time{}
		s.entries[id] = &stale
	}
}

// RefreshError returns why the last refresh of a value that Get serves failed,
// or nil when it did not.
func (s *Store) RefreshError(ref Ref) error {
	e := s.entry(ref.id())
	if e == nil || e.err == nil {
		return nil
	}
	return ref.explain(e.err)
}

// Known returns the values handed out so far and, of those that changed, the
// one before, longest first: what a scrubber has to look for.
func (s *Store) Known() []String {
	s.mu.RLock()
	defer s.mu.RUnlock()
	known := make([]String, 0, len(s.entries))
	for _, e := range s.entries {
		known = append(known, e.value)
		if !e.previous.IsEmpty() {
			known = append(known, e.previous)
		}
	}
	slices.SortFunc(known, func(a, b String) int {
		return cmp.Or(cmp.Compare(len(b.Reveal()), len(a.Reveal())), strings.Compare(a.Reveal(), b.Reveal()))
	})
	return slices.CompactFunc(known, equal)
}

// Format keeps fmt, and loggers that use it, from printing what the Store holds.
func (s *Store) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "secret.Store") }

func (s *Store) entry(id entryID) *entry {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.entries[id]
}

// fetch asks the provider and records the outcome.
func (s *Store) fetch(ctx context.Context, id entryID) (String, error) {
	if e := s.entry(id); e != nil {
		if s.now().Before(e.due) { // the flight before this one has just landed
			return e.value, nil
		}
		s.record(id, entry{value: e.value, previous: e.previous, err: e.err}, fetchTimeout)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), fetchTimeout)
	defer cancel()
	value, err := s.ask(ctx, id)

	next, wait := entry{value: value, err: err}, s.ttl
	if e := s.entry(id); e != nil {
		next.previous = e.previous
		switch {
		case err != nil:
			next.value, wait = e.value, min(s.ttl, retryPause)
		case !equal(e.value, value):
			next.previous = e.value
		}
	} else if err != nil {
		return String{}, err
	}
	s.record(id, next, wait)
	return value, err
}

// record replaces an entry; it is due again after the wait.
func (s *Store) record(id entryID, e entry, wait time.Duration) {
	e.due = s.now().Add(wait)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.entries[id] = &e
}

func (s *Store) ask(ctx context.Context, id entryID) (String, error) {
	location, scheme, err := parseLocation(id.location)
	if err != nil {
		return String{}, err
	}
	provider := s.providers[scheme]
	if provider == nil {
		return String{}, fmt.Errorf("no provider for %s:// (there are %s)", scheme, strings.Join(s.schemes(), ", "))
	}
	if id.files != nil {
		ctx = context.WithValue(ctx, readerKey{}, id.files)
	}
	value, err := provider.Fetch(ctx, location, id.key)
	if err == nil && value.IsEmpty() {
		err = &MissingError{Detail: "it is empty"}
	}
	if err != nil {
		return String{}, err
	}
	return value, nil
}

func (s *Store) schemes() []string {
	return slices.Sorted(maps.Keys(s.providers))
}

func equal(a, b String) bool { return a.Reveal() == b.Reveal() }

// InEnvironment reports whether ref is an environment variable that is set and
// not empty, granted or not. It reads nothing but the environment.
func (s *Store) InEnvironment(ref Ref) bool {
	if ref.Location != "" {
		return false
	}
	ref.Grants = nil
	_, err := s.Get(context.Background(), ref)
	return err == nil
}
