package guard

import (
	"encoding/base64"
	"errors"
	"net/http"
	"strings"
)

// authorization returns the credential of the wanted scheme (RFC 9110 section
// 11.4), "" and false when the request has none or one of another scheme.
// Several Authorization headers are refused, whatever they hold.
func authorization(r *http.Request, scheme string) (credential string, ok bool, no *refusal) {
	lines := r.Header["Authorization"]
	switch len(lines) {
	case 0:
		return "", false, nil
	case 1:
		credential, ok = cutScheme(lines[0], scheme)
		return credential, ok, nil
	default:
		return "", false, malformed("The request has several Authorization headers; send one.")
	}
}

// cutScheme splits "scheme credential". The scheme's case does not count.
func cutScheme(line, scheme string) (credential string, ok bool) {
	line = strings.Trim(line, " \t")
	if len(line) < len(scheme) || !strings.EqualFold(line[:len(scheme)], scheme) {
		return "", false
	}
	rest := line[len(scheme):]
	if rest != "" && rest[0] != ' ' && rest[0] != '\t' {
		return "", false
	}
	return strings.TrimLeft(rest, " \t"), true
}

// isToken reports whether text is a b64token of RFC 6750 section 2.1.
func isToken(text string) bool {
	body := strings.TrimRight(text, "=")
	for i := range len(body) {
		c := body[i]
		if !isAlphanumeric(c) && strings.IndexByte("-._~+/", c) < 0 {
			return false
		}
	}
	return body != ""
}

func isAlphanumeric(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}

// parseBasic reads the credential of RFC 7617: base64 of user:password in UTF-8.
// Missing padding is tolerated.
func parseBasic(credential string) (user, password string, ok bool) {
	plain, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(credential, "="))
	if err != nil {
		return "", "", false
	}
	return strings.Cut(string(plain), ":")
}

var errParams = errors.New("parameters are not of the form name=value, name=\"value\"")

// parseParams reads the parameters of a credential (RFC 9110 section 11.2) under
// lower-case names. A name that comes twice is an error.
func parseParams(text string) (map[string]string, error) {
	params := map[string]string{}
	for {
		text = strings.TrimLeft(text, " \t,")
		if text == "" {
			return params, nil
		}
		name, rest, ok := strings.Cut(text, "=")
		name = strings.ToLower(strings.TrimRight(name, " \t"))
		if !ok || !isName(name) {
			return nil, errParams
		}
		if _, twice := params[name]; twice {
			return nil, errParams
		}
		if params[name], text, ok = cutParam(strings.TrimLeft(rest, " \t")); !ok {
			return nil, errParams
		}
		text = strings.TrimLeft(text, " \t")
		if text != "" && text[0] != ',' {
			return nil, errParams
		}
	}
}

// cutParam reads a token or a quoted-string from the start of text.
func cutParam(text string) (val, rest string, ok bool) {
	if text == "" || text[0] != '"' {
		end := strings.IndexAny(text, ", \t")
		if end < 0 {
			end = len(text)
		}
		return text[:end], text[end:], isName(text[:end])
	}
	var b strings.Builder
	for i := 1; i < len(text); i++ {
		switch text[i] {
		case '"':
			return b.String(), text[i+1:], true
		case '\\':
			if i++; i == len(text) {
				return "", "", false
			}
		}
		b.WriteByte(text[i])
	}
	return "", "", false
}

// isName reports whether text is a token of RFC 9110 section 5.6.2.
func isName(text string) bool {
	for i := range len(text) {
		if !isAlphanumeric(text[i]) && strings.IndexByte("!#$%&'*+-.^_`|~", text[i]) < 0 {
			return false
		}
	}
	return text != ""
}
