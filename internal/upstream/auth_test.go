package upstream

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/fairlead/fairlead/internal/expr"
	"github.com/fairlead/fairlead/internal/value"
)

const canary = "canary-7f3a"

// plainAuth is every kind that is complete when the request is built.
var plainAuth = []struct {
	name string
	auth Auth
	want string // how it travels
}{
	{"basic", &Basic{Username: lit("me"), Password: lit(canary)}, "Authorization: Basic bWU6Y2FuYXJ5LTdmM2E="},
	{"basic without a password", &Basic{Username: lit(canary)}, "Authorization: Basic Y2FuYXJ5LTdmM2E6"},
	{"bearer", &Bearer{Scheme: "Bearer", Token: lit(canary)}, "Authorization: Bearer " + canary},
	{"bearer with its scheme", &Bearer{Scheme: "Bearer", Token: lit("bearer " + canary)}, "Authorization: bearer " +
		canary},
	{"a token with a scheme of its own", &Bearer{Token: lit("Token " + canary)}, "Authorization: Token " + canary},
	{"a key in a header", apiKey(Param{Name: "X-Key", Place: InHeader, Value: lit(canary)}), "X-Key: " + canary},
	{"a key in a cookie", apiKey(Param{Name: "key", Place: InCookie, Value: lit(canary)}), "Cookie: key=" + canary},
	{"a key in the query", apiKey(Param{Name: "k&", Place: InQuery, Value: lit(canary + "&x=1")}), "?a=1&k%26=" +
		canary + "%26x%3D1"},
	{"headers", Keys{{Name: "X-A", Place: InHeader, Value: lit("1")},
		{Name: "X-B", Place: InHeader, Value: lit(canary)}}, "X-B: " + canary},
	{"query parameters", Keys{{Name: "b", Place: InQuery, Value: lit("1")},
		{Name: "c", Place: InQuery, Value: lit(canary)}}, "?a=1&b=1&c=" + canary},
}

// wire is a request as text.
func wire(req *http.Request) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s ?%s\n", req.URL.Path, req.URL.RawQuery)
	_ = req.Header.Write(&b)
	return b.String()
}

func TestAuth_putsTheCredentialInItsPlace(t *testing.T) {
	for _, c := range plainAuth {
		t.Run(c.name, func(t *testing.T) {
			r := to(t, "https://api.test", "GET", "/", c.auth)
			r.Query = lit("a=1")
			req, credential, err := r.Build(nil, nil, Own{})
			if err != nil || credential != nil {
				t.Fatalf("credential %v, error %v", credential, err)
			}
			if got := wire(req); !strings.Contains(got, c.want) {
				t.Errorf("no %q in\n%s", c.want, got)
			}
		})
	}
}

func TestAuth_givesWayToTheCallersOwn(t *testing.T) {
	for _, auth := range []Auth{plainAuth[0].auth, digestAs(canary), clientAt("https://login.test")} {
		req, credential, err := to(t, "https://api.test", "GET", "/", auth).Build(nil, nil,
			Own{Authorization: "Bearer theirs"})
		if err != nil || credential != nil || req.Header.Get("Authorization") != "Bearer theirs" ||
			strings.Contains(wire(req), canary) {
			t.Errorf("%s, credential %v, error %v", wire(req), credential, err)
		}
	}
}

// A slot that holds nothing is a secret that is not set.
func TestAuth_sendsNothingEmpty(t *testing.T) {
	none := expr.Slot(0)
	for name, auth := range map[string]Auth{
		"bearer":   &Bearer{Scheme: "Bearer", Token: none},
		"apikey":   apiKey(Param{Name: "X-Key", Place: InHeader, Value: none}),
		"digest":   &Digest{Username: none},
		"oauth1":   &OAuth1{Method: "HMAC-SHA1", ConsumerKey: none},
		"a key":    &OAuth1{Method: "RSA-SHA1", ConsumerKey: lit("k"), SigningKey: none},
		"oauth2":   &OAuth2{TokenEndpoint: lit("https://login.test"), ClientID: none},
		"refresh":  &OAuth2{TokenEndpoint: lit("https://login.test"), ClientID: lit("me"), RefreshToken: none},
		"veracode": &Veracode{ID: lit("id"), Key: none},
		"aws":      &AWS{AccessKeyID: lit("id"), SecretAccessKey: none, Region: lit("r"), Service: lit("s")},
	} {
		if _, _, err := to(t, "https://api.test", "GET", "/", auth).Build(expr.Frame{value.Value{}}, nil,
			Own{}); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestAuth_letsNoValueEndTheHeader(t *testing.T) {
	evil := lit(canary + "\r\nX-Injected: 1")
	for name, auth := range map[string]Auth{
		"bearer":   &Bearer{Scheme: "Bearer", Token: evil},
		"apikey":   apiKey(Param{Name: "X-Key", Place: InHeader, Value: evil}),
		"headers":  Keys{{Name: "X-Key", Place: InHeader, Value: evil}},
		"digest":   &Digest{Username: evil, Password: evil},
		"veracode": &Veracode{ID: evil, Key: lit("00")},
		"aws":      &AWS{AccessKeyID: evil, SecretAccessKey: evil, Region: lit("r"), Service: lit("s")},
		"session": &AWS{AccessKeyID: lit("a"), SecretAccessKey: evil, SessionToken: evil, Region: lit("r"),
			Service: lit("s")},
	} {
		_, _, err := to(t, "https://api.test", "GET", "/", auth).Build(nil, nil, Own{})
		if err == nil || strings.Contains(err.Error(), canary) || strings.Contains(err.Error(), "Injected") {
			t.Errorf("%s: error %v", name, err)
		}
	}
	for name, auth := range map[string]Auth{ // those that encode
		"basic":  &Basic{Username: evil, Password: evil},
		"cookie": apiKey(Param{Name: "k", Place: InCookie, Value: evil}),
		"query":  apiKey(Param{Name: "k", Place: InQuery, Value: evil}),
	} {
		req, _, err := to(t, "https://api.test", "GET", "/", auth).Build(nil, nil, Own{})
		if err != nil || strings.Contains(wire(req), "\r\nX-Injected") {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

func TestCredential_showsItsKindAndNoSecret(t *testing.T) {
	for want, auth := range map[string]Auth{
		"Digest ***": digestAs(canary),
		"Bearer ***": &OAuth2{TokenEndpoint: lit("https://" + canary), ClientID: lit(canary),
			ClientSecret: lit(canary)},
		"OAuth ***":                 &OAuth1{Method: "RSA-SHA256", ConsumerKey: lit(canary), SigningKey: lit(canary)},
		"VERACODE-HMAC-SHA-256 ***": &Veracode{ID: lit("id"), Key: lit(canary)},
		"AWS4-HMAC-SHA256 ***": &AWS{AccessKeyID: lit(canary), SecretAccessKey: lit(canary), Region: lit("r"),
			Service: lit("s")},
	} {
		req, credential, err := to(t, "https://api.test", "GET", "/", auth).Build(nil, nil, Own{})
		if err != nil {
			t.Fatal(err)
		}
		credential.Show(req)
		if got := req.Header.Get("Authorization"); got != want {
			t.Errorf("shows %q, want %q", got, want)
		}
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			if printed := fmt.Sprintf(verb, credential) +
				fmt.Sprintf(verb, []any{credential}); strings.Contains(printed, canary) ||
				strings.Contains(printed, fmt.Sprintf("%x", canary)) {
				t.Errorf("%s prints %s", verb, printed)
			}
		}
	}
	var none *Credential
	none.Show(nil)
}
