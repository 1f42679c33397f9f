package observe

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/fairlead/fairlead/internal/event"
	"github.com/fairlead/fairlead/internal/secret"
)

func logAt(level slog.Level) (*bytes.Buffer, *event.Stream) {
	var out bytes.Buffer
	return &out, event.To(Log(NewLogger(&out, level, func() []secret.String { return nil })))
}

func TestLog_writesWhatTheOperatorHasToSeeToOnce(t *testing.T) {
	out, s := logAt(slog.LevelWarn)
	problem := event.Problem{Call: &event.Call{Unit: "GET /x"}, Title: "the credential KEY is not set",
		Cause: errors.New("set the environment variable KEY")}
	for range 3 {
		s.Publish(t.Context(), problem)
	}
	s.Publish(t.Context(), event.Problem{Title: "nothing found", Minor: true})
	if text := out.String(); strings.Count(text, "\n") != 2 || !strings.Contains(text, "level=ERROR") ||
		!strings.Contains(text, "level=WARN") ||
		!strings.Contains(text, "GET /x") || !strings.Contains(text, "environment variable KEY") {
		t.Errorf("logged\n%s", text)
	}
}

func TestLog_hearsNothingBelowItsLevel(t *testing.T) {
	all := event.Steps | event.Attempts | event.Credentials | event.Refusals | event.Retries | event.Waits
	if _, s := logAt(slog.LevelWarn); s.Hears(all) || !s.Hears(event.Problems) {
		t.Error("a log of level warn hears what it does not write")
	}
	out, s := logAt(slog.LevelDebug)
	for _, e := range []event.Event{event.StepEnded{Name: "a"},
		event.Attempt{Target: "api.x", Number: 2, Err: errors.New("reset")},
		event.Credential{From: "https://login.test"},
		event.Refusal{Door: "guard", Status: 401}, event.Reload{Documents: 3}, event.Reload{Err: errors.New("no")},
		event.Retry{Target: "api.x"}, event.Wait{For: "rate"}, event.Breaker{Name: "api", State: event.Open}} {
		before := out.Len()
		if s.Publish(t.Context(), e); out.Len() == before {
			t.Errorf("%T is not logged", e)
		}
	}
}
