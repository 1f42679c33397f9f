package main

import (
	"bufio"
	"bytes"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// peerKinds are the peers that this program serves itself.
var peerKinds = []string{"upstream", "proxy", "bare", "sdk", "sdk-catalogue"}

// Every case against a peer of ours gets the answer that the load asks for,
// over a real socket and twice over one connection.
func TestComparison_getsItsAnswersFromThePeers(t *testing.T) {
	up := httptest.NewServer(http.HandlerFunc(upstream))
	defer up.Close()
	servers := map[string]string{}
	for _, kind := range peerKinds {
		h, err := newPeer(kind, []string{up.URL})
		if err != nil {
			t.Fatal(err)
		}
		s := httptest.NewServer(h)
		defer s.Close()
		servers[kind] = s.URL
	}
	tried := 0
	for _, c := range comparison() {
		base, ok := servers[c.server]
		if !ok {
			continue
		}
		tried++
		t.Run(c.name, func(t *testing.T) {
			if c.mcp {
				base += "/mcp"
			}
			if err := c.aim(base); err != nil {
				t.Fatal(err)
			}
			conn, err := c.dial(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			for range 2 {
				if err := c.exchange(conn); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
	if tried != 10 {
		t.Errorf("tried %d cases, want 10", tried)
	}
}

func TestExchange_refusesAnAnswerWithoutTheToken(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_,
			_ = w.Write([]byte("{}"))
	}))
	defer s.Close()
	c := rest("empty", "empty", loginPath)
	if err := c.aim(s.URL); err != nil {
		t.Fatal(err)
	}
	conn, err := c.dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := c.exchange(conn); err == nil || !strings.Contains(err.Error(), "answered 200 OK: {}") {
		t.Errorf("error is %v", err)
	}
}

func TestComparison_namesBasesThatExist(t *testing.T) {
	names := map[string]bool{}
	for _, c := range comparison() {
		if names[c.name] {
			t.Errorf("two cases are named %s", c.name)
		}
		names[c.name] = true
	}
	for _, c := range comparison() {
		if !names[c.base] {
			t.Errorf("base of %s is %q, which is no case", c.name, c.base)
		}
	}
}

func TestAim_writesARequestThatServersRead(t *testing.T) {
	c := call(callModern, bare, "bare", true)
	if err := c.aim("http://127.0.0.1:1/mcp"); err != nil {
		t.Fatal(err)
	}
	r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(c.wire)))
	if err != nil {
		t.Fatal(err)
	}
	if r.URL.Path != "/mcp" || r.Header.Get("Mcp-Name") != loginTool || r.Header.Get("Mcp-Method") != "tools/call" ||
		r.ContentLength != int64(len(c.body)) {
		t.Errorf("request is\n%s", c.wire)
	}
}

func TestCatalogue_isOneForAllServers(t *testing.T) {
	document, list := catalogueDocument(), catalogueJSON()
	for _, i := range []int{0, 1, catalogueTools - 1} {
		if name := catalogueName(i); !bytes.Contains(document, []byte("- name: "+name+"\n")) || !bytes.Contains(list, []byte(`"name":"`+name+`"`)) {
			t.Errorf("%s is missing", name)
		}
	}
	if n := bytes.Count(document, []byte("call: things.get-")); n != catalogueTools {
		t.Errorf("document has %d tools", n)
	}
	if len(document) > 1<<20 {
		t.Errorf("document has %d bytes, more than Fairlead reads", len(document))
	}
}
