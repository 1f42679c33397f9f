package session

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gomodule/redigo/redis"
)

// Redis keeps entries in a Redis or Valkey server, a cluster of them, or one that
// sentinels name, which all replicas share. Entries stand under “fairlead:session:”
// and their name. A server that does not answer is an error.
type Redis struct {
	servers *servers
	locks   locks // within this process; the server's lock is between processes
	budget  time.Duration
	life    time.Duration // of a lock whose holder is gone
}

// What the server may take.
const (
	redisBudget = 3 * time.Second  // a command, with what is tried again of it
	redisLife   = 10 * time.Second // a lock after its holder was last heard of
	redisWait   = time.Minute      // waiting for a lock
	redisListed = 100_000          // entries that are listed
)

// OpenRedis connects to redis://[[user]:password@]host[:port][/db], or rediss for
// TLS, or the same with valkey. The query may have addr=host:port (more servers of a
// cluster, or more sentinels), master_set=name (the servers are sentinels) and ca=file
// (authorities to trust instead of the system's, PEM). Errors never hold the password.
func OpenRedis(address string) (*Redis, error) {
	s, err := newServers(address)
	if err != nil {
		return nil, err
	}
	r := &Redis{servers: s, budget: redisBudget, life: redisLife}
	ctx, cancel := context.WithTimeout(context.Background(), r.budget)
	defer cancel()
	at, err := s.at(ctx, "")
	if err == nil {
		_, err = s.ask(ctx, at, false, "PING")
	}
	if err != nil {
		s.close()
		return nil, fmt.Errorf("the store of sessions at %s cannot be reached: %w", s.where, err)
	}
	return r, nil
}

// Close ends the connections.
func (r *Redis) Close() error {
	r.servers.close()
	return nil
}

// passing are servers' own errors that end by themselves: one loads its data, or
// another is becoming the primary.
var passing = []string{"LOADING", "READONLY", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN", "NOREPLICAS"}

// do sends a command about a key until a server has answered it, for as long as
// budget. All commands of this file may be sent twice.
func (r *Redis) do(ctx context.Context, key, name string, args ...any) (any, error) {
	mine, cancel := context.WithTimeout(ctx, r.budget)
	defer cancel()
	var last error
	asking, pause := "", 20*time.Millisecond
	for {
		at, err := asking, error(nil)
		if at == "" {
			at, err = r.servers.at(mine, key)
		}
		var answer any
		if err == nil {
			answer, err = r.servers.ask(mine, at, asking != "", name, args...)
		}
		if err == nil {
			return answer, nil
		}
		if errors.Is(err, errClosed) {
			return nil, err
		}
		asking = ""
		if said, ok := errors.AsType[redis.Error](err); ok {
			word, rest, _ := strings.Cut(string(said), " ")
			_, elsewhere, _ := strings.Cut(rest, " ")
			switch {
			case word == "MOVED" && mine.Err() == nil:
				r.servers.moved(key, at, elsewhere)
				continue
			case word == "ASK" && mine.Err() == nil:
				asking = besides(at, elsewhere)
				continue
			case !slices.Contains(passing, word):
				return nil, fmt.Errorf("the store of sessions at %s refuses: %w", r.servers.where, err)
			}
		}
		r.servers.away(key, at)
		if mine.Err() == nil || last == nil { // what was said before time was up tells more
			last = err
		}
		if pauseFor(mine, pause) != nil {
			if ctx.Err() != nil {
				last = context.Cause(ctx)
			}
			return nil, fmt.Errorf("the store of sessions at %s does not answer: %w", r.servers.where, last)
		}
		pause *= 2
	}
}

// pauseFor waits, or returns the error of ctx.
func pauseFor(ctx context.Context, pause time.Duration) error {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

const (
	redisEntry = "fairlead:session:"
	redisLock  = "fairlead:session-lock:"
)

// Get implements Store.
func (r *Redis) Get(ctx context.Context, id string) ([]byte, error) {
	sealed, err := redis.Bytes(r.do(ctx, redisEntry+id, "GET", redisEntry+id))
	if errors.Is(err, redis.ErrNil) {
		return nil, ErrNone
	}
	return sealed, err
}

// Put implements Store.
func (r *Redis) Put(ctx context.Context, id string, sealed []byte, end time.Time) error {
	args := []any{redisEntry + id, sealed}
	if !end.IsZero() {
		args = append(args, "PX", max(1, time.Until(end).Milliseconds()))
	}
	_, err := r.do(ctx, redisEntry+id, "SET", args...)
	return err
}

// Delete implements Store.
func (r *Redis) Delete(ctx context.Context, id string) error {
	_, err := r.do(ctx, redisEntry+id, "DEL", redisEntry+id)
	return err
}

// IDs implements Store.
func (r *Redis) IDs(ctx context.Context) (ids []string, err error) {
	at, err := r.servers.all(ctx, r.budget)
	for _, one := range at {
		for cursor := "0"; err == nil; {
			page, cancel := context.WithTimeout(ctx, r.budget)
			var found []any
			if found, err = redis.Values(r.servers.ask(page, one, false, "SCAN", cursor, "MATCH", redisEntry+"*",
				"COUNT", 1000)); err == nil {
				var names []string
				if _, err = redis.Scan(found, &cursor, &names); err == nil {
					for _, name := range names {
						ids = append(ids, strings.TrimPrefix(name, redisEntry))
					}
				}
			}
			cancel()
			if cursor == "0" {
				break
			}
			if len(ids) > redisListed {
				return nil, fmt.Errorf("the store of sessions at %s holds more than %d entries", r.servers.where,
					redisListed)
			}
		}
	}
	if err != nil {
		return nil, fmt.Errorf("the store of sessions at %s does not list: %w", r.servers.where, err)
	}
	slices.Sort(ids)
	return slices.Compact(ids), nil // SCAN may tell one twice
}

// A lock is a key with its holder's token. It ends by itself, and is prolonged
// while its holder works; only its holder ends it.
const (
	takeLock = `if redis.call('set', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then return 1 end
if redis.call('get', KEYS[1]) == ARGV[1] then return 1 end
return 0`
	prolongLock = `if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('pexpire', KEYS[1], ARGV[2]) end
return 0`
	endLock = `if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end
return 0`
)

func (r *Redis) script(ctx context.Context, script, id, token string) (done bool, err error) {
	key := redisLock + id
	n, err := redis.Int(r.do(ctx, key, "EVAL", script, 1, key, token, r.life.Milliseconds()))
	return n == 1, err
}

// Lock implements Store. Of one process one caller at a time asks the server, at
// pauses that grow to a quarter of a second.
func (r *Redis) Lock(ctx context.Context, id string) (func(), error) {
	leave, err := r.locks.lock(ctx, id)
	if err != nil {
		return nil, err
	}
	token, began := rand.Text(), time.Now()
	for pause := 10 * time.Millisecond; ; pause = min(2*pause, 250*time.Millisecond) {
		taken, err := r.script(ctx, takeLock, id, token)
		if err == nil && !taken {
			if err = pauseFor(ctx, pause/2+mathrand.N(pause)); err != nil {
				err = context.Cause(ctx)
			} else if time.Since(began) > redisWait {
				err = fmt.Errorf("another process has held a lock of the store of sessions at %s for %s",
					r.servers.where, redisWait)
			} else {
				continue
			}
		}
		if err != nil {
			leave()
			return nil, err
		}
		break
	}
	return r.held(ctx, id, token, leave), nil
}

// held prolongs a lock until it is released.
func (r *Redis) held(ctx context.Context, id, token string, leave func()) (release func()) {
	working, stop := context.WithCancel(context.WithoutCancel(ctx))
	var prolonging sync.WaitGroup
	prolonging.Go(func() {
		for pauseFor(working, r.life/3) == nil {
			if mine, err := r.script(working, prolongLock, id, token); err == nil && !mine {
				return // it has ended while the server was away
			}
		}
	})
	return sync.OnceFunc(func() {
		stop()
		prolonging.Wait()
		_, _ = r.script(context.WithoutCancel(ctx), endLock, id, token) // else it ends by itself
		leave()
	})
}
