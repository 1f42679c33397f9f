package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// concurrency is how many keep-alive connections a load has, each with one
// request under way.
const concurrency = 8

// target is one case: a request that is written as it stands, and the answer
// that it must get.
type target struct {
	name   string
	base   string // name of the case that its ratio is against; "" has none
	server string // key of the process whose CPU time counts
	share  int    // divides the number of requests; 0 is 1

	method, path string
	header       []string
	body         string
	want         string // every answer has status 200 and holds this
	mcp          bool   // the path is below the MCP adapter's URL

	process *process
	address string
	wire    []byte
}

// sample is what one round of a case took.
type sample struct {
	cpu       time.Duration // of the server process, per request
	allocated int64         // bytes by the server process, whole round; see gcTrace
	requests  int
	latencies []time.Duration // sorted
	answer    int             // bytes of the last answer's body
}

// aim completes the target with where it is sent.
func (t *target) aim(base string) error {
	u, err := url.Parse(base)
	if err != nil {
		return fmt.Errorf("parse URL of %s: %w", t.server, err)
	}
	t.address = u.Host
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n",
		t.method, u.Path+t.path, u.Host, len(t.body))
	for _, line := range t.header {
		b.WriteString(line + "\r\n")
	}
	b.WriteString("\r\n" + t.body)
	t.wire = b.Bytes()
	return nil
}

// connection is a keep-alive connection to a target.
type connection struct {
	net.Conn
	r    *bufio.Reader
	body bytes.Buffer
}

func (t *target) dial(ctx context.Context) (*connection, error) {
	var d net.Dialer
	c, err := d.DialContext(ctx, "tcp", t.address)
	if err != nil {
		return nil, err
	}
	return &connection{Conn: c, r: bufio.NewReaderSize(c, 64<<10)}, nil
}

// exchange sends the request once and checks the answer.
func (t *target) exchange(c *connection) error {
	if _, err := c.Write(t.wire); err != nil {
		return err
	}
	res, err := http.ReadResponse(c.r, nil)
	if err != nil {
		return err
	}
	c.body.Reset()
	if _, err := io.Copy(&c.body, res.Body); err != nil {
		return err
	}
	switch {
	case res.StatusCode != http.StatusOK || !bytes.Contains(c.body.Bytes(), []byte(t.want)):
		return fmt.Errorf("%s answered %s: %.300s", t.name, res.Status, c.body.Bytes())
	case res.Close:
		return fmt.Errorf("%s closed a connection that was to be kept", t.name)
	}
	return nil
}

// load sends n requests over fresh connections. Dialling and the first request
// of each connection come before the clock starts.
func (t *target) load(ctx context.Context, n int) (sample, error) {
	s := sample{requests: n}
	var connections [concurrency]*connection
	for i := range connections {
		c, err := t.dial(ctx)
		if err != nil {
			return s, err
		}
		defer c.Close()
		if err := t.exchange(c); err != nil {
			return s, err
		}
		connections[i] = c
	}
	defer context.AfterFunc(ctx, func() {
		for _, c := range connections {
			c.Close()
		}
	})()

	var (
		left      atomic.Int64
		wait      sync.WaitGroup
		latencies [concurrency][]time.Duration
		failures  [concurrency]error
	)
	left.Store(int64(n))
	allocated := t.process.trace.allocated()
	before, err := cpuTime(t.process.pid)
	if err != nil {
		return s, err
	}
	for i, c := range connections {
		wait.Go(func() {
			for left.Add(-1) >= 0 {
				start := time.Now()
				if failures[i] = t.exchange(c); failures[i] != nil {
					return
				}
				latencies[i] = append(latencies[i], time.Since(start))
			}
		})
	}
	wait.Wait()
	after, err := cpuTime(t.process.pid)
	if ctx.Err() != nil {
		return s, ctx.Err() // the failures are of connections closed for it
	}
	if err := errors.Join(append(failures[:], err)...); err != nil {
		return s, err
	}
	s.cpu = (after - before) / time.Duration(n)
	s.allocated = t.process.trace.allocated() - allocated
	s.latencies = slices.Concat(latencies[:]...)
	slices.Sort(s.latencies)
	s.answer = connections[0].body.Len()
	return s, nil
}

// measure runs one round that does not count and then the rounds that do, all
// cases within each round, forwards and backwards in turn.
func measure(ctx context.Context, targets []*target, o options) ([]result, error) {
	samples := make(map[string][]sample, len(targets))
	order := slices.Clone(targets)
	for round := range o.rounds + 1 {
		if round == 0 {
			fmt.Fprint(os.Stderr, "warm-up")
		} else {
			fmt.Fprintf(os.Stderr, ", round %d", round)
		}
		for _, t := range order {
			s, err := t.load(ctx, o.requests/max(t.share, 1))
			if err != nil {
				return nil, fmt.Errorf("load %s: %w", t.name, err)
			}
			if round > 0 {
				samples[t.name] = append(samples[t.name], s)
			}
		}
		slices.Reverse(order)
	}
	fmt.Fprintln(os.Stderr)
	results := make([]result, len(targets))
	for i, t := range targets {
		results[i] = newResult(t, samples[t.name], samples[t.base])
	}
	return results, nil
}
