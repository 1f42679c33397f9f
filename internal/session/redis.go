package session

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/valkey-io/valkey-go"
)

// Redis keeps entries in a Redis or Valkey server (Redis 6 and later), which all
// replicas share. Entries stand under “fairlead:session:” and their name. A server
// that does not answer is an error.
type Redis struct {
	client valkey.Client
	locks  locks  // within this process; the server's lock is between processes
	where  string // for errors: host and port
	budget time.Duration
	life   time.Duration // of a lock whose holder is gone
}

// What the server may take.
const (
	redisBudget = 3 * time.Second  // a command, with what is tried again of it
	redisLife   = 10 * time.Second // a lock after its holder was last heard of
	redisWait   = time.Minute      // waiting for a lock
	redisListed = 100_000          // entries that are listed
)

// redisOptions are what the query of an address may say.
var redisOptions = map[string]string{
	"addr": "further addresses of a cluster or of sentinels", "master_set": "the sentinels' name of the server",
	"ca": "a PEM file of authorities to trust instead of the system's", "db": "the number of the database",
}

// IsRedis reports whether text is the address of a Redis or Valkey server.
func IsRedis(text string) bool {
	scheme, _, _ := strings.Cut(text, "://")
	return scheme == "redis" || scheme == "rediss" || scheme == "valkey" || scheme == "valkeys"
}

// OpenRedis connects to redis://[[user]:password@]host[:port][/db], or rediss for
// TLS, or the same with valkey. The query may have addr=host:port (of a cluster, or
// of sentinels with master_set=name) and ca=file. Errors never hold the password.
func OpenRedis(address string) (*Redis, error) {
	option, where, err := redisOption(address)
	if err != nil {
		return nil, err
	}
	client, err := valkey.NewClient(option)
	if err != nil {
		return nil, fmt.Errorf("the store of sessions at %s cannot be reached: %w", where, err)
	}
	return &Redis{client: client, where: where, budget: redisBudget, life: redisLife}, nil
}

func redisOption(address string) (o valkey.ClientOption, where string, err error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || !IsRedis(address) {
		return o, "", errors.New("the address of a store of sessions is redis://[user:password@]host[:port][/db], or rediss, valkey, valkeys")
	}
	for name := range u.Query() {
		if redisOptions[name] == "" {
			return o, "", fmt.Errorf("the address of the store of sessions at %s has the option “%s”; there are addr, ca, db and master_set", u.Host, name)
		}
	}
	// The library's errors may quote what they cannot read.
	if o, err = valkey.ParseURL(u.String()); err != nil {
		return o, "", fmt.Errorf("the address of the store of sessions at %s cannot be read: its database must be a number", u.Host)
	}
	if file := u.Query().Get("ca"); file != "" {
		if o.TLSConfig == nil {
			return o, "", fmt.Errorf("the address of the store of sessions at %s has ca without TLS: use rediss or valkeys", u.Host)
		}
		text, err := os.ReadFile(file)
		if err != nil {
			return o, "", fmt.Errorf("read the authorities of the store of sessions: %w", err)
		}
		o.TLSConfig.RootCAs = x509.NewCertPool()
		if !o.TLSConfig.RootCAs.AppendCertsFromPEM(text) {
			return o, "", fmt.Errorf("read the authorities of the store of sessions: %s holds no PEM certificate", file)
		}
	}
	if o.TLSConfig != nil {
		o.TLSConfig.MinVersion = tls.VersionTLS12
	}
	if o.Sentinel.MasterSet != "" {
		o.Sentinel.TLSConfig, o.Sentinel.Username, o.Sentinel.Password = o.TLSConfig, o.Username, o.Password
		o.Sentinel.TopologyRefreshInterval = 5 * time.Second
	}
	o.ClientName = "fairlead"
	o.ClientSetInfo = valkey.DisableClientSetInfo
	o.DisableCache = true // what another replica stores counts at once
	o.DisableRetry = true // see do, which knows how long
	o.Dialer.Timeout, o.ConnWriteTimeout = redisBudget, redisBudget
	o.PipelineMultiplex = -1 // one connection carries what sessions need
	o.ReadBufferEachConn, o.WriteBufferEachConn, o.RingScaleEachConn = 16<<10, 16<<10, 8
	return o, u.Host, nil
}

// Close ends the connections.
func (r *Redis) Close() error {
	r.client.Close()
	return nil
}

// passing are the server's own errors that end by themselves: it loads its data,
// or another one is becoming the primary.
var passing = []string{"LOADING", "READONLY", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN", "NOREPLICAS"}

// do sends a command until the server has answered it, for as long as budget. All
// commands of this file may be sent twice.
func (r *Redis) do(ctx context.Context, command func(valkey.Builder) valkey.Completed) (valkey.ValkeyMessage, error) {
	mine, cancel := context.WithTimeout(ctx, r.budget)
	defer cancel()
	var last error
	for pause := 20 * time.Millisecond; ; pause *= 2 {
		answer, err := r.client.Do(mine, command(r.client.B())).ToMessage()
		if err == nil {
			return answer, nil
		}
		if valkey.IsValkeyNil(err) {
			return answer, ErrNone
		}
		if said, ok := valkey.IsValkeyErr(err); ok {
			if word, _, _ := strings.Cut(said.Error(), " "); !slices.Contains(passing, word) {
				return answer, fmt.Errorf("the store of sessions at %s refuses: %w", r.where, err)
			}
		}
		if errors.Is(err, valkey.ErrClosing) {
			return answer, errClosed
		}
		if mine.Err() == nil || last == nil { // what was said before time was up tells more
			last = err
		}
		if pauseFor(mine, pause) != nil {
			if ctx.Err() != nil {
				last = context.Cause(ctx)
			}
			return answer, fmt.Errorf("the store of sessions at %s does not answer: %w", r.where, last)
		}
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
	answer, err := r.do(ctx, func(b valkey.Builder) valkey.Completed { return b.Get().Key(redisEntry + id).Build() })
	if err != nil {
		return nil, err
	}
	return answer.AsBytes()
}

// Put implements Store.
func (r *Redis) Put(ctx context.Context, id string, sealed []byte, end time.Time) error {
	_, err := r.do(ctx, func(b valkey.Builder) valkey.Completed {
		set := b.Set().Key(redisEntry + id).Value(valkey.BinaryString(sealed))
		if end.IsZero() {
			return set.Build()
		}
		return set.PxMilliseconds(max(1, time.Until(end).Milliseconds())).Build()
	})
	return err
}

// Delete implements Store.
func (r *Redis) Delete(ctx context.Context, id string) error {
	_, err := r.do(ctx, func(b valkey.Builder) valkey.Completed { return b.Del().Key(redisEntry + id).Build() })
	return err
}

// IDs implements Store.
func (r *Redis) IDs(ctx context.Context) ([]string, error) {
	seen := map[string]bool{}
	var ids []string
	for _, node := range r.client.Nodes() { // a replica tells the same again
		for cursor := uint64(0); ; {
			page, cancel := context.WithTimeout(ctx, r.budget)
			entry, err := node.Do(page, node.B().Scan().Cursor(cursor).Match(redisEntry+"*").Count(1000).Build()).AsScanEntry()
			cancel()
			if err != nil {
				return nil, fmt.Errorf("the store of sessions at %s does not list: %w", r.where, err)
			}
			for _, name := range entry.Elements {
				if id := strings.TrimPrefix(name, redisEntry); !seen[id] {
					seen[id] = true
					ids = append(ids, id)
				}
			}
			if len(ids) > redisListed {
				return nil, fmt.Errorf("the store of sessions at %s holds more than %d entries", r.where, redisListed)
			}
			if cursor = entry.Cursor; cursor == 0 {
				break
			}
		}
	}
	return ids, nil
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
	answer, err := r.do(ctx, func(b valkey.Builder) valkey.Completed {
		return b.Eval().Script(script).Numkeys(1).Key(redisLock+id).Arg(token, strconv.FormatInt(r.life.Milliseconds(), 10)).Build()
	})
	if err != nil {
		return false, err
	}
	n, err := answer.AsInt64()
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
				err = fmt.Errorf("another process has held a lock of the store of sessions at %s for %s", r.where, redisWait)
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
