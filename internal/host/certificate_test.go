package host

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// writePair writes a certificate for loopback and its key, and returns who trusts it.
func writePair(t testing.TB, dir, name string) (cert, key string, roots *x509.CertPool) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for file, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der},
		key: {Type: "PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	roots = x509.NewCertPool()
	roots.AppendCertsFromPEM(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	return cert, key, roots
}

func (c *Certificate) name() string { return c.current().Leaf.Subject.CommonName }

func TestCertificate_changesWithItsFiles(t *testing.T) {
	dir := t.TempDir()
	cert, key, _ := writePair(t, dir, "one")
	c, err := NewCertificate(cert, key, nil)
	if err != nil || c.name() != "one" {
		t.Fatal(err)
	}
	now := time.Now()
	c.now = func() time.Time { return now }
	writePair(t, dir, "two")
	if c.name() != "one" {
		t.Error("the files are looked at with every connection")
	}
	now = now.Add(lookPause)
	if c.name() != "two" {
		t.Error("the files are never looked at again")
	}
	old, err := os.ReadFile(key)
	if err != nil {
		t.Fatal(err)
	}
	writePair(t, dir, "three")
	if err := os.WriteFile(key, old, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := c.Refresh(); err == nil || strings.Contains(err.Error(), "PRIVATE") {
		t.Errorf("a certificate with another key: %v", err)
	}
	if now = now.Add(lookPause); c.name() != "two" {
		t.Error("a broken pair is served")
	}
	os.Remove(key)
	if err := c.Refresh(); err == nil || c.name() != "two" {
		t.Errorf("a key that is gone: %v", err)
	}
	writePair(t, dir, "four")
	if err := c.Refresh(); err != nil || c.name() != "four" {
		t.Errorf("then: %v", err)
	}
	if _, err := NewCertificate(cert, filepath.Join(dir, "none"), nil); err == nil {
		t.Error("a pair that is not there serves")
	}
}

func TestListener_speaksTLS(t *testing.T) {
	cert, key, roots := writePair(t, t.TempDir(), "one")
	certificate, err := NewCertificate(cert, key, nil)
	if err != nil {
		t.Fatal(err)
	}
	c := configOf(restOf(t, "one.yaml", "127.0.0.1:0", "GET /a"))
	c.Front.TLS = certificate
	h := served(t, c)
	base := h.Adapters()[0].URL
	if !strings.HasPrefix(base, "https://127.0.0.1:") {
		t.Fatalf("it is at %s", base)
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, ForceAttemptHTTP2: true}
	defer transport.CloseIdleConnections()
	resp, err := (&http.Client{Transport: transport}).Get(base + "/a")
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(resp.Body)
	resp.Body.Close()
	if resp.ProtoMajor != 2 || string(body) != `"one.yaml"` {
		t.Errorf("HTTP/%d: %s", resp.ProtoMajor, body)
	}
	old := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MaxVersion: tls.VersionTLS11}}
	defer old.CloseIdleConnections()
	if resp, err := (&http.Client{Transport: old}).Get(base + "/a"); err == nil {
		resp.Body.Close()
		t.Error("TLS 1.1 is taken")
	}
}

// served serves until the test ends.
func served(t testing.TB, c Config) *Host {
	t.Helper()
	h := opened(t, c)
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- h.Serve(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return h
}
