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
	auth *Auth
	want string // how it travels
}{
	{"basic", &Auth{Kind: Basic, Username: lit("me"), Password: lit(canary)}, "Authorization: Basic bWU6Y2FuYXJ5LTdmM2E="},
	{"basic without a password", &Auth{Kind: Basic, Username: lit(canary)}, "Authorization: Basic Y2FuYXJ5LTdmM2E6"},
	{"bearer", &Auth{Kind: Bearer, Scheme: "Bearer", Token: lit(canary)}, "Authorization: Bearer " + canary},
	{"bearer with its scheme", &Auth{Kind: Bearer, Scheme: "Bearer", Token: lit("bearer " + canary)}, "Authorization: bearer " + canary},
	{"a token with a scheme of its own", &Auth{Kind: Bearer, Token: lit("Token " + canary)}, "Authorization: Token " + canary},
	{"a key in a header", &Auth{Kind: APIKey, Name: "X-Key", Place: InHeader, Value: lit(canary)}, "X-Key: " + canary},
	{"a key in a cookie", &Auth{Kind: APIKey, Name: "key", Place: InCookie, Value: lit(canary)}, "Cookie: key=" + canary},
	{"a key in the query", &Auth{Kind: APIKey, Name: "k&", Place: InQuery, Value: lit(canary + "&x=1")}, "?a=1&k%26=" + canary + "%26x%3D1"},
	{"headers", &Auth{Kind: Map, Params: []Param{{Name: "X-A", Place: InHeader, Value: lit("1")}, {Name: "X-B", Place: InHeader, Value: lit(canary)}}}, "X-B: " + canary},
	{"query parameters", &Auth{Kind: Map, Params: []Param{{Name: "b", Place: InQuery, Value: lit("1")}, {Name: "c", Place: InQuery, Value: lit(canary)}}}, "?a=1&b=1&c=" + canary},
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
			req, credential, err := r.Build(nil, nil, "")
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
	for _, auth := range []*Auth{plainAuth[0].auth, digestAs(canary), clientAt("https://login.test")} {
		req, credential, err := to(t, "https://api.test", "GET", "/", auth).Build(nil, nil, "Bearer theirs")
		if err != nil || credential != nil || req.Header.Get("Authorization") != "Bearer theirs" || strings.Contains(wire(req), canary) {
			t.Errorf("%s, credential %v, error %v", wire(req), credential, err)
		}
	}
}

// A slot that holds nothing is a secret that is not set.
func TestAuth_sendsNothingEmpty(t *testing.T) {
	none := expr.Slot(0)
	for name, auth := range map[string]*Auth{
		"bearer":   {Kind: Bearer, Scheme: "Bearer", Token: none},
		"apikey":   {Kind: APIKey, Name: "X-Key", Place: InHeader, Value: none},
		"digest":   {Kind: Digest, Username: none},
		"oauth1":   {Kind: ByOAuth1, OAuth1: &OAuth1{Method: "HMAC-SHA1", ConsumerKey: none}},
		"a key":    {Kind: ByOAuth1, OAuth1: &OAuth1{Method: "RSA-SHA1", ConsumerKey: lit("k"), SigningKey: none}},
		"oauth2":   {Kind: ByOAuth2, OAuth2: &OAuth2{TokenEndpoint: lit("https://login.test"), ClientID: none}},
		"refresh":  {Kind: ByOAuth2, OAuth2: &OAuth2{TokenEndpoint: lit("https://login.test"), ClientID: lit("me"), RefreshToken: none}},
		"veracode": {Kind: Veracode, Username: lit("id"), Password: none},
		"aws":      {Kind: ByAWS, AWS: &AWS{AccessKeyID: lit("id"), SecretAccessKey: none, Region: lit("r"), Service: lit("s")}},
	} {
		if _, _, err := to(t, "https://api.test", "GET", "/", auth).Build(expr.Frame{value.Value{}}, nil, ""); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestAuth_letsNoValueEndTheHeader(t *testing.T) {
	evil := lit(canary + "\r\nX-Injected: 1")
	for name, auth := range map[string]*Auth{
		"bearer":   {Kind: Bearer, Scheme: "Bearer", Token: evil},
		"apikey":   {Kind: APIKey, Name: "X-Key", Place: InHeader, Value: evil},
		"headers":  {Kind: Map, Params: []Param{{Name: "X-Key", Place: InHeader, Value: evil}}},
		"digest":   {Kind: Digest, Username: evil, Password: evil},
		"veracode": {Kind: Veracode, Username: evil, Password: lit("00")},
		"aws":      {Kind: ByAWS, AWS: &AWS{AccessKeyID: evil, SecretAccessKey: evil, Region: lit("r"), Service: lit("s")}},
		"session":  {Kind: ByAWS, AWS: &AWS{AccessKeyID: lit("a"), SecretAccessKey: evil, SessionToken: evil, Region: lit("r"), Service: lit("s")}},
	} {
		_, _, err := to(t, "https://api.test", "GET", "/", auth).Build(nil, nil, "")
		if err == nil || strings.Contains(err.Error(), canary) || strings.Contains(err.Error(), "Injected") {
			t.Errorf("%s: error %v", name, err)
		}
	}
	for name, auth := range map[string]*Auth{ // those that encode
		"basic":  {Kind: Basic, Username: evil, Password: evil},
		"cookie": {Kind: APIKey, Name: "k", Place: InCookie, Value: evil},
		"query":  {Kind: APIKey, Name: "k", Place: InQuery, Value: evil},
	} {
		req, _, err := to(t, "https://api.test", "GET", "/", auth).Build(nil, nil, "")
		if err != nil || strings.Contains(wire(req), "\r\nX-Injected") {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

func TestCredential_showsItsKindAndNoSecret(t *testing.T) {
	for want, auth := range map[string]*Auth{
		"Digest ***":                digestAs(canary),
		"Bearer ***":                {Kind: ByOAuth2, OAuth2: &OAuth2{TokenEndpoint: lit("https://" + canary), ClientID: lit(canary), ClientSecret: lit(canary)}},
		"OAuth ***":                 {Kind: ByOAuth1, OAuth1: &OAuth1{Method: "RSA-SHA256", ConsumerKey: lit(canary), SigningKey: lit(canary)}},
		"VERACODE-HMAC-SHA-256 ***": {Kind: Veracode, Username: lit("id"), Password: lit(canary)},
		"AWS4-HMAC-SHA256 ***":      {Kind: ByAWS, AWS: &AWS{AccessKeyID: lit(canary), SecretAccessKey: lit(canary), Region: lit("r"), Service: lit("s")}},
	} {
		req, credential, err := to(t, "https://api.test", "GET", "/", auth).Build(nil, nil, "")
		if err != nil {
			t.Fatal(err)
		}
		credential.Show(req)
		if got := req.Header.Get("Authorization"); got != want {
			t.Errorf("shows %q, want %q", got, want)
		}
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			if printed := fmt.Sprintf(verb, credential) + fmt.Sprintf(verb, []any{credential}); strings.Contains(printed, canary) || strings.Contains(printed, fmt.Sprintf("%x", canary)) {
				t.Errorf("%s prints %s", verb, printed)
			}
		}
	}
	var none *Credential
	none.Show(nil)
}
