package secret_test

import (
	"testing"

	"github.com/fairlead/fairlead/internal/secret"
)

func TestScrub(t *testing.T) {
	key, pair := secret.New(`k "1"/+`), secret.New("user:pass word")
	for text, want := range map[string]string{
		`plain k "1"/+ here`:            "plain *** here",
		`{"key":"k \"1\"/+"}`:           `{"key":"***"}`,
		"/x?key=k+%221%22%2F%2B&page=2": "/x?key=***&page=2",
		"Basic dXNlcjpwYXNzIHdvcmQ=":    "Basic ***",
		"nothing of it":                 "nothing of it",
	} {
		if got := secret.Scrub(text, []secret.String{key, pair}); got != want {
			t.Errorf("%s: got %s, want %s", text, got, want)
		}
	}
	if got := secret.Scrub("a cab", []secret.String{secret.New("a"), secret.New("")}); got != "a cab" {
		t.Errorf("short ones are left alone: %s", got)
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
