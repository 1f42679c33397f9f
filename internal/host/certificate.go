package host

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// Certificate is the certificate of the listeners, and its key. The files are
// read again when they have changed; a pair that cannot be used leaves the one
// before it in force. It is safe for concurrent use.
type Certificate struct {
	cert, key string
	log       *slog.Logger
	now       func() time.Time

	mu     sync.Mutex
	pair   *tls.Certificate
	read   stamps    // of the files that were read last, whether they could be used or not
	looked time.Time // when the files were last looked at
}

// stamps tell whether two files are still what they were.
type stamps [2]struct {
	changed time.Time
	size    int64
}

// lookPause is between two looks at the files while connections come.
const lookPause = 5 * time.Second

// NewCertificate reads the files, in PEM, the certificate with those between it
// and its root. log hears of a pair that cannot be used later on.
func NewCertificate(cert, key string, log *slog.Logger) (*Certificate, error) {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	c := &Certificate{cert: cert, key: key, log: log, now: time.Now}
	c.looked = c.now()
	c.read = c.stamps()
	pair, err := c.load()
	if err != nil {
		return nil, err
	}
	c.pair = pair
	return c, nil
}

// load reads the files; the errors hold nothing of the key.
func (c *Certificate) load() (*tls.Certificate, error) {
	pair, err := tls.LoadX509KeyPair(c.cert, c.key)
	if err != nil {
		return nil, fmt.Errorf("read the certificate: %w", err)
	}
	if c.now().After(pair.Leaf.NotAfter) {
		c.log.Warn("the certificate has ended", "file", c.cert, "on", pair.Leaf.NotAfter)
	}
	return &pair, nil
}

func (c *Certificate) stamps() (s stamps) {
	for i, name := range []string{c.cert, c.key} {
		if info, err := os.Stat(name); err == nil {
			s[i].changed, s[i].size = info.ModTime(), info.Size()
		}
	}
	return s
}

// Refresh reads the files, as if they had changed. The error says that they
// cannot be used; the pair before them stays in force. Of nil it is none.
func (c *Certificate) Refresh() error {
	if c == nil {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.read = stamps{}
	return c.refresh()
}

// refresh reads the files if they have changed; mu is held.
func (c *Certificate) refresh() error {
	c.looked = c.now()
	now := c.stamps()
	if now == c.read {
		return nil
	}
	c.read = now
	pair, err := c.load()
	if err != nil {
		return err
	}
	c.pair = pair
	c.log.Info("the certificate has changed", "file", c.cert, "ends", pair.Leaf.NotAfter)
	return nil
}

// current is what a connection that begins now gets.
func (c *Certificate) current() *tls.Certificate {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.now().Sub(c.looked) >= lookPause {
		if err := c.refresh(); err != nil {
			c.log.ErrorContext(context.Background(), "the certificate before it stays in force", "error", err)
		}
	}
	return c.pair
}

// config is that of a listener: HTTP/2 is offered, nothing below TLS 1.2 taken
// (RFC 8996).
func (c *Certificate) config() *tls.Config {
	return &tls.Config{
		MinVersion:     tls.VersionTLS12,
		NextProtos:     []string{"h2", "http/1.1"},
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return c.current(), nil },
	}
}
