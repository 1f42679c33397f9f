package guard

import (
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// digest lets in the one user with the one password (RFC 7616) with SHA-256 or
// MD5 and qop=auth; auth-int, -sess and userhash are not offered.
type digest struct {
	g      *Guard
	nonces *nonces
}

// digests are the algorithms on offer, the best first.
var digests = []struct {
	name string
	make func() hash.Hash
}{{"SHA-256", sha256.New}, {"MD5", md5.New}}

func (d *digest) check(r *http.Request) (pass, *refusal) {
	credential, given, no := authorization(r, "Digest")
	if no != nil {
		return pass{}, no
	}
	if !given {
		return pass{}, d.refuse("Send a user and a password by Digest authentication.", false)
	}
	a, no := parseDigest(credential)
	if no != nil {
		return pass{}, no
	}
	if a.uri != r.RequestURI {
		return pass{}, malformed("The uri of the Digest credentials is not that of the request.")
	}
	user, no := d.g.field(r.Context(), "username")
	if no != nil {
		return pass{}, no
	}
	password, no := d.g.field(r.Context(), "password")
	if no != nil {
		return pass{}, no
	}
	userOK, answerOK := same(a.username, user.Reveal()),
		same(a.response, a.expect(r.Method, user.Reveal(), password.Reveal()))
	if !userOK || !answerOK || password.IsEmpty() || a.realm != realm {
		return pass{}, d.refuse("The user or the password is wrong.", false)
	}
	if !d.nonces.use(a.nonce, a.count) {
		return pass{}, d.refuse("The nonce is too old or was used already.", true)
	}
	return authorized(&Identity{Kind: "digest", Subject: a.username, Issuer: d.g.cfg.Issuer}), nil
}

// refuse challenges once for each algorithm, with a new nonce. stale tells the
// client to try again without asking for the password.
func (d *digest) refuse(detail string, stale bool) *refusal {
	no := &refusal{status: http.StatusUnauthorized, detail: detail}
	nonce := d.nonces.issue()
	for _, alg := range digests {
		c := challenge("Digest", param{"realm", realm}, param{"qop", "auth"}, param{"nonce", nonce}) +
			", algorithm=" + alg.name + ", charset=UTF-8"
		if stale {
			c += ", stale=true"
		}
		no.challenges = append(no.challenges, c)
	}
	return no
}

// digestAnswer is what a client answered to a challenge.
type digestAnswer struct {
	username, realm, nonce, uri, response, cnonce, nc string
	count                                             uint32 // nc as a number
	hash                                              hash.Hash
}

// parseDigest reads the credentials of RFC 7616 section 3.4.
func parseDigest(credential string) (*digestAnswer, *refusal) {
	params, err := parseParams(credential)
	if err != nil {
		return nil, malformed("The Digest credentials are malformed.")
	}
	a := &digestAnswer{
		username: params["username"], realm: params["realm"], nonce: params["nonce"], uri: params["uri"],
		response: strings.ToLower(params["response"]), cnonce: params["cnonce"], nc: params["nc"],
	}
	if encoded, ok := params["username*"]; ok && a.username == "" { // RFC 8187
		if charset, rest, _ := strings.Cut(encoded, "'"); strings.EqualFold(charset, "UTF-8") {
			_, text, _ := strings.Cut(rest, "'")
			a.username, _ = url.PathUnescape(text)
		}
	}
	for _, alg := range digests {
		if strings.EqualFold(params["algorithm"], alg.name) || params["algorithm"] == "" && alg.name == "MD5" {
			a.hash = alg.make()
		}
	}
	count, err := strconv.ParseUint(a.nc, 16, 32)
	switch {
	case a.hash == nil:
		return nil, malformed("The algorithm of the Digest credentials is not SHA-256 or MD5.")
	case !strings.EqualFold(params["qop"], "auth"):
		return nil, malformed("The qop of the Digest credentials is not auth.")
	case err != nil || len(a.nc) != 8 || a.cnonce == "" || a.nonce == "" || a.response == "":
		return nil, malformed("The Digest credentials lack nonce, nc, cnonce or response.")
	}
	a.count = uint32(count)
	return a, nil
}

// expect computes the response that the right password gives (RFC 7616 section
// 3.4.1).
func (a *digestAnswer) expect(method, user, password string) string {
	a1 := a.sum(user, realm, password)
	a2 := a.sum(method, a.uri)
	return a.sum(a1, a.nonce, a.nc, a.cnonce, "auth", a2)
}

func (a *digestAnswer) sum(parts ...string) string {
	a.hash.Reset()
	a.hash.Write([]byte(strings.Join(parts, ":")))
	return hex.EncodeToString(a.hash.Sum(nil))
}
