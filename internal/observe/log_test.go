package observe

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/fairlead/fairlead/internal/secret"
)

func TestNewLogger_masksWhatItKnows(t *testing.T) {
	const canary = `s3cret "quoted"`
	var out bytes.Buffer
	log := NewLogger(&out, slog.LevelDebug, func() []secret.String { return []secret.String{secret.New(canary), secret.New("ab")} })
	log.Info("calling with "+canary, "url", "http://x/?key="+canary, "error", errors.New("refused "+canary), "Authorization", "Bearer something-else", "n", 1)
	log.WithGroup("request").Debug("again", "set-cookie", "session=1", slog.Group("header", "x", canary))
	text := out.String()
	for _, leak := range []string{canary, `s3cret \"quoted\"`, "something-else", "session=1"} {
		if strings.Contains(text, leak) {
			t.Errorf("%s is in\n%s", leak, text)
		}
	}
	if strings.Count(text, secret.Mask) < 6 || !strings.Contains(text, "n=1") {
		t.Errorf("got\n%s", text)
	}
}

func TestNewLogger_keepsItsLevel(t *testing.T) {
	var out bytes.Buffer
	NewLogger(&out, slog.LevelWarn, func() []secret.String { return nil }).Info("quiet")
	if out.Len() > 0 {
		t.Errorf("got %s", &out)
	}
}

func TestNewLogger_keepsWhatItMadeOfTheSameSecrets(t *testing.T) {
	var out bytes.Buffer
	known := []secret.String{secret.New("first/secret")}
	log := NewLogger(&out, slog.LevelInfo, func() []secret.String { return known })
	log.Info("a first/secret, b second/secret")
	known = append(known, secret.New("second/secret"))
	log.Info(`c first\/secret, d c2Vjb25kL3NlY3JldA`)
	if got := out.String(); strings.Contains(got, "first") || strings.Count(got, "second") != 1 || strings.Contains(got, "c2Vjb25k") {
		t.Errorf("got %s", got)
	}
}
