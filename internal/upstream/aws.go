package upstream

import (
	"cmp"
	"crypto"
	"encoding/hex"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/fairlead/fairlead/internal/expr"
)

// AWS is a compiled AWS credential (Signature Version 4). SessionToken may be zero.
type AWS struct {
	AccessKeyID, SecretAccessKey, SessionToken expr.Expr
	Region, Service                            expr.Expr
}

func (a *AWS) apply(_ *http.Request, query []byte, f expr.Frame) ([]byte, authorizer, error) {
	r := reader{frame: f}
	out := &aws{id: r.header("accessKeyId", a.AccessKeyID), key: r.need("secretAccessKey", a.SecretAccessKey),
		region: r.header("region", a.Region), service: r.header("service", a.Service)}
	if !a.SessionToken.IsZero() {
		out.session = r.header("sessionToken", a.SessionToken)
	}
	return query, &signed{out}, r.err
}

type aws struct{ id, key, session, region, service string }

func (*aws) scheme() string { return "AWS4-HMAC-SHA256" }

// sign signs the host, all X-Amz headers, the query and the body.
func (a *aws) sign(_ *Client, req *http.Request, body []byte, at time.Time) error {
	stamp := at.UTC().Format("20060102T150405Z")
	hash := hex.EncodeToString(digestOf(crypto.SHA256, body))
	req.Header["X-Amz-Date"] = []string{stamp}
	if a.session != "" {
		req.Header["X-Amz-Security-Token"] = []string{a.session}
	}
	if a.service == "s3" {
		req.Header["X-Amz-Content-Sha256"] = []string{hash}
	}
	req.URL.RawQuery = plusless(req.URL.RawQuery)
	headers, names := a.headers(req)
	canonical := req.Method + "\n" + a.path(req) + "\n" + awsQuery(req.URL.RawQuery) + "\n" + headers + "\n" + names +
		"\n" + hash

	scope := stamp[:8] + "/" + a.region + "/" + a.service + "/aws4_request"
	text := a.scheme() + "\n" + stamp + "\n" + scope + "\n" +
		hex.EncodeToString(digestOf(crypto.SHA256, []byte(canonical)))
	signature := []byte("AWS4" + a.key)
	for _, part := range []string{stamp[:8], a.region, a.service, "aws4_request", text} {
		signature = hmacSHA256(signature, part)
	}
	req.Header["Authorization"] = []string{a.scheme() + " Credential=" + a.id + "/" + scope + ", SignedHeaders=" +
		names + ", Signature=" + hex.EncodeToString(signature)}
	return nil
}

// headers are the canonical headers and the list of their names.
func (a *aws) headers(req *http.Request) (lines, names string) {
	list := []string{"host"}
	for name := range req.Header {
		if strings.HasPrefix(name, "X-Amz-") {
			list = append(list, strings.ToLower(name))
		}
	}
	slices.Sort(list)
	var b strings.Builder
	for _, name := range list {
		v := cmp.Or(req.Host, req.URL.Host)
		if name != "host" {
			v = strings.Join(strings.Fields(req.Header.Get(name)), " ")
		}
		b.WriteString(name + ":" + v + "\n")
	}
	return b.String(), strings.Join(list, ";")
}

// path is the canonical path: every service but S3 wants the path of the
// request encoded once more.
func (a *aws) path(req *http.Request) string {
	path := cmp.Or(req.URL.EscapedPath(), "/")
	if a.service == "s3" {
		return path
	}
	return strings.ReplaceAll(encode3986(path), "%2F", "/")
}

func awsQuery(query string) string {
	all := pairs(query)
	for i := range all {
		all[i] = pair{encode3986(all[i].name), encode3986(all[i].value)}
	}
	return joinSorted(all)
}
