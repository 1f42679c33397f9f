package guard

import (
	"strings"
	"sync"
	"testing"
	"time"
)

func (s *authServer) introspecting(pairs ...string) *place {
	return s.place(s.fields().with("tokenValidation", "introspection").with(pairs...), true)
}

func TestIntrospection(t *testing.T) {
	s := newAuthServer(t, "")
	now := s.clock.Now().Unix()
	good := s.good()
	for name, c := range map[string]struct {
		claims claims
		status int
		fault  tokenError
	}{
		"active":           {good, 200, ""},
		"no issuer":        {good.with("iss", nil), 200, ""},
		"no expiry":        {good.with("exp", nil), 200, ""},
		"expired":          {good.with("exp", now-1), 401, faultInactive},
		"another issuer":   {good.with("iss", "https://x"), 401, faultIssuer},
		"another audience": {good.with("aud", []string{"x"}), 401, faultAudience},
		"no audience":      {good.with("aud", nil), 401, faultAudience},
		"early":            {good.with("nbf", now+100), 401, faultEarly},
		"a bearer token":   {good.with("token_type", "bearer"), 200, ""},
		"a refresh token":  {good.with("token_type", "refresh_token"), 401, faultInactive},
		"bound to a key":   {good.with("token_type", "DPoP"), 401, faultInactive},
		"scope missing":    {good.with("scope", "x"), 403, "The access token lacks a scope; needed are: tools:read."},
	} {
		s.Set(func() { s.Tokens["opaque-1"] = c.claims })
		p := s.introspecting()
		w := p.token("opaque-1")
		if w.Code != c.status || parameter(t, w, "error_description") != string(c.fault) {
			t.Errorf("%s: %d %s", name, w.Code, w.Header())
		}
		if w.Code == 200 {
			if id, _ := From(p.seen.Context()); id.Subject != "ada" || id.Client != "agent" ||
				id.Token.Reveal() != "opaque-1" || !id.Claims.Get("active").True() {
				t.Errorf("%s: %+v", name, id)
			}
		}
	}
	if w := s.introspecting().token("unknown"); w.Code != 401 ||
		parameter(t, w, "error_description") != string(faultInactive) {
		t.Errorf("unknown: %d", w.Code)
	}
}

func TestIntrospection_isRememberedForAMinuteButNotBeyondTheEnd(t *testing.T) {
	s := newAuthServer(t, "")
	s.Tokens["long"], s.Tokens["short"] = s.good(), s.good().with("exp", s.clock.Now().Unix()+10)
	p := s.introspecting()
	for range 5 {
		if p.token("long").Code != 200 || p.token("short").Code != 200 {
			t.Error("not let in")
		}
	}
	if n := s.Asked("/introspect"); n != 2 {
		t.Errorf("asked %d times", n)
	}
	s.clock.pass(11 * time.Second)
	if w := p.token("short"); w.Code != 401 {
		t.Errorf("expired: %d", w.Code)
	}
	s.Set(func() { delete(s.Tokens, "long") })
	if w := p.token("long"); w.Code != 200 {
		t.Errorf("within the minute: %d", w.Code)
	}
	s.clock.pass(50 * time.Second)
	if w := p.token("long"); w.Code != 401 {
		t.Errorf("revoked: %d", w.Code)
	}
}

func TestIntrospection_remembersAWhileWhatIsInactive(t *testing.T) {
	s := newAuthServer(t, "")
	p := s.introspecting()
	for range 5 {
		if w := p.token("junk"); w.Code != 401 {
			t.Error(w.Code)
		}
	}
	if n := s.Asked("/introspect"); n != 1 {
		t.Errorf("asked %d times", n)
	}
	s.clock.pass(6 * time.Second)
	s.Set(func() { s.Tokens["junk"] = s.good() })
	if w := p.token("junk"); w.Code != 200 {
		t.Errorf("active by now: %d", w.Code)
	}
}

func TestIntrospection_asksOnceForConcurrentRequests(t *testing.T) {
	s := newAuthServer(t, "")
	s.Tokens["t"] = s.good()
	p := s.introspecting()
	p.get("/")
	var group sync.WaitGroup
	hold := make(chan struct{})
	s.Set(func() { s.Hold = hold })
	for range 8 {
		group.Go(func() {
			if w := p.token("t"); w.Code != 200 {
				t.Error(w.Code)
			}
		})
	}
	time.Sleep(20 * time.Millisecond) // a late one finds the answer
	s.Set(func() { s.Hold = nil })
	close(hold)
	group.Wait()
	if n := s.Asked("/introspect"); n != 1 {
		t.Errorf("asked %d times", n)
	}
}

func TestIntrospection_takesTheEndpointOfTheDocument(t *testing.T) {
	s := newAuthServer(t, "")
	s.Tokens["t"] = s.good()
	s.Metadata = nil
	if w := s.introspecting("introspectionEndpoint", s.URL+"/introspect").token("t"); w.Code != 200 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if s.Asked(s.At) != 0 {
		t.Error("discovered although there is no need")
	}
}

func TestIntrospection_ownFailuresAre503(t *testing.T) {
	s := newAuthServer(t, "")
	s.Tokens["t"] = s.good()
	for name, c := range map[string]struct {
		pairs []string
		log   string
	}{
		"wrong client":       {[]string{"clientSecret", "wrong"}, "status 401"},
		"no secret":          {[]string{"clientSecret", ""}, "status 401"},
		"secret that is not": {[]string{"clientSecret", unset}, "VAR_clientSecret"},
		"id that is not":     {[]string{"clientId", unset}, "VAR_clientId"},
		"no such endpoint":   {[]string{"introspectionEndpoint", s.URL + "/none"}, "status 404"},
		"not an answer":      {[]string{"introspectionEndpoint", s.URL + "/keys"}, "does not say whether"},
		"no server":          {[]string{"introspectionEndpoint", "http://127.0.0.1:1"}, "127.0.0.1:1"},
	} {
		p := s.introspecting(c.pairs...)
		if w := p.token("t"); w.Code != 503 || w.Header().Get("WWW-Authenticate") != "" {
			t.Errorf("%s: %d", name, w.Code)
		}
		if !strings.Contains(p.logged(), c.log) {
			t.Errorf("%s: %s", name, p.logged())
		}
	}
	s.Set(func() { delete(s.Metadata, "introspection_endpoint") })
	p := s.introspecting()
	if w := p.token("t"); w.Code != 503 || !strings.Contains(p.logged(), "no introspection_endpoint") {
		t.Errorf("no endpoint: %d %s", w.Code, p.logged())
	}
}
