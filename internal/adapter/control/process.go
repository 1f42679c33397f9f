package control

import (
	"context"
	"time"

	"github.com/fairlead/fairlead/internal/observe"
	"github.com/fairlead/fairlead/internal/script"
)

// Process is what control servers show of a process, and what they change of it.
// Its functions may be called at any time and from any goroutine.
type Process struct {
	Version string
	Began   time.Time
	// State is what is served now.
	State func() State
	// Secrets names those that keep callers out, or cannot be read, each with the
	// reason. It may have to ask who keeps them.
	Secrets func(ctx context.Context) []string
	// Upstreams says which consumed APIs can be reached.
	Upstreams func(ctx context.Context) []Upstream
	// Sessions counts the sessions of people that are kept; ok is false where there
	// are none, or they cannot be read.
	Sessions func(ctx context.Context) (n int, ok bool)
	// Reload reads documents and secrets again.
	Reload func(ctx context.Context) Reloaded
	// Validate says what serving a text would find, without serving it; of the
	// documents as they stand on disk when there is no text.
	Validate func(ctx context.Context, text []byte) Validated
	// Settings are what is in force, and from where.
	Settings func() []Setting
	View     *observe.View // nil where nobody hears what happens
	// Capture keeps requests and answers while it is asked to; nil never does.
	Capture *Capture
	// Scripts are steered as a whole; nil where none can run.
	Scripts Scripts
}

// Scripts is what steers scripts; script.Pool does.
type Scripts interface {
	Limits() script.Limits
	Tighten(script.Limits) error
	Stats() script.Stats
}

// State is what is served at one time.
type State struct {
	Stopping   bool       `json:"stopping"`
	Until      *time.Time `json:"until,omitempty"` // when what still runs is cut off
	Adapters   []Adapter  `json:"adapters"`
	Documents  []Document `json:"documents"`
	Upstreams  []API      `json:"upstreams"`
	Generation Generation `json:"generation"`
	// Missing are variables without a value, which units need.
	Missing []string `json:"missing"`
}

// Adapter is a server of a document. State is started or stopped, as the format
// has it.
type Adapter struct {
	Type      string `json:"type"`
	Namespace string `json:"namespace,omitempty"`
	Port      int    `json:"port,omitempty"`
	State     string `json:"state"`
	URL       string `json:"url,omitempty"`
	Document  string `json:"document,omitempty"`
	Units     int    `json:"units"`
	Running   int64  `json:"running"` // requests
}

// Document is a document in force.
type Document struct {
	Name        string `json:"name"`
	Display     string `json:"display"`
	SpecVersion string `json:"specVersion"`
	Served      int    `json:"served"`
	Withheld    int    `json:"withheld"`
	Errors      int    `json:"errors"`
	Warnings    int    `json:"warnings"`
	Notes       int    `json:"notes"`
	// Findings are the first errors and warnings.
	Findings []string `json:"findings,omitempty"`
}

// Generation says what reloads did.
type Generation struct {
	Number      int        `json:"number"` // of the documents in force, from 1
	Since       time.Time  `json:"since"`
	Reloads     int        `json:"reloads"`  // that changed something
	Refusals    int        `json:"refusals"` // reloads of which something was refused
	LastRefusal string     `json:"lastRefusal,omitempty"`
	RefusedAt   *time.Time `json:"refusedAt,omitempty"`
}

// API is a consumed API with what holds its calls back.
type API struct {
	Document  string `json:"document"`
	Namespace string `json:"namespace"`
	URL       string `json:"url"`
	Withheld  string `json:"withheld,omitempty"` // why its operations are
	Gates     []Gate `json:"gates,omitempty"`
}

// Gate is a breaker or a limit.
type Gate struct {
	Name       string     `json:"name"`
	Breaker    string     `json:"breaker,omitempty"`
	Failed     int        `json:"failed,omitempty"`
	Counted    int        `json:"counted,omitempty"`
	Until      *time.Time `json:"until,omitempty"` // when calls pass again
	Running    int        `json:"running,omitempty"`
	Concurrent int        `json:"concurrent,omitempty"`
	PerSecond  float64    `json:"perSecond,omitempty"`
	Remaining  int        `json:"remaining,omitempty"`
	Reset      *time.Time `json:"reset,omitempty"`
}

// Upstream is whether a consumed API answers.
type Upstream struct {
	Document  string  `json:"document,omitempty"`
	Namespace string  `json:"namespace"`
	URL       string  `json:"url"`
	Reachable bool    `json:"reachable"`
	Millis    float64 `json:"milliseconds"`
	Problem   string  `json:"problem,omitempty"`
}

// Reloaded is what a reload did. Outcome is reloaded, partly (what was refused
// serves on as it was) or refused.
type Reloaded struct {
	Outcome    string   `json:"outcome"`
	Generation int      `json:"generation"`
	Documents  int      `json:"documents"`
	Problems   []string `json:"problems"`
}

// Validated is what serving something would find.
type Validated struct {
	Valid    bool     `json:"valid"` // it would be served, and without an error
	Served   int      `json:"served"`
	Withheld int      `json:"withheld"`
	Errors   int      `json:"errors"`
	Warnings int      `json:"warnings"`
	Findings []string `json:"findings"`
}

// Setting is what a flag is set to. From is flag, environment, file or default,
// with the name or the place.
type Setting struct {
	Name  string `json:"name"`
	Value string `json:"value"`
	From  string `json:"from"`
}
