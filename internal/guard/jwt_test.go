package guard

import (
	"crypto/hmac"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"slices"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/fairlead/fairlead/internal/testkit/authserver"
)

func TestJWT_isTakenWithEveryAsymmetricAlgorithm(t *testing.T) {
	s := newAuthServer(t, "")
	s.Rotate("rsa", "p256", "p384", "p521", "ed")
	p := s.place(s.fields(), true)
	for key, algs := range map[string][]jose.SignatureAlgorithm{
		"rsa": {jose.RS256, jose.RS384, jose.RS512, jose.PS256, jose.PS384, jose.PS512}, "p256": {jose.ES256},
		"p384": {jose.ES384}, "p521": {jose.ES512}, "ed": {jose.EdDSA},
	} {
		for _, alg := range algs {
			for kid, h := range map[string]header{"with kid": nil, "without": {"kid": ""}} {
				if w := p.token(sign(t, key, alg, h, s.good())); w.Code != 200 {
					t.Errorf("%s %s %s: %d %s", key, alg, kid, w.Code, w.Body)
				}
			}
		}
	}
	id, ok := From(p.seen.Context())
	if !ok || id.Subject != "ada" || id.Issuer != s.Issuer || id.Client != "agent" ||
		!slices.Equal(id.Scopes, []string{"tools:read", "tools:execute"}) ||
		id.Claims.Get("aud").Text() != resource || id.Expires.Unix() != s.clock.Now().Unix()+600 || id.Token.IsEmpty() {
		t.Errorf("%+v", id)
	}
	if p.seen.Header.Get("Authorization") != "" {
		t.Error("the token goes on")
	}
}

func TestJWT_claims(t *testing.T) {
	s := newAuthServer(t, "/realms/x")
	now, good := s.clock.Now().Unix(), s.good()
	for name, c := range map[string]struct {
		claims claims
		fault  tokenError
	}{
		"all well":                        {good, ""},
		"expired within the oauth.Leeway": {good.with("exp", now-60), ""},
		"expired":                         {good.with("exp", now-61), faultExpired},
		"no exp":                          {good.with("exp", nil), faultNoExpiry},
		"exp as text":                     {good.with("exp", "2100"), faultNoExpiry},
		"exp null":                        {good.with("exp", json.RawMessage("null")), faultNoExpiry},
		"exp with a fraction":             {good.with("exp", float64(now)+0.5), ""},
		"exp beyond all time":             {good.with("exp", 1e300), ""},
		"exp negative":                    {good.with("exp", -5), faultNoExpiry},
		"no nbf":                          {good.with("nbf", nil), ""},
		"early within the oauth.Leeway":   {good.with("nbf", now+60), ""},
		"early":                           {good.with("nbf", now+61), faultEarly},
		"nbf as text":                     {good.with("nbf", "1"), faultEarly},
		"issuer with a slash":             {good.with("iss", s.Issuer+"/"), ""},
		"another issuer":                  {good.with("iss", s.Issuer+"x"), faultIssuer},
		"issuer that is longer":           {good.with("iss", s.Issuer+"//"), faultIssuer},
		"issuer in another case":          {good.with("iss", strings.ToUpper(s.Issuer)), faultIssuer},
		"no issuer":                       {good.with("iss", nil), faultIssuer},
		"issuer as array":                 {good.with("iss", []string{s.Issuer}), faultIssuer},
		"audience in an array":            {good.with("aud", []any{7, "x", resource}), ""},
		"audience with a slash":           {good.with("aud", resource+"/"), ""},
		"another audience":                {good.with("aud", "https://mcp.example"), faultAudience},
		"other audiences":                 {good.with("aud", []string{"a", resource + "/x"}), faultAudience},
		"no audience":                     {good.with("aud", nil), faultAudience},
		"empty audience":                  {good.with("aud", ""), faultAudience},
		"audience as object":              {good.with("aud", map[string]any{resource: true}), faultAudience},
		"scope as array":                  {good.with("scope", []string{"x", "tools:read"}), ""},
		"scp as text":                     {good.with("scope", nil).with("scp", "x tools:read"), ""},
		"scp as array":                    {good.with("scope", nil).with("scp", []string{"tools:read"}), ""},
		"scope and scp":                   {good.with("scope", "x").with("scp", "tools:read"), ""},
	} {
		w := s.place(s.fields(), false).token(sign(t, "rsa", jose.RS256, nil, c.claims))
		if want := map[bool]int{true: 200, false: 401}[c.fault == ""]; w.Code != want ||
			parameter(t, w, "error_description") != string(c.fault) {
			t.Errorf("%s: %d %s", name, w.Code, w.Header())
		}
		if w.Code == 401 && parameter(t, w, "error") != "invalid_token" {
			t.Errorf("%s: %s", name, w.Header())
		}
	}
	for name, c := range map[string]claims{
		"no scope": good.with("scope", nil), "others": good.with("scope", "tools:readx Tools:read"),
		"a number": good.with("scope", 7),
	} {
		if w := s.place(s.fields(), false).token(sign(t, "rsa", jose.RS256, nil, c)); w.Code != 403 {
			t.Errorf("scope, %s: %d", name, w.Code)
		}
	}
}

func TestJWT_audienceOfTheDocumentReplacesTheResource(t *testing.T) {
	s := newAuthServer(t, "")
	p := s.place(s.fields().with("audience", "api://crm"), true)
	for aud, want := range map[string]int{"api://crm": 200, resource: 401} {
		if w := p.token(sign(t, "rsa", jose.RS256, nil, s.good().with("aud", aud))); w.Code != want {
			t.Errorf("%s: %d", aud, w.Code)
		}
	}
}

// raw makes a token of any header and signature.
func raw(head string, c claims, signature func(signed string) []byte) string {
	text, _ := json.Marshal(c)
	signed := base64.RawURLEncoding.EncodeToString([]byte(head)) + "." + base64.RawURLEncoding.EncodeToString(text)
	return signed + "." + base64.RawURLEncoding.EncodeToString(signature(signed))
}

func TestJWT_forgeries(t *testing.T) {
	s := newAuthServer(t, "")
	s.Rotate("rsa", "p256", "p384", "ed")
	s.Set(func() {
		pinned := jose.JSONWebKey{Key: authserver.Keys()["rsa"].Public(), KeyID: "pinned", Algorithm: "RS256"}
		encryption := jose.JSONWebKey{Key: authserver.Keys()["rsa2"].Public(), KeyID: "enc", Use: "enc"}
		symmetric := jose.JSONWebKey{Key: []byte("a shared secret of thirty-two by"), KeyID: "oct"}
		s.Keys = append(s.Keys, pinned, encryption, symmetric)
	})
	p, good := s.place(s.fields(), true), s.good()
	genuine := sign(t, "rsa", jose.RS256, nil, good)
	parts := strings.Split(genuine, ".")
	der, _ := x509.MarshalPKIXPublicKey(authserver.Keys()["rsa"].Public())
	hs := func(key []byte) func(string) []byte {
		return func(signed string) []byte {
			mac := hmac.New(sha256.New, key)
			mac.Write([]byte(signed))
			return mac.Sum(nil)
		}
	}
	none := func(string) []byte { return nil }
	evil, _ := jose.JSONWebKey{Key: authserver.Keys()["rsa2"].Public(), KeyID: "rsa"}.MarshalJSON()
	for name, c := range map[string]struct{ token string }{
		"no signature":                           {parts[0] + "." + parts[1] + "."},
		"none":                                   {raw(`{"alg":"none","kid":"rsa"}`, good, none)},
		"None":                                   {raw(`{"alg":"None","kid":"rsa"}`, good, none)},
		"no alg":                                 {raw(`{"kid":"rsa"}`, good, none)},
		"HS256 with the public key, PEM":         {raw(`{"alg":"HS256","kid":"rsa"}`, good, hs(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})))},
		"HS256 with the public key, DER":         {raw(`{"alg":"HS256","kid":"rsa"}`, good, hs(der))},
		"HS256 with the modulus":                 {raw(`{"alg":"HS256","kid":"rsa"}`, good, hs(authserver.Keys()["rsa"].Public().(*rsa.PublicKey).N.Bytes()))},
		"HS256 with a published secret":          {raw(`{"alg":"HS256","kid":"oct"}`, good, hs([]byte("a shared secret of thirty-two by")))},
		"HS256 with an empty key":                {raw(`{"alg":"HS256","kid":"rsa"}`, good, hs(nil))},
		"an RSA key for ES256":                   {raw(`{"alg":"ES256","kid":"rsa"}`, good, func(string) []byte { return make([]byte, 64) })},
		"an EC key for RS256":                    {sign(t, "rsa", jose.RS256, header{"kid": "p256"}, good)},
		"a P-384 key for ES256":                  {sign(t, "p256", jose.ES256, header{"kid": "p384"}, good)},
		"another key of the kind":                {sign(t, "rsa2", jose.RS256, header{"kid": "rsa"}, good)},
		"a key for encryption":                   {sign(t, "rsa2", jose.RS256, header{"kid": "enc"}, good)},
		"an algorithm that the key does not pin": {sign(t, "rsa", jose.PS256, header{"kid": "pinned"}, good)},
		"a kid that is not published":            {sign(t, "rsa2", jose.RS256, nil, good)},
		"no kid, unknown key":                    {sign(t, "rsa2", jose.RS256, header{"kid": ""}, good)},
		"a key in the header": {sign(t, "rsa2", jose.RS256,
			header{"kid": "", "jwk": json.RawMessage(evil)}, good)},
		"a key to fetch": {sign(t, "rsa2", jose.RS256,
			header{"kid": "rsa", "jku": s.URL + "/keys"}, good)},
		"a critical extension": {sign(t, "rsa", jose.RS256, header{"crit": []string{"x"}, "x": 1},
			good)},
		"an ID of logout":       {sign(t, "rsa", jose.RS256, header{"typ": "logout+jwt"}, good)},
		"a proof of possession": {sign(t, "rsa", jose.RS256, header{"typ": "dpop+jwt"}, good)},
		"other claims":          {parts[0] + "." + base64.RawURLEncoding.EncodeToString([]byte(`{"sub":"eve"}`)) + "." + parts[2]},
		"a changed signature": {parts[0] + "." + parts[1] + "." +
			strings.Repeat("A", len(parts[2]))},
		"a signature of nothing":  {parts[0] + "." + parts[1] + ".AA"},
		"opaque":                  {"2YotnFZFEjr1zCsicMWpAA"},
		"five parts":              {strings.Repeat("e30.", 4) + "e30"},
		"dots":                    {".."},
		"no claims":               {authserver.SignText(t, must(jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: jose.JSONWebKey{Key: authserver.Keys()["rsa"], KeyID: "rsa"}}, nil)), []byte(`"x"`))},
		"claims that are no JSON": {authserver.SignText(t, must(jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: jose.JSONWebKey{Key: authserver.Keys()["rsa"], KeyID: "rsa"}}, nil)), []byte(`{`))},
	} {
		if w := p.token(c.token); w.Code != 401 || parameter(t, w, "error") != "invalid_token" {
			t.Errorf("%s: %d %s", name, w.Code, w.Header())
		}
	}
	if p.seen != nil {
		t.Error("let in")
	}
	if w := p.token(genuine); w.Code != 200 {
		t.Errorf("the genuine one: %d %s", w.Code, w.Body)
	}
	for _, typ := range []string{"JWT", "application/at+jwt", "AT+JWT"} {
		if w := p.token(sign(t, "rsa", jose.RS256, header{"typ": typ}, good)); w.Code != 200 {
			t.Errorf("typ %s: %d", typ, w.Code)
		}
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
