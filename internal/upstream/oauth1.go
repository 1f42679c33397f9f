package upstream

import (
	"cmp"
	"crypto"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	_ "crypto/sha1"   // for HMAC-SHA1 and RSA-SHA1
	_ "crypto/sha256" // for HMAC-SHA256 and RSA-SHA256
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/fairlead/fairlead/internal/expr"
)

// OAuth1 is a compiled OAuth 1.0a credential (RFC 5849). The values that have
// no expression are not sent.
type OAuth1 struct {
	Method                      string // one of OAuth1Methods
	ConsumerKey, ConsumerSecret expr.Expr
	Token, TokenSecret          expr.Expr
	SigningKey                  expr.Expr // an RSA private key, PEM or base64 of DER, for the RSA methods
	Realm                       expr.Expr
}

// OAuth1Methods are the signature methods: those of RFC 5849 without PLAINTEXT,
// and the same two with SHA-256. The value is true for those that need a key.
var OAuth1Methods = map[string]bool{"HMAC-SHA1": false, "HMAC-SHA256": false, "RSA-SHA1": true, "RSA-SHA256": true}

func (o *OAuth1) apply(_ *http.Request, query []byte, f expr.Frame) ([]byte, authorizer, error) {
	r := reader{frame: f}
	out := &oauth1{method: o.Method, consumerKey: r.need("consumerKey", o.ConsumerKey),
		consumerSecret: r.text(o.ConsumerSecret),
		token:          r.text(o.Token), tokenSecret: r.text(o.TokenSecret), realm: r.text(o.Realm)}
	if OAuth1Methods[o.Method] {
		out.signingKey = r.need("signingKey", o.SigningKey)
	}
	return query, &signed{out}, r.err
}

type oauth1 struct {
	method, consumerKey, consumerSecret, token, tokenSecret, signingKey, realm string
}

func (*oauth1) scheme() string { return "OAuth" }

// pair is a parameter of a request that is signed.
type pair struct{ name, value string }

func (o *oauth1) sign(c *Client, req *http.Request, body []byte, at time.Time) error {
	return o.authorize(c, req, body, strconv.FormatInt(at.Unix(), 10), rand.Text())
}

func (o *oauth1) authorize(c *Client, req *http.Request, body []byte, timestamp, nonce string) error {
	params := []pair{{"oauth_consumer_key", o.consumerKey}, {"oauth_nonce", nonce},
		{"oauth_signature_method", o.method},
		{"oauth_timestamp", timestamp}, {"oauth_version", "1.0"}}
	if o.token != "" {
		params = append(params, pair{"oauth_token", o.token})
	}
	form := isForm(req.Header)
	if !form && (len(body) > 0 || OAuth1Methods[o.method]) { // Mastercard's gateway wants the hash of an empty body too
		params = append(params, pair{"oauth_body_hash", base64.StdEncoding.EncodeToString(digestOf(o.hash(), body))})
	}
	signature, err := o.signature(c, baseString(req, body, form, params))
	if err != nil {
		return err
	}
	var header strings.Builder
	header.WriteString("OAuth ")
	if o.realm != "" {
		header.WriteString(`realm="` + encode3986(o.realm) + `",`)
	}
	for _, p := range params {
		header.WriteString(p.name + `="` + encode3986(p.value) + `",`)
	}
	header.WriteString(`oauth_signature="` + encode3986(signature) + `"`)
	req.Header["Authorization"] = []string{header.String()}
	req.URL.RawQuery = plusless(req.URL.RawQuery)
	return nil
}

func (o *oauth1) hash() crypto.Hash {
	if strings.HasSuffix(o.method, "SHA256") {
		return crypto.SHA256
	}
	return crypto.SHA1
}

func (o *oauth1) signature(c *Client, text string) (string, error) {
	if !OAuth1Methods[o.method] {
		mac := hmac.New(o.hash().New, []byte(encode3986(o.consumerSecret)+"&"+encode3986(o.tokenSecret)))
		mac.Write([]byte(text))
		return base64.StdEncoding.EncodeToString(mac.Sum(nil)), nil
	}
	key := c.keys.get(o.signingKey, func() *rsa.PrivateKey { return parseKey(o.signingKey) })
	if key == nil {
		return "", &CredentialError{Reason: "signingKey is not an unencrypted RSA private key in PEM (PKCS#1 or PKCS#8)"}
	}
	signature, err := rsa.SignPKCS1v15(nil, key, o.hash(), digestOf(o.hash(), []byte(text)))
	if err != nil {
		return "", &CredentialError{Reason: "signingKey cannot sign"}
	}
	return base64.StdEncoding.EncodeToString(signature), nil
}

// parseKey reads an RSA private key: PEM, also with its line ends written as
// \n, or the base64 that stands inside; nil when it is none.
func parseKey(text string) *rsa.PrivateKey {
	text = strings.ReplaceAll(text, `\n`, "\n")
	var der []byte
	if block, _ := pem.Decode([]byte(text)); block != nil {
		der = block.Bytes
	} else if decoded, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(text), "")); err == nil {
		der = decoded
	}
	if key, err := x509.ParsePKCS1PrivateKey(der); err == nil {
		return key
	}
	parsed, _ := x509.ParsePKCS8PrivateKey(der)
	key, _ := parsed.(*rsa.PrivateKey)
	return key
}

// baseString is what is signed (RFC 5849 section 3.4.1).
func baseString(req *http.Request, body []byte, form bool, params []pair) string {
	all := append(slices.Clone(params), pairs(req.URL.RawQuery)...)
	if form {
		all = append(all, pairs(string(body))...)
	}
	for i := range all {
		all[i] = pair{encode3986(all[i].name), encode3986(all[i].value)}
	}
	host := strings.ToLower(cmp.Or(req.Host, req.URL.Host))
	if port := map[string]string{"http": ":80", "https": ":443"}[req.URL.Scheme]; port != "" {
		host = strings.TrimSuffix(host, port)
	}
	path := cmp.Or(req.URL.EscapedPath(), "/")
	return strings.ToUpper(req.Method) + "&" + encode3986(req.URL.Scheme+"://"+host+path) + "&" +
		encode3986(joinSorted(all))
}

// joinSorted joins encoded parameters in the order of their names, then values.
func joinSorted(params []pair) string {
	slices.SortFunc(params, func(a, b pair) int {
		return cmp.Or(strings.Compare(a.name, b.name), strings.Compare(a.value, b.value))
	})
	var b strings.Builder
	for i, p := range params {
		if i > 0 {
			b.WriteByte('&')
		}
		b.WriteString(p.name + "=" + p.value)
	}
	return b.String()
}

// pairs decodes a query or form. What is not properly encoded is taken as it is.
func pairs(query string) (out []pair) {
	plain := func(s string) string {
		if decoded, err := url.QueryUnescape(s); err == nil {
			return decoded
		}
		return s
	}
	for part := range strings.SplitSeq(query, "&") {
		if part != "" {
			name, v, _ := strings.Cut(part, "=")
			out = append(out, pair{plain(name), plain(v)})
		}
	}
	return out
}

// encode3986 percent-encodes all but the unreserved characters (RFC 5849
// section 3.6; AWS Signature Version 4 has the same).
func encode3986(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }

// plusless writes the blanks of a query as %20: that is how they are signed, and
// not every server takes + for one.
func plusless(query string) string { return strings.ReplaceAll(query, "+", "%20") }

func isForm(h http.Header) bool {
	media, _, _ := mime.ParseMediaType(h.Get("Content-Type"))
	return media == "application/x-www-form-urlencoded"
}

func digestOf(hash crypto.Hash, data []byte) []byte {
	h := hash.New()
	h.Write(data)
	return h.Sum(nil)
}
