package upstream

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// exchangeAt is authentication with what endpoint gives in exchange for subject.
func exchangeAt(base, subject string) *OAuth2 {
	auth := clientAt(base)
	auth.Subject, auth.Audience = lit(subject), lit("crm")
	return auth
}

func TestOAuth2_exchangesTheCallersToken(t *testing.T) { // RFC 8693
	i := &issuer{style: "header", lifetime: 3600}
	base, c := i.start(t)
	for range 2 {
		mustSend(t, c, to(t, base, "GET", "/", exchangeAt(base, "of-ada")), nil)
	}
	mustSend(t, c, to(t, base, "GET", "/", exchangeAt(base, "of-bob")), nil)
	if len(i.asked) != 2 {
		t.Fatalf("%d tokens for two callers", len(i.asked))
	}
	for n, subject := range []string{"of-ada", "of-bob"} {
		for name, want := range map[string]string{
			"grant_type": "urn:ietf:params:oauth:grant-type:token-exchange", "subject_token": subject,
			"audience":             "crm",
			"subject_token_type":   "urn:ietf:params:oauth:token-type:access_token",
			"requested_token_type": "urn:ietf:params:oauth:token-type:access_token",
		} {
			if got := i.asked[n].Get(name); got != want {
				t.Errorf("%s is %q, want %q", name, got, want)
			}
		}
	}
}

func TestOAuth2_exchangesForATokenOfTheAPIOnly(t *testing.T) {
	for name, c := range map[string]struct {
		status        int
		answer, wants string
	}{
		"the caller's own":   {200, `{"access_token":"canary","token_type":"Bearer"}`, "in exchange for the caller's"},
		"no bearer token":    {200, `{"access_token":"other","token_type":"N_A"}`, "in exchange for the caller's"},
		"the caller refused": {400, `{"error":"invalid_grant","error_description":"canary is over"}`, "answered 400 (invalid_grant)"},
	} {
		asked := 0
		base := serve(t, func(w http.ResponseWriter, r *http.Request) {
			asked++
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(c.status)
			fmt.Fprint(w, c.answer)
		}).URL
		_, _, err := send(t, newClient(t), to(t, base, "GET", "/", exchangeAt(base, "canary")), nil)
		if err == nil || !strings.Contains(err.Error(), c.wants) || strings.Contains(err.Error(), "canary") ||
			asked != 1 {
			t.Errorf("%s: asked %d times, %v", name, asked, err)
		}
	}
}

func TestOAuth2_needsATokenToExchange(t *testing.T) {
	_, _, err := to(t, "http://127.0.0.1:1", "GET", "/", exchangeAt("http://127.0.0.1:1", "")).Build(nil, nil, Own{})
	if e, ok := err.(*CredentialError); !ok || e.Retry || !strings.Contains(e.Reason, "brings no OAuth token") {
		t.Error(err)
	}
}
