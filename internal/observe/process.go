package observe

import (
	"runtime"
	"runtime/metrics"
	"time"
)

// Process adds what is known of the process itself; version is that of the engine.
func (m *Metrics) Process(version string) {
	m.Observe("fairlead.build_info", "", "The version that runs.", false, []string{"version", "goversion"},
		func() []Sample { return []Sample{{Labels: []string{version, runtime.Version()}, Value: 1}} })
	began := float64(m.began.UnixMilli()) / 1000
	m.Gauge("process.start_time", "s", "When the process began, since 1970.", func() float64 { return began })
	m.Gauge("process.uptime", "s", "How long the process runs.", func() float64 { return time.Since(m.began).Seconds() })
	m.Gauge("go.goroutines", "", "Goroutines that there are.", func() float64 { return float64(runtime.NumGoroutine()) })
	for _, one := range []struct {
		name, unit, help, of string
		counter              bool
	}{
		{"go.memory.heap", "By", "Bytes of objects on the heap.", "/memory/classes/heap/objects:bytes", false},
		{"go.memory.total", "By", "Bytes that the Go runtime has taken.", "/memory/classes/total:bytes", false},
		{"go.memory.allocated", "By", "Bytes that were allocated.", "/gc/heap/allocs:bytes", true},
		{"go.gc.cycles", "", "Garbage collections.", "/gc/cycles/total:gc-cycles", true},
	} {
		m.Observe(one.name, one.unit, one.help, one.counter, nil, func() []Sample {
			read := []metrics.Sample{{Name: one.of}}
			metrics.Read(read)
			switch read[0].Value.Kind() {
			case metrics.KindUint64:
				return []Sample{{Value: float64(read[0].Value.Uint64())}}
			case metrics.KindFloat64:
				return []Sample{{Value: read[0].Value.Float64()}}
			}
			return nil
		})
	}
	m.system()
}
