package control

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/fairlead/fairlead/internal/script"
)

// Scripting is the document of /scripting.
type Scripting struct {
	Enabled          bool     `json:"enabled"`
	DefaultLocation  string   `json:"defaultLocation,omitempty"`
	DefaultLanguage  string   `json:"defaultLanguage,omitempty"`
	Timeout          int64    `json:"timeout"` // milliseconds
	StatementLimit   int      `json:"statementLimit"`
	AllowedLanguages []string `json:"allowedLanguages,omitempty"` // all when absent
	Stats            struct {
		TotalExecutions   int64      `json:"totalExecutions"`
		TotalErrors       int64      `json:"totalErrors"`
		AverageDurationMs float64    `json:"averageDurationMs"`
		LastExecutionAt   *time.Time `json:"lastExecutionAt,omitempty"`
	} `json:"stats"`
}

// inForce is what scripts may do: what the document says, as far as the process
// allows it.
func (g *generation) inForce() (s Scripting) {
	limits, stats := g.c.Process.Scripts.Limits(), g.c.Process.Scripts.Stats()
	s = Scripting{Enabled: !limits.Off, Timeout: limits.Timeout.Milliseconds(), StatementLimit: limits.Statements,
		AllowedLanguages: limits.Languages}
	if g.plan != nil {
		d := g.plan.Capability.Scripting
		s.Enabled = s.Enabled && !d.Off && !d.Unreadable
		s.DefaultLocation, s.DefaultLanguage = d.Location, d.Language
		if d.Milliseconds > 0 {
			s.Timeout = min(s.Timeout, int64(d.Milliseconds))
		}
		if d.Statements > 0 {
			s.StatementLimit = min(s.StatementLimit, d.Statements)
		}
		if len(d.Allowed) > 0 {
			s.AllowedLanguages = slices.DeleteFunc(slices.Clone(d.Allowed), func(name string) bool {
				return limits.Languages != nil && !slices.Contains(limits.Languages, strings.ToLower(name))
			})
		}
	}
	s.Stats.TotalExecutions, s.Stats.TotalErrors = stats.Runs, stats.Errors
	if stats.Runs > 0 {
		s.Stats.AverageDurationMs = float64(stats.Took.Microseconds()) / 1000 / float64(stats.Runs)
		s.Stats.LastExecutionAt = &stats.Last
	}
	return s
}

func (g *generation) scripting(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, g.inForce())
}

// setScripting makes the limits of the whole process tighter. All of a request
// holds, or nothing of it.
func (g *generation) setScripting(w http.ResponseWriter, r *http.Request) {
	var asked struct {
		Enabled          *bool
		Timeout          *int64
		StatementLimit   *int
		AllowedLanguages *[]string
		DefaultLocation  *string
		DefaultLanguage  *string
		Stats            any // of what GET answered
	}
	d := json.NewDecoder(r.Body)
	d.DisallowUnknownFields()
	if err := d.Decode(&asked); err != nil {
		fail(w, http.StatusBadRequest, "want a JSON object with enabled, timeout, statementLimit, allowedLanguages: "+
			strings.TrimPrefix(err.Error(), "json: "))
		return
	}
	now, to := g.inForce(), g.c.Process.Scripts.Limits()
	differs := func(text *string, from string) bool { return text != nil && *text != from }
	if differs(asked.DefaultLocation, now.DefaultLocation) || differs(asked.DefaultLanguage, now.DefaultLanguage) {
		fail(w, http.StatusBadRequest, "defaultLocation and defaultLanguage are the document's: change it there and reload")
		return
	}
	if asked.Enabled != nil {
		to.Off = !*asked.Enabled
	}
	if asked.Timeout != nil {
		to.Timeout = time.Duration(min(*asked.Timeout, to.Timeout.Milliseconds()+1)) * time.Millisecond
	}
	if asked.StatementLimit != nil {
		to.Statements = *asked.StatementLimit
	}
	if asked.AllowedLanguages != nil && len(*asked.AllowedLanguages) > 0 { // none named means all, as in documents
		to.Languages = nil
		for _, name := range *asked.AllowedLanguages {
			to.Languages = append(to.Languages, strings.ToLower(name))
		}
	}
	if err := g.c.Process.Scripts.Tighten(to); err != nil {
		fail(w, http.StatusBadRequest, err.Error())
		return
	}
	answer(w, http.StatusOK, g.inForce())
}

var _ Scripts = (*script.Pool)(nil)
