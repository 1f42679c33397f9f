package diag

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"
)

// Lines are quoted as they are but for credentials, wherever and however misspelt
// these are written.
func TestConcealed_quotesNoCredential(t *testing.T) {
	for text, want := range map[string]string{
		`  - {type: http, resoures: 1, authentication: {type: bearer, tokn: S3CRET}}`: `  - {type: http, resoures: 1, authentication: {type: bearer, tokn: ******}}`,
		`authentication: S3CRET`:                                        `authentication: ******`,
		`authentication: [S3CRET, {a: "S3CRET"}]`:                       `authentication: [******, {a: "******"}]`,
		`auth: {type: apikey, key: X-Key, vaule: 'S3CRET', in: header}`: `auth: {type: apikey, key: X-Key, vaule: '******', in: header}`,
		`auth: {type: headers, headers: {X-Key: S3CRET}}`:               `auth: {type: headers, headers: {X-Key: ******}}`,
		`security: {scopes: [read], clientSecret: S3CRET x, realm: r}`:  `security: {scopes: [read], clientSecret: ****** *, realm: r}`,
		`token: "{{T}}" # S3CRET is elsewhere`:                          `token: "{{T}}" # S3CRET is elsewhere`,
		`token: {{T}}S3CRET`:                                            `token: ***********`,
		`{"apiKey":"S3CRET","n":1}`:                                     `{"apiKey":"******","n":1}`,
		`api_key: S3CRET`:                                               `api_key: ******`,
		`password: "a\"S3CRET" # 1`:                                     `password: "*********" # 1`,
		`a: b` + "\n" + `authentication:` + "\n" + `  type: bearer` + "\n" + `  tokn: S3CRET`: `  tokn: ******`,
		`token: |` + "\n" + `  S3CRET`:                                               `  ******`,
		`tokens:` + "\n" + `  description: Lists tokens.`:                            `  description: Lists tokens.`,
		`baseUri: "https://me:S3CRET@api.example/v1"`:                                `baseUri: "https://**********api.example/v1"`,
		`path: "/x?page=1&access_token=S3CRET&sort=asc"`:                             `path: "/x?page=1&access_token=******&sort=asc"`,
		`path: "/x?key={{key}}"`:                                                     `path: "/x?key={{key}}"`,
		`tokenEndpoint: https://id.example/token`:                                    `tokenEndpoint: https://id.example/token`,
		`x-fairlead: {secret: yes, secrets: [$.token], authorization: caller-first}`: `x-fairlead: {secret: yes, secrets: [$.token], authorization: caller-first}`,
		`token: {in: query, type: string, description: A page token.}`:               `token: {in: query, type: string, description: A page token.}`,
		`- {name: get-token, description: "Gets a token: yours"}`:                    `- {name: get-token, description: "Gets a token: yours"}`,
		`token: "é S3CRET`:                                                           `token: "* ******`,
		`}]}`:                                                                        `}]}`,
	} {
		lines := bytes.Split([]byte(text), []byte{'\n'})
		last := lines[len(lines)-1]
		got := string(concealed(lines, len(lines)-1))
		if got != want {
			t.Errorf("%s\nis quoted as\n%s, want\n%s", last, got, want)
		}
		if utf8.RuneCountInString(got) != utf8.RuneCount(last) {
			t.Errorf("%s: columns are not kept", got)
		}
	}
}

func FuzzConcealed_keepsColumns(f *testing.F) {
	for _, s := range []string{"auth: {a: [", "token: '", "{{", "a: \"\\", "- - : x", "token: |\n x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if !utf8.ValidString(text) {
			return
		}
		lines := strings.Split(text, "\n")
		raw := bytes.Split([]byte(text), []byte{'\n'})
		for i, line := range lines {
			if got := concealed(raw, i); utf8.RuneCount(got) != utf8.RuneCountInString(line) {
				t.Errorf("%q becomes %q", line, got)
			}
		}
	})
}
