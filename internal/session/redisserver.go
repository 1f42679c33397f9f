package session

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/gomodule/redigo/redis"
)

// servers are where commands go: one server, those of a cluster, or the one that
// sentinels name. Libraries that know all of Redis bring eight megabytes and more;
// five commands, each about one key, need the little that is here.
type servers struct {
	where  string   // for errors: what the address named
	seeds  []string // host:port
	master string   // the sentinels' name of the server; "" when seeds are servers
	dial   func(ctx context.Context, at string, sentinel bool) (redis.Conn, error)

	mu      sync.Mutex
	closed  bool
	first   int                    // of the seeds, which is asked
	primary string                 // as sentinels said
	slots   map[uint16]string      // of a cluster, as servers said
	pools   map[string]*redis.Pool // by host:port
}

// IsRedis reports whether text is the address of a Redis or Valkey server.
func IsRedis(text string) bool {
	scheme, _, _ := strings.Cut(text, "://")
	return scheme == "redis" || scheme == "rediss" || scheme == "valkey" || scheme == "valkeys"
}

func newServers(address string) (*servers, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || !IsRedis(address) {
		return nil, errors.New("the address of a store of sessions is redis://[user:password@]host[:port][/db], or rediss, valkey, valkeys")
	}
	wrong := func(text string, args ...any) (*servers, error) {
		return nil, fmt.Errorf("the address of the store of sessions at "+u.Host+" "+text, args...)
	}
	s := &servers{where: u.Host, slots: map[uint16]string{}, pools: map[string]*redis.Pool{}}
	q := u.Query()
	for name := range q {
		if name != "addr" && name != "master_set" && name != "ca" {
			return wrong("has the option “%s”; there are addr, ca and master_set", name)
		}
	}
	for _, one := range append([]string{u.Host}, q["addr"]...) {
		part := &url.URL{Host: one}
		s.seeds = append(s.seeds, net.JoinHostPort(part.Hostname(), cmp.Or(part.Port(), "6379")))
	}
	s.master = q.Get("master_set")
	database := 0
	if path := strings.TrimPrefix(u.Path, "/"); path != "" {
		if database, err = strconv.Atoi(path); err != nil {
			return wrong("cannot be read: its database must be a number")
		}
	}
	var secure *tls.Config
	if u.Scheme == "rediss" || u.Scheme == "valkeys" {
		secure = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	if file := q.Get("ca"); file != "" {
		if secure == nil {
			return wrong("has ca without TLS: use rediss or valkeys")
		}
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("read the authorities of the store of sessions: %w", err)
		}
		secure.RootCAs = x509.NewCertPool()
		if !secure.RootCAs.AppendCertsFromPEM(text) {
			return nil, fmt.Errorf("read the authorities of the store of sessions: %s holds no PEM certificate", file)
		}
	}
	password, _ := u.User.Password()
	s.dial = func(ctx context.Context, at string, sentinel bool) (redis.Conn, error) {
		options := []redis.DialOption{redis.DialConnectTimeout(redisBudget), redis.DialReadTimeout(redisBudget),
			redis.DialWriteTimeout(redisBudget), redis.DialUsername(u.User.Username()), redis.DialPassword(password)}
		if !sentinel {
			options = append(options, redis.DialDatabase(database))
		}
		if secure != nil {
			own := secure.Clone()
			own.ServerName, _, _ = net.SplitHostPort(at)
			options = append(options, redis.DialUseTLS(true), redis.DialTLSConfig(own))
		}
		return redis.DialContext(ctx, "tcp", at, options...)
	}
	return s, nil
}

func (s *servers) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	for _, p := range s.pools {
		p.Close()
	}
}

// at is the server that has a key, as far as that is known.
func (s *servers) at(ctx context.Context, key string) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		return "", errClosed
	case s.master == "":
		return cmp.Or(s.slots[slot(key)], s.seeds[s.first%len(s.seeds)]), nil
	case s.primary != "":
		return s.primary, nil
	}
	sentinel := s.seeds[s.first%len(s.seeds)]
	s.mu.Unlock()
	primary, err := s.named(ctx, sentinel)
	s.mu.Lock()
	if err != nil {
		return sentinel, err
	}
	s.primary = primary
	return primary, nil
}

// named is the server that a sentinel names.
func (s *servers) named(ctx context.Context, sentinel string) (string, error) {
	c, err := s.dial(ctx, sentinel, true)
	if err != nil {
		return "", err
	}
	defer c.Close()
	said, err := redis.Strings(redis.DoContext(c, ctx, "SENTINEL", "get-master-addr-by-name", s.master))
	if err != nil || len(said) != 2 {
		return "", fmt.Errorf("the sentinel at %s knows no server “%s”: %w", sentinel, s.master, err)
	}
	return net.JoinHostPort(said[0], said[1]), nil
}

// away notes that a server was of no use: others are asked, by new connections.
func (s *servers) away(key, at string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.first++
	s.primary = ""
	delete(s.slots, slot(key))
	if p := s.pools[at]; p != nil {
		p.Close()
		delete(s.pools, at)
	}
}

// moved notes where a cluster's server says that a key's slot is.
func (s *servers) moved(key, by, to string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.slots[slot(key)] = besides(by, to)
}

// besides completes an address whose host is the one of the server that told it.
func besides(by, address string) string {
	if port, ok := strings.CutPrefix(address, ":"); ok {
		host, _, _ := net.SplitHostPort(by)
		return net.JoinHostPort(host, port)
	}
	return address
}

// ask sends a command to a server; asking takes it for a slot that is on its way there.
func (s *servers) ask(ctx context.Context, at string, asking bool, name string, args ...any) (any, error) {
	p, err := s.pool(at)
	if err != nil {
		return nil, err
	}
	c, err := p.GetContext(ctx)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	if asking {
		if _, err := redis.DoContext(c, ctx, "ASKING"); err != nil {
			return nil, err
		}
	}
	return redis.DoContext(c, ctx, name, args...)
}

func (s *servers) pool(at string) (*redis.Pool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, errClosed
	}
	if s.pools[at] == nil {
		s.pools[at] = &redis.Pool{MaxIdle: 8, MaxActive: 64, Wait: true, IdleTimeout: time.Minute,
			DialContext: func(ctx context.Context) (redis.Conn, error) { return s.dial(ctx, at, false) }}
	}
	return s.pools[at], nil
}

// all are the servers that have entries.
func (s *servers) all(ctx context.Context, budget time.Duration) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, budget)
	defer cancel()
	at, err := s.at(ctx, "")
	if err != nil {
		return nil, err
	}
	ranges, err := redis.Values(s.ask(ctx, at, false, "CLUSTER", "SLOTS"))
	if _, said := errors.AsType[redis.Error](err); said {
		return []string{at}, nil // it is no cluster
	}
	if err != nil {
		return nil, err
	}
	var all []string
	for _, one := range ranges { // first slot, last slot, primary, replicas
		var from, to int
		var primary []any
		var host string
		var port int
		values, err := redis.Values(one, nil)
		if err == nil {
			if _, err = redis.Scan(values, &from, &to, &primary); err == nil {
				_, err = redis.Scan(primary, &host, &port)
			}
		}
		if err != nil {
			return nil, err
		}
		all = append(all, besides(at, net.JoinHostPort(host, strconv.Itoa(port))))
	}
	return all, nil
}

// slot is the place of a key in a cluster: its CRC16, modulo 16384 (Redis cluster
// specification, “Key distribution model”). Names here have no braces.
func slot(key string) uint16 {
	var crc uint16
	for _, b := range []byte(key) {
		crc ^= uint16(b) << 8
		for range 8 {
			if crc&0x8000 != 0 {
				crc = crc<<1 ^ 0x1021
			} else {
				crc <<= 1
			}
		}
	}
	return crc % 16384
}
