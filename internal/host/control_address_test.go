package host

import (
	"fmt"
	"net"
	"testing"
)

// The address of the control server that is told is one that commands take.
func TestHost_Control(t *testing.T) {
	for bound, want := range map[string][2]string{ // without and with TLS
		"127.0.0.1:0": {"127.0.0.1:%d", "https://127.0.0.1:%d"},
		"0.0.0.0:0":   {"127.0.0.1:%d", "https://localhost:%d"},
		":0":          {"127.0.0.1:%d", "https://localhost:%d"},
	} {
		ln, err := net.Listen("tcp", bound)
		if err != nil {
			t.Fatal(err)
		}
		defer ln.Close()
		for i, secure := range []bool{false, true} {
			h := &Host{own: &ownControl{net: newPatient(ln), secure: secure}}
			if got, want := h.Control(), fmt.Sprintf(want[i], ln.Addr().(*net.TCPAddr).Port); got != want {
				t.Errorf("%s, TLS %t: %s, want %s", bound, secure, got, want)
			}
		}
	}
}
