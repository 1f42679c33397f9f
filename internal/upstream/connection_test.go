package upstream

import (
	"bufio"
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// closing is an API that answers one request on a connection and closes it when
// the next one comes, as one does whose time for idle connections is over.
func closing(t *testing.T) (base string, answered func() []string) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var (
		mu  sync.Mutex
		all []string
		wg  sync.WaitGroup
	)
	wg.Go(func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				defer conn.Close()
				in := bufio.NewReader(conn)
				req, err := http.ReadRequest(in)
				if err != nil {
					return
				}
				body, _ := io.ReadAll(req.Body)
				mu.Lock()
				all = append(all, req.Method+" "+string(body))
				mu.Unlock()
				_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
				_, _ = in.ReadByte()
			})
		}
	})
	t.Cleanup(func() { ln.Close(); wg.Wait() })
	return "http://" + ln.Addr().String(), func() []string { mu.Lock(); defer mu.Unlock(); return slices.Clone(all) }
}

// TestClient_sendsAgainOnAStaleConnection: what may be done twice is sent again
// when the API closes a connection of the pool at the same moment.
func TestClient_sendsAgainOnAStaleConnection(t *testing.T) {
	for _, c := range []struct {
		method string
		again  bool
	}{{"GET", true}, {"HEAD", true}, {"OPTIONS", true}, {"PUT", true}, {"DELETE", true}, {"POST", false},
		{"PATCH", false}} {
		t.Run(c.method, func(t *testing.T) {
			base, answered := closing(t)
			client := newClient(t)
			defer client.Close()
			r := to(t, base, c.method, "/", nil)
			var entity func() *Entity
			if c.method == "PUT" || c.method == "POST" || c.method == "PATCH" {
				r.Body = &Body{Kind: WholeBody}
				entity = func() *Entity { return &Entity{Body: io.MultiReader(strings.NewReader("[1]")), Length: 3} }
			} else {
				entity = func() *Entity { return nil }
			}
			for n := range 2 {
				status, _, err := send(t, client, r, entity())
				if want := n == 0 || c.again; (err == nil && status == 200) != want {
					t.Errorf("call %d: status %d, %v", n+1, status, err)
				}
			}
			if got := answered(); c.again && (len(got) != 2 || got[0] != got[1]) || !c.again && len(got) != 1 {
				t.Errorf("the API answered %q", got)
			}
		})
	}
}

// trust makes c trust the certificate of s.
func trust(c *Client, s *httptest.Server) {
	for _, by := range []http.RoundTripper{c.transport, c.http2} {
		by.(*http.Transport).TLSClientConfig = s.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
		by.(*http.Transport).TLSClientConfig.NextProtos = nil
	}
}

// deafConn is a connection that may lose what is written to it, and hear nothing.
type deafConn struct {
	net.Conn
	deaf atomic.Bool
}

func (d *deafConn) Write(p []byte) (int, error) {
	if d.deaf.Load() {
		return len(p), nil
	}
	return d.Conn.Write(p)
}

// h2 is a server with HTTP/2 behind a door that can go deaf: then nothing passes
// on the connections that are open.
func h2(t *testing.T, c *Client, h http.HandlerFunc) (base string, deaf func()) {
	t.Helper()
	s := httptest.NewUnstartedServer(h)
	s.EnableHTTP2 = true
	s.StartTLS()
	t.Cleanup(s.Close)
	trust(c, s)
	var (
		mu    sync.Mutex
		conns []*deafConn
	)
	dial := &net.Dialer{}
	for _, by := range []http.RoundTripper{c.transport, c.http2} {
		by.(*http.Transport).DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := dial.DialContext(ctx, network, address)
			if err != nil {
				return nil, err
			}
			d := &deafConn{Conn: conn}
			mu.Lock()
			conns = append(conns, d)
			mu.Unlock()
			return d, nil
		}
	}
	return s.URL, func() {
		mu.Lock()
		defer mu.Unlock()
		for _, d := range conns {
			d.deaf.Store(true)
		}
	}
}

func TestClient_replacesAnHTTP2ConnectionThatWentDeaf(t *testing.T) {
	c := newClient(t)
	c.http2.(*http.Transport).HTTP2 = &http.HTTP2Config{SendPingTimeout: 20 * time.Millisecond,
		PingTimeout: 20 * time.Millisecond}
	var versions []string
	base, deaf := h2(t, c, func(w http.ResponseWriter,
		r *http.Request) {
		versions = append(versions, r.Proto+" "+r.Method)
	})
	get, post := to(t, base, "GET", "/", nil), to(t, base, "POST", "/", nil)
	get.Policy.HTTP2, post.Policy.HTTP2 = true, true
	mustSend(t, c, get, nil)
	deaf()
	mustSend(t, c, get, nil) // noticed while it waits, and sent again
	deaf()
	if _, _, err := send(t, c, post, nil); err == nil {
		t.Error("a POST that may have been done was done again")
	}
	mustSend(t, c, post, nil)
	if want := []string{"HTTP/2.0 GET", "HTTP/2.0 GET", "HTTP/2.0 POST"}; !slices.Equal(versions, want) {
		t.Errorf("the API saw %q", versions)
	}
}

func TestClient_prefersHTTP1(t *testing.T) { // semantics 4.10
	c := newClient(t)
	var last string
	base, _ := h2(t, c, func(w http.ResponseWriter, r *http.Request) { last = r.Proto })
	mustSend(t, c, to(t, base, "GET", "/", nil), nil)
	if last != "HTTP/1.1" {
		t.Errorf("called with %s", last)
	}
	if all := New(Config{HTTP2: true}); all.transport != all.http2 {
		t.Error("the operator's wish is not heard")
	}
}

// TestClient_sendsAgainWhatHTTP2DidNotProcess: any method is sent again when the
// API refuses the stream or goes away before it.
func TestClient_sendsAgainWhatHTTP2DidNotProcess(t *testing.T) {
	for name, refuse := range map[string]func(f *http2.Framer, stream uint32) error{
		"REFUSED_STREAM": func(f *http2.Framer, stream uint32) error {
			return f.WriteRSTStream(stream, http2.ErrCodeRefusedStream)
		},
		"GOAWAY": func(f *http2.Framer, stream uint32) error {
			_ = f.WriteGoAway(stream-2, http2.ErrCodeNo, nil)
			return io.EOF // ends the connection
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := newClient(t)
			base, refused, bodies := refusing(t, c, refuse)
			r := to(t, base, "POST", "/", nil)
			r.Policy.HTTP2, r.Body = true, &Body{Kind: WholeBody}
			for range 2 {
				mustSend(t, c, r, &Entity{Body: io.MultiReader(strings.NewReader("[1]")), Length: 3})
			}
			if refused() != 1 || !slices.Equal(bodies(), []string{"[1]", "[1]"}) {
				t.Errorf("refused %d, processed %q", refused(), bodies())
			}
		})
	}
}

// refusing is an HTTP/2 server, frame by frame, that does not process the second
// request on its first connection.
func refusing(t *testing.T, c *Client, refuse func(*http2.Framer, uint32) error) (base string, refused func() int32,
	bodies func() []string) {
	t.Helper()
	s := httptest.NewUnstartedServer(nil)
	s.StartTLS() // for its certificate
	t.Cleanup(s.Close)
	trust(c, s)
	config := s.TLS.Clone()
	config.NextProtos = []string{"h2"}
	ln, err := tls.Listen("tcp", "127.0.0.1:0", config)
	if err != nil {
		t.Fatal(err)
	}
	var (
		wg    sync.WaitGroup
		mu    sync.Mutex
		count atomic.Int32
		got   []string
		open  []net.Conn
		first = true
	)
	wg.Go(func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			refuses := first
			first = false
			mu.Lock()
			open = append(open, conn)
			mu.Unlock()
			wg.Go(func() {
				defer conn.Close()
				if _, err := io.ReadFull(conn, make([]byte, len(http2.ClientPreface))); err != nil {
					return
				}
				f := http2.NewFramer(conn, conn)
				_ = f.WriteSettings()
				for {
					frame, err := f.ReadFrame()
					if err != nil {
						return
					}
					switch frame := frame.(type) {
					case *http2.SettingsFrame:
						if !frame.IsAck() {
							_ = f.WriteSettingsAck()
						}
					case *http2.DataFrame:
						if frame.StreamID > 1 && refuses && count.CompareAndSwap(0, 1) {
							if refuse(f, frame.StreamID) != nil {
								return
							}
							continue
						}
						mu.Lock()
						got = append(got, string(frame.Data()))
						mu.Unlock()
						var head strings.Builder
						_ = hpack.NewEncoder(&head).WriteField(hpack.HeaderField{Name: ":status", Value: "200"})
						_ = f.WriteHeaders(http2.HeadersFrameParam{StreamID: frame.StreamID,
							BlockFragment: []byte(head.String()), EndHeaders: true, EndStream: true})
					}
				}
			})
		}
	})
	t.Cleanup(func() {
		c.Close()
		ln.Close()
		mu.Lock()
		for _, conn := range open {
			conn.Close()
		}
		mu.Unlock()
		wg.Wait()
	})
	return "https://" + ln.Addr().String(), count.Load,
		func() []string { mu.Lock(); defer mu.Unlock(); return slices.Clone(got) }
}
