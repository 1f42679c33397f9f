// Package suggest finds how people sign in at the APIs that a document consumes, and
// drafts the overlay that makes a session of it (x-fairlead: {session: …}). It reads
// the document and calls nothing: what cannot be known from it is said.
package suggest

import (
	"slices"
	"strings"
	"unicode"
)

// secretNames are what a password, or what stands for one, is called, in lower case
// and without separators.
var secretNames = []string{"password", "passwd", "pwd", "pass", "passphrase", "passcode", "userpassword",
	"adminpassword",
	"currentpassword", "oldpassword", "newpassword", "xopenampassword", "secret", "clientsecret", "apisecret", "appsecret",
	"secretkey", "sharedsecret", "privatekey", "apikey", "accesskey", "secretaccesskey", "accesstoken", "refreshtoken",
	"authtoken", "sessiontoken", "bearertoken", "otp", "otpcode", "totp", "mfacode", "pincode"}

// IsSecret reports whether what has that name is a password, or stands for one.
func IsSecret(name string) bool { return slices.Contains(secretNames, plain(name)) }

// plain is a name in lower case without separators.
func plain(name string) string {
	return strings.Map(func(c rune) rune {
		if c == '-' || c == '_' || c == '.' || c == ' ' {
			return -1
		}
		return unicode.ToLower(c)
	}, name)
}

// words are the words of a name or path in lower case: getAccess_token is get, access,
// token.
func words(text string) (all []string) {
	var b strings.Builder
	end := func() {
		if b.Len() > 0 {
			all = append(all, b.String())
			b.Reset()
		}
	}
	previous := ' '
	for _, c := range text {
		switch {
		case !unicode.IsLetter(c) && !unicode.IsDigit(c):
			end()
		case unicode.IsUpper(c) && unicode.IsLower(previous):
			end()
			b.WriteRune(unicode.ToLower(c))
		default:
			b.WriteRune(unicode.ToLower(c))
		}
		previous = c
	}
	end()
	return joined(all)
}

// pairs are two words that are one.
var pairs = map[string]string{"log in": "login", "sign in": "signin", "log on": "logon", "log out": "logout",
	"log off": "logoff", "sign out": "signout", "sign off": "signoff", "sign up": "signup"}

// tails are words that end others in names without separators: refreshtoken.
var tails = []string{"token", "tokens", "session", "sessions", "login", "logon", "logout", "logoff"}

func joined(parts []string) (out []string) {
	var all []string
	for _, word := range parts {
		for _, tail := range tails {
			if head, ok := strings.CutSuffix(word, tail); ok && len(head) > 2 {
				all = append(all, head)
				word = tail
				break
			}
		}
		all = append(all, word)
	}
	for i := 0; i < len(all); i++ {
		if i+1 < len(all) {
			if one, ok := pairs[all[i]+" "+all[i+1]]; ok {
				out = append(out, one)
				i++
				continue
			}
		}
		out = append(out, all[i])
	}
	return out
}

// has reports whether one of the words is among those.
func has(of []string, those ...string) bool {
	return slices.ContainsFunc(of, func(w string) bool { return slices.Contains(those, w) })
}

// label is what people read before a field: userName is “User name”.
func label(name string) string {
	switch plain(name) {
	case "username", "user", "userid", "login", "loginname":
		return "User name"
	case "email", "emailaddress", "mail":
		return "E-mail"
	case "pwd", "pass", "passwd":
		return "Password"
	}
	all := words(strings.TrimPrefix(name, "X-OpenAM-"))
	if len(all) == 0 {
		return name
	}
	text := strings.Join(all, " ")
	return strings.ToUpper(text[:1]) + text[1:]
}
