package secret_test

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"html"
	"net/url"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/fairlead/fairlead/internal/secret"
)

func TestMasker_masks(t *testing.T) {
	key, pair := secret.New(`k "1"/+`), secret.New("user:pass word")
	for text, want := range map[string]string{
		`plain k "1"/+ here`:            "plain *** here",
		`{"key":"k \"1\"/+"}`:           `{"key":"***"}`,
		`{"key":"k \"1\"\/\u002b"}`:     `{"key":"***"}`,
		"/x?key=k+%221%22%2F%2B&page=2": "/x?key=***&page=2",
		"Basic dXNlcjpwYXNzIHdvcmQ=":    "Basic ***",
		"nothing of it":                 "nothing of it",
	} {
		if got := scrub(text, []secret.String{key, pair}); got != want {
			t.Errorf("%s: got %s, want %s", text, got, want)
		}
	}
	if got := scrub("a cab", []secret.String{secret.New("a"), secret.New("")}); got != "a cab" {
		t.Errorf("short ones are left alone: %s", got)
	}
}

func scrub(text string, secrets []secret.String) string {
	var m secret.Masker
	for _, s := range secrets {
		m.Add(s.Reveal())
	}
	return m.Mask(text)
}

// spellings are the ways in which the tests write a text: those that APIs,
// proxies and libraries use for what they repeat.
var spellings = map[string]func(string) string{
	"as it is":        func(s string) string { return s },
	"JSON":            quoteJSON,
	"JSON, slashes":   func(s string) string { return strings.ReplaceAll(quoteJSON(s), "/", `\/`) },
	"JSON, all \\u":   func(s string) string { return escapeRunes(s, `\u%04x`) },
	"\\x":             func(s string) string { return escapeBytes(s, `\x%02x`) },
	"Go":              func(s string) string { return strings.Trim(fmt.Sprintf("%q", s), `"`) },
	"query":           url.QueryEscape,
	"path":            url.PathEscape,
	"percent, lower":  func(s string) string { return escapeBytes(s, "%%%02x") },
	"percent, upper":  func(s string) string { return escapeBytes(s, "%%%02X") },
	"HTML":            html.EscapeString,
	"XML":             quoteXML,
	"XML, decimal":    func(s string) string { return escapeRunes(s, "&#%d;") },
	"XML, hex":        func(s string) string { return escapeRunes(s, "&#x%X;") },
	"base64":          func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) },
	"base64, bare":    func(s string) string { return base64.RawStdEncoding.EncodeToString([]byte(s)) },
	"base64url":       func(s string) string { return base64.URLEncoding.EncodeToString([]byte(s)) },
	"base64url, bare": func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) },
	"base64 amid":     func(s string) string { return base64.StdEncoding.EncodeToString([]byte(`{"k":"` + s + `"}`)) },
	"basic":           func(s string) string { return base64.StdEncoding.EncodeToString([]byte("me:" + s)) },
	"basic, longer":   func(s string) string { return base64.StdEncoding.EncodeToString([]byte("me too:" + s)) },
	"hex":             func(s string) string { return hex.EncodeToString([]byte(s)) },
	"HEX":             func(s string) string { return strings.ToUpper(hex.EncodeToString([]byte(s))) },
}

func quoteJSON(s string) string {
	text, _ := json.Marshal(s)
	return string(text[1 : len(text)-1])
}

func quoteXML(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s))
	return b.String()
}

func escapeBytes(s, format string) (out string) {
	for _, c := range []byte(s) {
		out += fmt.Sprintf(format, c)
	}
	return out
}

func escapeRunes(s, format string) (out string) {
	for _, c := range s {
		out += fmt.Sprintf(format, c)
	}
	return out
}

func TestMasker_knowsAllSpellings(t *testing.T) {
	for _, s := range []string{"sk_live/4+9=ab&c", `pa"ss\w<ord>'`, "tok en/ä€+%41", "0123456789abcdef", "secret", "hunter2!"} {
		for name, spell := range spellings {
			for outer, escape := range map[string]func(string) string{"": spellings["as it is"], "in JSON": quoteJSON,
				"in a query": url.QueryEscape, "in XML": quoteXML} {
				for prefix := range 3 {
					text := "<<" + strings.Repeat("~", prefix) + escape(spell(s)) + ">>"
					got := scrub(text, []secret.String{secret.New(s)})
					if !strings.Contains(got, secret.Mask) || len(got) > len("<<~~>>")+len(secret.Mask)+40 ||
						strings.Contains(got, escape(spell(s))) {
						t.Errorf("%s of %q %s: %s stays %s", name, s, outer, text, got)
					}
					if strings.HasPrefix(name, "basic") || name == "base64 amid" {
						continue
					}
					if want := "<<" + strings.Repeat("~", prefix) + secret.Mask + ">>"; got != want {
						t.Errorf("%s of %q %s: %s becomes %s", name, s, outer, text, got)
					}
				}
			}
		}
	}
}

func TestMasker_knowsKeysInEitherCase(t *testing.T) {
	known := []secret.String{secret.New("9F86d081-884C"), secret.New("Passwords")}
	for text, want := range map[string]string{
		"key 9f86d081-884c":    "key ***",
		"key 9F86D081-884C":    "key ***",
		"%39F86D081%2D884C":    "***",
		"no passwords, please": "no passwords, please",
	} {
		if got := scrub(text, known); got != want {
			t.Errorf("%s becomes %s", text, got)
		}
	}
}

func TestMasker_knowsWhatAuthorizationHolds(t *testing.T) {
	for header, texts := range map[string][]string{
		"Bearer abcdef":                 {"abcdef", `{"Authorization":"Bearer abcdef"}`},
		"Basic bWU6aHVudGVyMjI=":        {"hunter22", "me:hunter22", "bWU6aHVudGVyMjI"},
		"abcdef":                        {"abcdef"},
		`Digest username="me", nonce=1`: {`username=\"me\", nonce=1`},
	} {
		var m secret.Masker
		m.AddAuthorization(header)
		for _, text := range texts {
			if got := m.Mask("<" + text + ">"); !strings.Contains(got, secret.Mask) || strings.Contains(got, "me") {
				t.Errorf("%s: %s becomes %s", header, text, got)
			}
		}
	}
	var m secret.Masker
	m.Add("Token abcdefgh")
	if got := m.Mask("the token abcdefgh"); got != "the token ***" {
		t.Error(got)
	}
}

func TestMasker_leavesTheRestAlone(t *testing.T) {
	var m secret.Masker
	for _, s := range []string{"hunter2", `back\slash`, "100%25"} {
		m.Add(s)
	}
	for _, text := range []string{"", "hunter", `{"a":"\u00e4\n","b":"100% of \"it\""}`, "a=b&amp;c=d&#61;", "%zz%4", `\`, "&;&#;&#x110000;&#xD800;", "aHVudGVy", "68756e746572"} {
		if got := m.Mask(text); got != text {
			t.Errorf("%s becomes %s", text, got)
		}
	}
	body := []byte("nothing of it")
	if got := m.MaskBytes(body); &got[0] != &body[0] {
		t.Error("a text without secrets is copied")
	}
	m.Reset()
	if got := m.Mask("hunter2"); got != "hunter2" {
		t.Error("a masker that was reset knows its secrets still")
	}
}

func TestMasker_random(t *testing.T) {
	kinds := make([]string, 0, len(spellings))
	for name := range spellings {
		kinds = append(kinds, name)
	}
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.StringOfN(rapid.RuneFrom([]rune(`abcXYZ019+/=&%"'<>\ ä€;#u-_.`)), 6, 20, -1).Draw(t, "secret")
		s = "x" + strings.TrimSpace(s) + "y"
		text := spellings[rapid.SampledFrom(kinds).Draw(t, "spelling")](s)
		whole := rapid.StringMatching(`[a-z ".,&%\\]{0,9}[ ,]`).Draw(t, "before") + text + " " + rapid.String().Draw(t, "after")
		var m secret.Masker
		m.Add(s)
		if got := m.Mask(whole); !strings.Contains(got, secret.Mask) || strings.Contains(got, text) {
			t.Fatalf("%q in %q: %q", s, whole, got)
		}
	})
}

func FuzzMasker(f *testing.F) {
	f.Add("hunter2", `\u0068unter2 %68unter2 &#104;unter2 aHVudGVyMg==`)
	f.Add(`\\\\\\`, strings.Repeat(`\`, 99))
	f.Fuzz(func(t *testing.T, s, text string) {
		var m secret.Masker
		m.Add(s)
		masked := m.Mask(text)
		if s = strings.TrimSpace(s); len(s) >= 4 && !strings.Contains(secret.Mask+secret.Mask, s) &&
			strings.Contains(strings.ReplaceAll(masked, secret.Mask, "\x00"), s) {
			t.Errorf("%q stays in %q", s, masked)
		}
	})
}

func BenchmarkMasker(b *testing.B) {
	b.Run("none", func(b *testing.B) { benchmarkMasker(b, "") })
	b.Run("one", func(b *testing.B) { benchmarkMasker(b, `"sk_live_0123456789abcdefghij/+"`) })
}

func benchmarkMasker(b *testing.B, end string) {
	text := strings.Repeat(`{"id":"00000001-4f2a","name":"service \"one\"","owner":{"email":"jane@example.com"}},`, 12) + end
	b.ReportAllocs()
	var m secret.Masker
	for b.Loop() {
		m.Reset()
		m.Add("sk_live_0123456789abcdefghij/+")
		m.Mask(text)
	}
}

func TestWithoutUser(t *testing.T) {
	for text, want := range map[string]string{
		"https://me:s3cret@api.example/v1?a=@": "https://***@api.example/v1?a=@",
		"https://a@b:s3@api.example":           "https://***@api.example",
		"https://api.example/@me":              "https://api.example/@me",
		"me@api.example":                       "me@api.example",
		"":                                     "",
	} {
		if got := secret.WithoutUser(text); got != want {
			t.Errorf("%s is %s", text, got)
		}
	}
}

func TestBareURL(t *testing.T) {
	for text, want := range map[string]string{
		"https://me:pw@api.test/a?key=x#y": "https://api.test/a",
		"/orders/7?sig=1":                  "/orders/7",
		"":                                 "",
		"http://[::1":                      "",
	} {
		if got := secret.BareURL(text); got != want {
			t.Errorf("BareURL(%q) = %q", text, got)
		}
	}
}
