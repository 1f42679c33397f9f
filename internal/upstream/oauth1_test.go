package upstream

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
)

// The example of RFC 5849 section 3.4.1.1.
func TestBaseString_isThatOfTheRFC(t *testing.T) {
	req := httptest.NewRequest("post", "http://EXAMPLE.com:80/request?b5=%3D%253D&a3=a&c%40=&a2=r%20b", nil)
	got := baseString(req, []byte("c2&a3=2+q"), true,
		[]pair{{"oauth_consumer_key", "9djdj82h48djs9d2"}, {"oauth_token", "kkk9d7dh3k39sjv7"},
			{"oauth_signature_method", "HMAC-SHA1"}, {"oauth_timestamp", "137131201"}, {"oauth_nonce", "7d8f3e4a"}})
	want := "POST&http%3A%2F%2Fexample.com%2Frequest&a2%3Dr%2520b%26a3%3D2%2520q%26a3%3Da%26b5%3D%253D%25253D%26c%2540%3D%26c2%3D%26" +
		"oauth_consumer_key%3D9djdj82h48djs9d2%26oauth_nonce%3D7d8f3e4a%26oauth_signature_method%3DHMAC-SHA1%26oauth_timestamp%3D137131201%26oauth_token%3Dkkk9d7dh3k39sjv7"
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// The third request of RFC 5849 section 1.2.
func TestOAuth1_signsAsTheRFCDoes(t *testing.T) {
	req := httptest.NewRequest("GET", "http://photos.example.net/photos?file=vacation.jpg&size=original", nil)
	o := &oauth1{method: "HMAC-SHA1", consumerSecret: "kd94hf93k423kf44", tokenSecret: "pfkkdhi9sl3r4s00"}
	got, err := o.signature(nil, baseString(req, nil, false,
		[]pair{{"oauth_consumer_key", "dpf43f3p2l4k3l03"}, {"oauth_token", "nnch734d00sl2jdk"},
			{"oauth_signature_method", "HMAC-SHA1"}, {"oauth_timestamp", "137131202"}, {"oauth_nonce", "chapoH"}}))
	if want := "MdpQcU8iPSUjWoN/UDMsK2sui9I="; err != nil || got != want {
		t.Errorf("got %s, %v, want %s", got, err, want)
	}
}

// oauthParams reads an OAuth header.
func oauthParams(t *testing.T, req *http.Request) (params []pair, signature string) {
	text, ok := strings.CutPrefix(req.Header.Get("Authorization"), "OAuth ")
	if !ok {
		t.Fatalf("Authorization is %q", req.Header.Get("Authorization"))
	}
	for part := range strings.SplitSeq(text, ",") {
		name, quoted, _ := strings.Cut(part, "=")
		v, err := url.PathUnescape(strings.Trim(quoted, `"`))
		switch {
		case err != nil:
			t.Fatal(err)
		case name == "oauth_signature":
			signature = v
		case name != "realm":
			params = append(params, pair{name, v})
		}
	}
	return params, signature
}

func valueOf(params []pair, name string) string {
	for _, p := range params {
		if p.name == name {
			return p.value
		}
	}
	return ""
}

var testKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, _ := rsa.GenerateKey(rand.Reader, 2048)
	return key
})

func TestOAuth1_signsWithAnRSAKeyInEveryWriting(t *testing.T) {
	pkcs8, _ := x509.MarshalPKCS8PrivateKey(testKey())
	pem1 := string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY",
		Bytes: x509.MarshalPKCS1PrivateKey(testKey())}))
	pem8 := string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}))
	for name, key := range map[string]string{"PKCS#1": pem1, "PKCS#8": pem8, "one line": strings.ReplaceAll(pem8, "\n", `\n`), "base64": base64.StdEncoding.EncodeToString(pkcs8)} {
		for method, hash := range map[string]crypto.Hash{"RSA-SHA1": crypto.SHA1, "RSA-SHA256": crypto.SHA256} {
			t.Run(name+" "+method, func(t *testing.T) {
				s := serve(t, func(w http.ResponseWriter, r *http.Request) {
					body, _ := io.ReadAll(r.Body)
					params, signature := oauthParams(t, r)
					if want := base64.StdEncoding.EncodeToString(digestOf(hash, body)); valueOf(params,
						"oauth_body_hash") != want {
						t.Errorf("body hash %q, want %q", valueOf(params, "oauth_body_hash"), want)
					}
					r.URL.Scheme = "http"
					raw, _ := base64.StdEncoding.DecodeString(signature)
					if err := rsa.VerifyPKCS1v15(&testKey().PublicKey, hash,
						digestOf(hash, []byte(baseString(r, nil, false, params))), raw); err != nil {
						t.Error(err)
					}
				})
				auth := &OAuth1{Method: method, ConsumerKey: lit("key!with spaces"), SigningKey: lit(key)}
				client := newClient(t)
				mustSend(t, client, to(t, s.URL, "GET", "/locations?q=a+b%2Bc&empty", auth), nil)
				r := to(t, s.URL, "POST", "/locations", auth)
				r.Query, r.Body = lit("q=a+b%2Bc&empty"), &Body{Kind: WholeBody, ContentType: "application/json"}
				mustSend(t, client, r, &Entity{Body: io.MultiReader(strings.NewReader(`{"a":`), strings.NewReader("1}")), Length: -1})
			})
		}
	}
}

func TestOAuth1_hashesBodiesThatAreNoForms(t *testing.T) {
	hello := "Lve95gjOVATpfV8EL5X4nxwjKHE=" // of the body hash specification
	for _, c := range []struct{ name, method, contentType, body, hash string }{
		{"text", "HMAC-SHA1", "text/plain", "Hello World!", hello},
		{"a form", "HMAC-SHA1", "application/x-www-form-urlencoded; charset=utf-8", "a=b", ""},
		{"nothing", "HMAC-SHA1", "", "", ""},
		{"nothing, with a key", "RSA-SHA256", "", "", "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="},
		{"text, SHA-256", "HMAC-SHA256", "text/plain", "Hello World!", "f4OxZX/x/FO5LcGBSKHWXfwtSx+j1ncoSt3SABJtkGk="},
	} {
		t.Run(c.name, func(t *testing.T) {
			req := httptest.NewRequest("POST", "http://x.test/", nil)
			req.Header.Set("Content-Type", c.contentType)
			o := &oauth1{method: c.method, consumerKey: "k",
				signingKey: string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY",
					Bytes: x509.MarshalPKCS1PrivateKey(testKey())}))}
			if err := o.authorize(newClient(t), req, []byte(c.body), "1", "n"); err != nil {
				t.Fatal(err)
			}
			if params, _ := oauthParams(t, req); valueOf(params, "oauth_body_hash") != c.hash {
				t.Errorf("hash %q, want %q", valueOf(params, "oauth_body_hash"), c.hash)
			}
		})
	}
}

func TestOAuth1_signsEachRequestAndEachRedirectAnew(t *testing.T) {
	nonces := map[string]bool{}
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		params, signature := oauthParams(t, r)
		r.URL.Scheme = "http"
		o := &oauth1{method: "HMAC-SHA256", consumerSecret: "cs", tokenSecret: "ts"}
		if want, _ := o.signature(nil, baseString(r, nil, false, params)); want != signature {
			t.Errorf("wrong signature for %s", r.URL)
		}
		nonces[valueOf(params, "oauth_nonce")] = true
		if r.URL.Path == "/old" {
			http.Redirect(w, r, "/new?x=y", http.StatusFound)
		}
	})
	auth := &OAuth1{Method: "HMAC-SHA256", ConsumerKey: lit("ck"), ConsumerSecret: lit("cs"), Token: lit("t"),
		TokenSecret: lit("ts"), Realm: lit("r")}
	client := newClient(t)
	mustSend(t, client, to(t, s.URL, "GET", "/new", auth), nil)
	mustSend(t, client, to(t, s.URL, "GET", "/old", auth), nil)
	if len(nonces) != 3 {
		t.Errorf("%d nonces for 3 requests", len(nonces))
	}
}

func TestOAuth1_keepsItsHeaderWhole(t *testing.T) {
	req := httptest.NewRequest("GET", "http://x.test/", nil)
	o := &oauth1{method: "HMAC-SHA1", consumerKey: "a\",oauth_x=\"b\r\nX: 1", token: "ü", realm: "\"\r\n"}
	if err := o.authorize(nil, req, nil, "1", "n"); err != nil {
		t.Fatal(err)
	}
	if h := req.Header.Get("Authorization"); strings.ContainsAny(h, "\r\nü") || strings.Contains(h, "oauth_x=") {
		t.Errorf("header %q", h)
	}
	if !strings.HasPrefix(req.Header.Get("Authorization"), `OAuth realm="%22%0D%0A",oauth_`) {
		t.Errorf("the realm is not told: %s", req.Header.Get("Authorization"))
	}
}

func TestOAuth1_refusesWhatIsNoKeyWithoutShowingIt(t *testing.T) {
	for name, key := range map[string]string{"text": "canary", "a path": "/etc/canary.pem",
		"an empty block":   "-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n",
		"an encrypted key": "-----BEGIN ENCRYPTED PRIVATE KEY-----\nY2FuYXJ5\n-----END ENCRYPTED PRIVATE KEY-----\n"} {
		auth := &OAuth1{Method: "RSA-SHA256", ConsumerKey: lit("k"), SigningKey: lit(key)}
		_, _, err := send(t, newClient(t), to(t, "http://127.0.0.1:1", "GET", "/", auth), nil)
		if e, ok := err.(*CredentialError); !ok || strings.Contains(e.Error(), "canary") || e.Target != "api.op" {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

func FuzzBaseString(f *testing.F) {
	f.Add("a=b&c=%zz", "x=1+2")
	f.Fuzz(func(t *testing.T, query, body string) {
		req := httptest.NewRequest("GET", "http://x.test/", nil)
		req.URL.RawQuery = query
		text := baseString(req, []byte(body), true, nil)
		if strings.Count(text, "&") != 2 || strings.ContainsAny(text, " \r\n+") {
			t.Errorf("base string %q", text)
		}
	})
}
