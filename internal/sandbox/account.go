package sandbox

import (
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"slices"
	"strings"
	"time"
)

// The password and the token are published on purpose: they open nothing.
const (
	demoPassword = "not-a-real-password"
	apiToken     = "sandbox0sandbox0sandbox0sandbox0sandbox0sandbox0sandbox0sandbox0"
)

// Account is a made-up account. Note says in a few words what a login with it
// does.
type Account struct {
	Email, Password, OrganizationID, Note string
}

// fault is what the login of an account does instead of, or on the way to, a
// token. The first group ignores the password, like the broken network or proxy
// it plays; the second wants the right one.
type fault uint8

const (
	none fault = iota

	unavailable
	dropped
	rateLimited
	html
	malformed
	empty
	workOS
	mfa
	passkey

	slow
	huge
	expired
)

type account struct {
	Account
	userID string
	fault  fault
}

// accounts is the table of all accounts, the demo account first.
func accounts(latency time.Duration) []account {
	table := []struct {
		name  string
		fault fault
		note  string
	}{
		{"demo", none, "logs in"},
		{"slow", slow, fmt.Sprintf("logs in after %v", latency)},
		{"expired", expired, "logs in, but the token has already expired"},
		{"huge", huge, "logs in with an answer of more than 1 MiB"},
		{"workos", workOS, "401: the account logs in through WorkOS (SSO)"},
		{"mfa", mfa, "401: the account has multi-factor authentication"},
		{"passkey", passkey, "401: the account logs in with a passkey"},
		{"ratelimited", rateLimited, "429: rate limit exceeded"},
		{"unavailable", unavailable, "503: service unavailable"},
		{"dropped", dropped, "no answer: the connection closes"},
		{"html", html, "200 with an HTML page"},
		{"malformed", malformed, "200 with JSON that breaks off"},
		{"empty", empty, "200 without a body"},
	}
	all := make([]account, len(table))
	for i, row := range table {
		email := row.name + "@fairlead.example"
		all[i] = account{
			Account: Account{
				Email:          email,
				Password:       demoPassword,
				OrganizationID: identifier("organization", email),
				Note:           row.note,
			},
			userID: identifier("user", email),
			fault:  row.fault,
		}
	}
	return all
}

// Accounts lists who can log in: the demo account first, then the addresses
// whose login goes wrong in a particular way. Those that never give a token do
// so whatever the password.
func (s *Sandbox) Accounts() []Account {
	list := make([]Account, len(s.accounts))
	for i, a := range s.accounts {
		list[i] = a.Account
	}
	return list
}

// APIToken is the personal API token of the demo account, 64 characters as
// Koyeb's. It is the same in every process and never expires.
func (s *Sandbox) APIToken() string { return apiToken }

// account finds who has the address, in whatever case; the zero account, which
// no password opens, when nobody does.
func (s *Sandbox) account(email string) account {
	i := slices.IndexFunc(s.accounts, func(a account) bool { return strings.EqualFold(a.Email, email) })
	if i < 0 {
		return account{}
	}
	return s.accounts[i]
}

func (a account) opensWith(password string) bool {
	return a.Email != "" && equalSecrets(a.Password, password)
}

// equalSecrets compares in a time that depends on neither text's content.
func equalSecrets(a, b string) bool {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1
}

// identifier derives a UUID that is the same in every process (version 8,
// RFC 9562 section 5.8).
func identifier(kind, email string) string {
	h := sha256.Sum256([]byte(kind + ":" + email))
	h[6] = h[6]&0x0f | 0x80
	h[8] = h[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", h[:4], h[4:6], h[6:8], h[8:10], h[10:16])
}
