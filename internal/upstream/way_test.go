package upstream

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// issued is a certificate in PEM, with its key.
type issued struct{ cert, key string }

// authority makes a CA and certificates that it signs: of a server on loopback, and of a client.
func authority(t *testing.T) (ca string, server, client issued) {
	t.Helper()
	newKey := func() *ecdsa.PrivateKey {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		return key
	}
	root := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Test CA"}, IsCA: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign}
	rootKey := newKey()
	issue := func(of *x509.Certificate, key *ecdsa.PrivateKey) issued {
		der, err := x509.CreateCertificate(rand.Reader, of, root, &key.PublicKey, rootKey)
		if err != nil {
			t.Fatal(err)
		}
		private, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			t.Fatal(err)
		}
		return issued{string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})),
			string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}))}
	}
	leaf := func(name string, usage x509.ExtKeyUsage) issued {
		return issue(&x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name},
			NotBefore: root.NotBefore, NotAfter: root.NotAfter, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
			ExtKeyUsage: []x509.ExtKeyUsage{usage}}, newKey())
	}
	return issue(root, rootKey).cert, leaf("server", x509.ExtKeyUsageServerAuth),
		leaf("client", x509.ExtKeyUsageClientAuth)
}

// serveTLS starts a server with the certificate that answers who its client is.
func serveTLS(t *testing.T, ca string, of issued, clients tls.ClientAuthType) string {
	t.Helper()
	pair, err := tls.X509KeyPair([]byte(of.cert), []byte(of.key))
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM([]byte(ca))
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := "nobody"
		if len(r.TLS.PeerCertificates) > 0 {
			name = r.TLS.PeerCertificates[0].Subject.CommonName
		}
		_, _ = io.WriteString(w, name)
	}))
	s.TLS = &tls.Config{Certificates: []tls.Certificate{pair}, ClientAuth: clients, ClientCAs: roots}
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	return s.URL
}

func TestConnection_trustsAndShowsCertificates(t *testing.T) {
	ca, server, client := authority(t)
	open := serveTLS(t, ca, server, tls.NoClientCert)
	mutual := serveTLS(t, ca, server, tls.RequireAndVerifyClientCert)
	file := filepath.Join(t.TempDir(), "client.pem")
	if err := os.WriteFile(file, []byte(client.cert+client.key), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		url    string
		flags  map[string]Connections
		says   *Connection
		answer string // "" for none
	}{
		{"nothing", open, nil, nil, ""},
		{"a CA of the document", open, nil, &Connection{CA: lit(ca)}, "nobody"},
		{"a CA of the operator", open, map[string]Connections{"": {CA: ca}}, nil, "nobody"},
		{"a CA for this API", open, map[string]Connections{"api": {CA: ca}}, nil, "nobody"},
		{"a CA for another", open, map[string]Connections{"other": {CA: ca}}, nil, ""},
		{"what is no CA", open, nil, &Connection{CA: lit("no PEM")}, ""},
		{"a secret without a value", open, nil, &Connection{CA: lit(" ")}, ""},
		{"insecure", open, map[string]Connections{"api": {Insecure: true}}, nil, "nobody"},
		{"insecure for another", open, map[string]Connections{"other": {Insecure: true}}, nil, ""},
		{"no client certificate", mutual, nil, &Connection{CA: lit(ca)}, ""},
		{"a client certificate", mutual, nil,
			&Connection{CA: lit(ca), Cert: lit(client.cert), Key: lit(client.key)}, "client"},
		{"both in one text", mutual, nil, &Connection{CA: lit(ca), Cert: lit(client.cert + client.key)}, "client"},
		{"a file of the operator", mutual, map[string]Connections{"api": {CA: ca, CertFile: file}}, nil, "client"},
		{"another's key", mutual, nil, &Connection{CA: lit(ca), Cert: lit(client.cert), Key: lit(server.key)}, ""},
	} {
		client := New(Config{Connections: c.flags})
		r := to(t, c.url, "GET", "/", nil)
		r.Connection = c.says
		_, body, err := send(t, client, r, nil)
		if body != c.answer || (err == nil) != (c.answer != "") {
			t.Errorf("%s: %q, %v", c.name, body, err)
		}
		if err != nil && strings.Contains(err.Error(), "PRIVATE") {
			t.Errorf("%s: the error quotes the key: %v", c.name, err)
		}
		client.Close()
	}
}

// TestConnection_takesARenewedCertificate of the operator's file.
func TestConnection_takesARenewedCertificate(t *testing.T) {
	ca, server, client := authority(t)
	file := filepath.Join(t.TempDir(), "client.pem")
	write := func(of issued) {
		if err := os.WriteFile(file, []byte(of.cert+of.key), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	api := serveTLS(t, ca, server, tls.RequestClientCert)
	write(client)
	c := New(Config{Connections: map[string]Connections{"": {CA: ca, CertFile: file}}})
	defer c.Close()
	if got := mustSend(t, c, to(t, api, "GET", "/", nil), nil); got != "client" {
		t.Errorf("connected as %q", got)
	}
	write(server)
	c.Close() // its connections
	if got := mustSend(t, c, to(t, api, "GET", "/", nil), nil); got != "server" {
		t.Errorf("connected as %q", got)
	}
}

// proxy is a proxy on loopback that notes what it is asked for, and with which credential.
func proxy(t *testing.T) (at string, asked func() []string) {
	var mu sync.Mutex
	var list []string
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		list = append(list, r.Method+" "+r.URL.Host+r.Host+" "+r.Header.Get("Proxy-Authorization"))
		mu.Unlock()
		if r.Method != http.MethodConnect {
			_, _ = io.WriteString(w, "through the proxy")
			return
		}
		there, err := net.Dial("tcp", r.Host)
		if err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		here, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			there.Close()
			return
		}
		_, _ = io.WriteString(here, "HTTP/1.1 200 OK\r\n\r\n")
		pipe(here, there)
	})
	return s.URL, func() []string {
		mu.Lock()
		defer mu.Unlock()
		got := list
		list = nil
		return got
	}
}

// pipe copies both ways until both have ended.
func pipe(a, b net.Conn) {
	var wg sync.WaitGroup
	for _, way := range [][2]net.Conn{{a, b}, {b, a}} {
		wg.Go(func() {
			_, _ = io.Copy(way[0], way[1])
			way[0].Close()
		})
	}
	wg.Wait()
}

func TestConnection_goesThroughTheProxyThatIsSaid(t *testing.T) {
	ca, server, _ := authority(t)
	secure := serveTLS(t, ca, server, tls.NoClientCert)
	plain := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "directly") }).URL
	at, asked := proxy(t)
	other, askedOther := proxy(t)
	withUser := strings.Replace(at, "http://", "http://me:canary@", 1)
	for _, c := range []struct {
		name        string
		flags       map[string]Connections
		says        string
		environment map[string]string
		url         string
		want        string
		by, byOther int
	}{
		{"none", nil, "", nil, plain, "directly", 0, 0},
		{"the document's", nil, at, nil, plain, "through the proxy", 1, 0},
		{"the operator's", map[string]Connections{"": {Proxy: at}}, "", nil, plain, "through the proxy", 1, 0},
		{"the document's before that of all", map[string]Connections{"": {Proxy: other}}, at, nil, plain,
			"through the proxy", 1, 0},
		{"the operator's for this API before it", map[string]Connections{"api": {Proxy: other}}, at, nil, plain,
			"through the proxy", 0, 1},
		{"directly", map[string]Connections{"": {Proxy: other}}, "none", nil, plain, "directly", 0, 0},
		{"of the operator, directly", map[string]Connections{"api": {Proxy: "none"}}, at, nil, plain, "directly", 0, 0},
		{"with TLS inside", map[string]Connections{"": {Proxy: withUser, CA: ca}}, "", nil, secure, "nobody", 1, 0},
		{"ALL_PROXY", nil, "", map[string]string{"ALL_PROXY": at}, "http://api.example", "through the proxy", 1, 0},
		{"HTTP_PROXY before it", nil, "", map[string]string{"ALL_PROXY": at, "HTTP_PROXY": other}, "http://api.example",
			"through the proxy", 0, 1},
		{"the document's before the environment's", nil, at, map[string]string{"ALL_PROXY": other},
			"http://api.example",
			"through the proxy", 1, 0},
		{"NO_PROXY", nil, "", map[string]string{"ALL_PROXY": at, "NO_PROXY": "127.0.0.1"}, plain, "directly", 0, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"} {
				t.Setenv(strings.ToLower(name), "")
				t.Setenv(name, c.environment[name])
			}
			client := New(Config{Connections: c.flags})
			defer client.Close()
			r := to(t, c.url, "GET", "/", nil)
			if c.says != "" {
				r.Connection = &Connection{Proxy: lit(c.says)}
			}
			if got := mustSend(t, client, r, nil); got != c.want {
				t.Errorf("answered %q", got)
			}
			got, gotOther := asked(), askedOther()
			if len(got) != c.by || len(gotOther) != c.byOther {
				t.Errorf("the proxies were asked %q, %q", got, gotOther)
			}
			if c.name == "with TLS inside" && !strings.HasSuffix(got[0], "Basic bWU6Y2FuYXJ5") {
				t.Errorf("the proxy was asked %q", got)
			}
		})
	}
}

// TestConnection_goesThroughSOCKS5: RFC 1928.
func TestConnection_goesThroughSOCKS5(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "there") })
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	defer wg.Wait()
	defer l.Close()
	wg.Go(func() {
		c, err := l.Accept()
		if err != nil {
			return
		}
		r := bufio.NewReader(c)
		greeting := make([]byte, 3)
		_, _ = io.ReadFull(r, greeting)
		_, _ = c.Write([]byte{5, 0})
		request := make([]byte, 10) // to an IPv4 address
		_, _ = io.ReadFull(r, request)
		_, _ = c.Write([]byte{5, 0, 0, 1, 0, 0, 0, 0, 0, 0})
		there, err := net.Dial("tcp", strings.TrimPrefix(s.URL, "http://"))
		if err != nil {
			c.Close()
			return
		}
		pipe(c, there)
	})
	c := New(Config{Connections: map[string]Connections{"": {Proxy: "socks5://" + l.Addr().String()}}})
	if got := mustSend(t, c, to(t, s.URL, "GET", "/", nil), nil); got != "there" {
		t.Errorf("answered %q", got)
	}
	c.Close()
}

func TestConnection_errorsHoldNoPassword(t *testing.T) {
	gone := serve(t, nil)
	gone.Close()
	for _, proxy := range []string{"http://me:canary@" + strings.TrimPrefix(gone.URL, "http://"),
		"http://me:canary@%zz",
		"ftp://me:canary@127.0.0.1:1", "me:canary@proxy"} {
		c := New(Config{Connections: map[string]Connections{"": {Proxy: proxy}}})
		_, _, err := send(t, c, to(t, "http://api.example", "GET", "/", nil), nil)
		if err == nil || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: %v", proxy, err)
		}
		if err := (Connections{Proxy: proxy}).Check(); err != nil && strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: %v", proxy, err)
		}
		c.Close()
	}
	var e *url.Error
	if errors.As((Connections{CertFile: "/nonexistent"}).Check(), &e) {
		t.Error(e)
	}
}
