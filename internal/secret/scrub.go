package secret

import (
	"encoding/base64"
	"net/url"
	"strings"

	"github.com/fairlead/fairlead/internal/value"
)

// minimum is the length below which a secret is too short to be told from other text.
const minimum = 4

// Scrub masks the secrets in text, as they are and as JSON and Go strings, URLs
// and base64 spell them.
func Scrub(text string, secrets []String) string {
	for _, s := range secrets {
		plain := s.Reveal()
		if len(plain) < minimum {
			continue
		}
		quoted := string(value.AppendString(nil, plain))
		for _, form := range []string{plain, quoted[1 : len(quoted)-1], url.QueryEscape(plain), url.PathEscape(plain), base64.StdEncoding.EncodeToString([]byte(plain))} {
			if strings.Contains(text, form) {
				text = strings.ReplaceAll(text, form, Mask)
			}
		}
	}
	return text
}

// BareURL is a URL without the parts that may hold a credential: user, query and
// fragment. It is "" for what is no URL.
func BareURL(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return ""
	}
	u.User, u.RawQuery, u.Fragment = nil, "", ""
	return u.String()
}
