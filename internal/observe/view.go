package observe

import (
	"log/slog"

	"github.com/fairlead/fairlead/internal/event"
)

// View is what operators see of a running process: what it counts and keeps of what
// happens.
type View struct {
	Metrics *Metrics
	Recent  *Recent
	Traces  *Traces
	Lines   *Lines
	Mask    *Mask
	Level   *Level // of the log
}

// How much a view keeps when nobody says otherwise.
const (
	keptCalls  = 200
	keptTraces = 100
	keptLines  = 500
)

// NewView begins to keep. The mask hides secrets in what is shown.
func NewView(mask *Mask, level *Level) *View {
	return &View{Metrics: NewMetrics(), Recent: NewRecent(keptCalls, mask), Traces: NewTraces(keptTraces, mask),
		Lines: NewLines(keptLines), Mask: mask, Level: level}
}

// Listeners are what hear for v.
func (v *View) Listeners() []event.Listener {
	return []event.Listener{v.Metrics.Listener(), v.Recent.Listener(), v.Traces.Listener()}
}

// NewLevel is the level of a log, which may change.
func NewLevel(level slog.Level) *Level {
	l := &Level{}
	l.Set(level)
	return l
}
