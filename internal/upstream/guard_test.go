package upstream

import (
	"errors"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"
)

func TestGuard_knowsLinkLocalAndMetadataAddresses(t *testing.T) {
	for text, want := range map[string]bool{
		"169.254.169.254": true, "169.254.0.1": true, "::ffff:169.254.169.254": true, "64:ff9b::a9fe:a9fe": true,
		"fe80::1": true, "fe80::1%eth0": true, "febf::1": true, "fd00:ec2::254": true,
		"127.0.0.1": false, "10.0.0.1": false, "169.253.255.255": false, "::1": false, "fd00:ec2::253": false,
		"8.8.8.8": false,
	} {
		if got := isGuarded(netip.MustParseAddr(text)); got != want {
			t.Errorf("%s: %t", text, got)
		}
	}
}

// The name is localhost here, and loopback stands for what is guarded.
func TestGuard_refusesNamesThatLeadThere(t *testing.T) {
	s := serve(t, nil)
	port := s.URL[strings.LastIndexByte(s.URL, ':'):]
	dial := new(Egress).dial(time.Second, netip.Addr.IsLoopback)
	if _, err := dial(t.Context(), "tcp", "localhost"+port); !errors.Is(err, ErrGuardedAddress) {
		t.Errorf("a name: error %v", err)
	}
	c, err := dial(t.Context(), "tcp", "127.0.0.1"+port)
	if err != nil {
		t.Fatalf("an address: %v", err)
	}
	c.Close()
}

func TestGuard_letsAFixedBaseNameSuchAnAddressAndNoOther(t *testing.T) {
	fixed, _ := url.Parse("http://169.254.169.254")
	r := &Request{Target: "metadata.get", Method: "GET", Path: lit("/latest"), Base: Base{Fixed: fixed}}
	if _, _, err := r.Build(nil, nil, Own{}); err != nil {
		t.Error(err)
	}
	for _, base := range []string{"http://169.254.169.254", "http://169.254.169.254:80/x",
		"https://[fe80::1%25eth0]:443", "http://[::ffff:169.254.169.254]"} {
		r.Base = Base{Text: lit(base)}
		var unavailable *UnavailableError
		if _, _, err := r.Build(nil, nil, Own{}); !errors.As(err, &unavailable) {
			t.Errorf("%s: error %v", base, err)
		}
	}
	r.Base = Base{Text: lit("http://127.0.0.1")}
	if _, _, err := r.Build(nil, nil, Own{}); err != nil {
		t.Error(err)
	}
}

func TestGuard_dialsLoopbackByNameAndAddress(t *testing.T) {
	s := serve(t, nil)
	port := s.URL[strings.LastIndexByte(s.URL, ':'):]
	for _, host := range []string{"127.0.0.1", "localhost"} {
		c, err := new(Egress).dial(time.Second, isGuarded)(t.Context(), "tcp", host+port)
		if err != nil {
			t.Error(err)
			continue
		}
		c.Close()
	}
}
