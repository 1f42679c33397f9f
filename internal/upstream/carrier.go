package upstream

import (
	"net/http"
	"strings"

	"github.com/fairlead/fairlead/internal/template"
)

// Carrier is how a token travels: in a header behind a prefix, in the query or as
// a cookie. The zero Carrier is a bearer token (RFC 6750 section 2.1).
type Carrier struct {
	Place  Place
	Name   string // of the header, in canonical form, parameter or cookie; "" is the bearer token
	Prefix string // of a header's value
}

// put writes a token into a request. query is that of the request without one.
func (c *Carrier) put(req *http.Request, query, token string) {
	switch {
	case c.Name == "":
		req.Header["Authorization"] = []string{"Bearer " + token}
	case c.Place == InHeader:
		req.Header[c.Name] = []string{c.Prefix + token}
	case c.Place == InCookie:
		own := c.Name + "=" + token
		if earlier := req.Header["Cookie"]; len(earlier) > 0 {
			own = withoutCookie(earlier[0], c.Name) + own
		}
		req.Header["Cookie"] = []string{own}
	default:
		text := []byte(query)
		if len(text) > 0 {
			text = append(text, '&')
		}
		text = append(template.AppendQuery(text, c.Name), '=')
		req.URL.RawQuery = string(template.AppendQuery(text, token))
	}
}

// withoutCookie is a Cookie header without the cookie of that name, ready for
// another one to follow.
func withoutCookie(header, name string) string {
	var b strings.Builder
	for pair := range strings.SplitSeq(header, ";") {
		pair = strings.TrimSpace(pair)
		if own, _, _ := strings.Cut(pair, "="); pair != "" && own != name {
			b.WriteString(pair + "; ")
		}
	}
	return b.String()
}
