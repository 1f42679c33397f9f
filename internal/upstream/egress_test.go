package upstream

import (
	"errors"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"testing"
)

func rulesOf(t *testing.T, texts ...string) (rules []EgressRule) {
	t.Helper()
	for _, text := range texts {
		rule, err := ParseEgressRule(text)
		if err != nil {
			t.Fatal(err)
		}
		rules = append(rules, rule)
	}
	return rules
}

func TestParseEgressRule_refusesWhatItCannotHold(t *testing.T) {
	for _, text := range []string{"", "*", "a*b.example", "https://a.example", "a.example:80", "10.0.0.0/99",
		"me@a.example"} {
		if _, err := ParseEgressRule(text); err == nil {
			t.Errorf("%q is a rule", text)
		}
	}
}

// TestEgress_rules: what may be reached by its name and at its address.
func TestEgress_rules(t *testing.T) { // semantics 4.13
	for _, c := range []struct {
		allow, deny   []string
		host, address string
		byName, there bool // may it be reached, as far as the name says, and the address
	}{
		{nil, nil, "a.example", "10.0.0.1", true, true},
		{[]string{"a.example"}, nil, "A.Example.", "10.0.0.1", true, true},
		{[]string{"a.example"}, nil, "b.a.example", "10.0.0.1", false, false},
		{[]string{"*.a.example"}, nil, "b.a.example", "10.0.0.1", true, true},
		{[]string{"*.a.example"}, nil, "a.example", "10.0.0.1", false, false},
		{[]string{"*.a.example"}, nil, "eva.example", "10.0.0.1", false, false},
		{[]string{"10.0.0.0/8"}, nil, "a.example", "10.0.0.1", true, true},
		{[]string{"10.0.0.0/8"}, nil, "a.example", "11.0.0.1", true, false},
		{[]string{"10.0.0.0/8"}, nil, "10.0.0.1", "10.0.0.1", true, true},
		{[]string{"10.0.0.0/8"}, nil, "11.0.0.1", "11.0.0.1", false, false},
		{nil, []string{"a.example"}, "a.example", "10.0.0.1", false, true},
		{nil, []string{"private"}, "a.example", "10.0.0.1", true, false},
		{nil, []string{"private"}, "a.example", "::ffff:10.0.0.1", true, false},
		{nil, []string{"private"}, "a.example", "64:ff9b::a00:1", true, false},
		{nil, []string{"private"}, "a.example", "fd12::1", true, false},
		{nil, []string{"private"}, "a.example", "100.64.3.4", true, false},
		{nil, []string{"private"}, "a.example", "127.0.0.1", true, true},
		{nil, []string{"loopback"}, "localhost", "127.0.0.1", true, false},
		{nil, []string{"loopback"}, "a.example", "0.0.0.0", true, false},
		{nil, []string{"loopback"}, "a.example", "::1", true, false},
		{nil, []string{"link-local"}, "169.254.169.254", "169.254.169.254", false, false},
		{[]string{"a.example"}, []string{"private"}, "a.example", "10.0.0.1", true, false},
	} {
		e := &Egress{Allow: rulesOf(t, c.allow...), Deny: rulesOf(t, c.deny...)}
		err := e.checkURL(&url.URL{Scheme: "https", Host: c.host}, false)
		at := e.checkAddr(hostName(c.host), netip.MustParseAddr(c.address))
		if (err == nil) != c.byName || (at == nil) != c.there {
			t.Errorf("allow %v, deny %v, %s at %s: %v, %v", c.allow, c.deny, c.host, c.address, err, at)
		}
	}
}

// TestEgress_holdsForAllThatIsSent: calls, where redirects lead, tokens and keys, on
// connections that are made and those that are used again.
func TestEgress_holdsForAllThatIsSent(t *testing.T) { // semantics 4.13
	asked := 0
	s := serve(t, func(w http.ResponseWriter, r *http.Request) { asked++ })
	named := strings.Replace(s.URL, "127.0.0.1", "localhost", 1)
	refused := func(err error) bool {
		_, ok := errors.AsType[*EgressError](err)
		return ok
	}
	for _, c := range []struct{ allow, deny []string }{
		{nil, []string{"loopback"}}, {nil, []string{"127.0.0.0/8", "::1", "localhost"}},
		{[]string{"api.example"}, nil}, {[]string{"10.0.0.0/8"}, nil},
	} {
		client := New(Config{Egress: Egress{Allow: rulesOf(t, c.allow...), Deny: rulesOf(t, c.deny...)}})
		for _, base := range []string{s.URL, named} {
			if _, _, err := send(t, client, to(t, base, "GET", "/", nil), nil); !refused(err) {
				t.Errorf("%v: a call to %s: %v", c, base, err)
			}
			auth := &OAuth2{TokenEndpoint: lit(base), ClientID: lit("a"), ClientSecret: lit("b")}
			if _, _, err := send(t, client, to(t, base, "GET", "/", auth), nil); !refused(err) {
				t.Errorf("%v: a token from %s: %v", c, base, err)
			}
			if _, err := client.Errands().Get(base); !refused(err) {
				t.Errorf("%v: an errand to %s: %v", c, base, err)
			}
			r := to(t, base, "GET", "/", nil)
			r.Connection = &Connection{Proxy: lit(base)}
			if _, _, err := send(t, client, r, nil); !refused(err) {
				t.Errorf("%v: through a proxy of the document's at %s: %v", c, base, err)
			}
		}
		client.Close()
	}
	if asked > 0 {
		t.Errorf("asked %d times", asked)
	}
	allowed := New(Config{Egress: Egress{Allow: rulesOf(t, "localhost"), Deny: rulesOf(t, "private")}})
	defer allowed.Close()
	mustSend(t, allowed, to(t, named, "GET", "/", nil), nil)
}

// TestEgress_reachesNoListenerOfItsOwn that no call may reach.
func TestEgress_reachesNoListenerOfItsOwn(t *testing.T) {
	s := serve(t, nil)
	at := netip.MustParseAddrPort(strings.TrimPrefix(s.URL, "http://"))
	c := New(Config{Egress: Egress{Own: func(a netip.AddrPort) bool { return a == at }}})
	defer c.Close()
	for _, host := range []string{"127.0.0.1", "localhost", "[::ffff:127.0.0.1]"} {
		_, _, err := send(t, c, to(t, strings.Replace(s.URL, "127.0.0.1", host, 1), "GET", "/", nil), nil)
		if _, ok := errors.AsType[*EgressError](err); !ok {
			t.Errorf("%s: %v", host, err)
		}
	}
}
