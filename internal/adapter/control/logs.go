package control

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
)

// theLogger is the name of the one logger that there is.
const theLogger = "fairlead"

// Logger is an entry of /logs, and with its records the document of /logs/{logger}.
type Logger struct {
	Name    string            `json:"name"`
	Level   string            `json:"level"` // the least that is written: debug, info, warn or error
	Records []json.RawMessage `json:"records,omitempty"`
}

func (g *generation) theLogger() Logger {
	return Logger{Name: theLogger, Level: strings.ToLower(g.c.Process.View.Level.Level().String())}
}

// logs lists the loggers.
func (g *generation) logs(w http.ResponseWriter, _ *http.Request) {
	if g.c.Process.View == nil {
		unheard(w)
		return
	}
	answer(w, http.StatusOK, map[string][]Logger{"loggers": {g.theLogger()}})
}

// logger answers with a logger's level and its last records, the newest first;
// ?limit= of them, and of ?level= or above.
func (g *generation) logger(w http.ResponseWriter, r *http.Request) {
	if !g.isLogger(w, r) {
		return
	}
	out := g.theLogger()
	out.Records = []json.RawMessage{}
	if !g.show.Stream {
		answer(w, http.StatusOK, out)
		return
	}
	keep, err := filter(r)
	if err != nil {
		fail(w, http.StatusBadRequest, err.Error())
		return
	}
	most, err := strconv.Atoi(r.URL.Query().Get("limit"))
	if err != nil || most < 1 {
		most = mostCalls
	}
	for _, line := range g.c.Process.View.Lines.Records() {
		if len(out.Records) < most && keep(line) && json.Valid(line) {
			out.Records = append(out.Records, line)
		}
	}
	answer(w, http.StatusOK, out)
}

func (g *generation) isLogger(w http.ResponseWriter, r *http.Request) bool {
	switch {
	case g.c.Process.View == nil:
		unheard(w)
	case r.PathValue("logger") != theLogger:
		fail(w, http.StatusNotFound, "there is no such logger; there is "+theLogger)
	default:
		return true
	}
	return false
}

// filter is what ?level= asks for.
func filter(r *http.Request) (func(line []byte) bool, error) {
	text := r.URL.Query().Get("level")
	if text == "" {
		return func([]byte) bool { return true }, nil
	}
	var least slog.Level
	if err := least.UnmarshalText([]byte(text)); err != nil {
		return nil, fmt.Errorf("%q is no level; want debug, info, warn or error", text)
	}
	return func(line []byte) bool {
		var record struct{ Level slog.Level }
		return json.Unmarshal(line, &record) == nil && record.Level >= least
	}, nil
}

// setLevel changes the least level that is written, until the process ends.
func (g *generation) setLevel(w http.ResponseWriter, r *http.Request) {
	if !g.isLogger(w, r) {
		return
	}
	var asked struct{ Level *slog.Level }
	d := json.NewDecoder(r.Body)
	if err := d.Decode(&asked); err != nil || asked.Level == nil {
		fail(w, http.StatusBadRequest, `want {"level": "debug"}, info, warn or error`)
		return
	}
	level := *asked.Level
	if level < slog.LevelDebug || level > slog.LevelError {
		fail(w, http.StatusBadRequest, `want {"level": "debug"}, info, warn or error`)
		return
	}
	g.c.Process.View.Level.Set(level)
	g.c.Logger.WarnContext(r.Context(), "the level of the log was changed", "level", level.String())
	answer(w, http.StatusOK, g.theLogger())
}

// followLogs sends new records as server-sent events.
func (g *generation) followLogs(w http.ResponseWriter, r *http.Request) {
	if g.c.Process.View == nil {
		unheard(w)
		return
	}
	keep, err := filter(r)
	if err != nil {
		fail(w, http.StatusBadRequest, err.Error())
		return
	}
	g.stream(w, r, func(ctx context.Context, send func(name string, data []byte) bool) {
		g.c.Process.View.Lines.Follow(ctx, func(line []byte) bool { return !keep(line) || send("log", line) })
	})
}
