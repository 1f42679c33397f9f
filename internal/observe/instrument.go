package observe

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
)

// instrument is one metric with its series, by OpenTelemetry's name. Prometheus's
// name is made of it.
type instrument struct {
	name   string
	unit   string // s, By, or "" for a count of things
	help   string
	labels []string
	bounds []float64 // of a histogram; nil for a counter

	mu     sync.RWMutex
	series map[string]*series
}

// series is one combination of labels.
type series struct {
	values []string
	sum    atomic.Uint64   // the bits of a float; of a counter its value
	counts []atomic.Uint64 // by bound, and one more; none of a counter
}

// mostSeries is how many combinations of labels an instrument tells apart. What comes
// after them counts together, as other.
const mostSeries = 2000

// other stands for what is not told apart.
const other = "other"

// with finds or makes the series of some labels.
func (m *instrument) with(values ...string) *series {
	var room [192]byte
	key := room[:0]
	for _, v := range values {
		key = append(append(key, v...), 0)
	}
	m.mu.RLock()
	s := m.series[string(key)]
	m.mu.RUnlock()
	if s != nil {
		return s
	}
	return m.make(string(key), values)
}

func (m *instrument) make(key string, values []string) *series {
	m.mu.Lock()
	defer m.mu.Unlock()
	if s := m.series[key]; s != nil {
		return s
	}
	if len(m.series) >= mostSeries {
		values = slices.Repeat([]string{other}, len(values))
		key = strings.Join(values, "\x00") + "\x00"
		if s := m.series[key]; s != nil {
			return s
		}
	}
	s := &series{values: make([]string, len(values))}
	for i, v := range values {
		s.values[i] = strings.Clone(v)
	}
	if m.bounds != nil {
		s.counts = make([]atomic.Uint64, len(m.bounds)+1)
	}
	if m.series == nil {
		m.series = map[string]*series{}
	}
	m.series[key] = s
	return s
}

// add adds to a counter.
func (s *series) add(n float64) {
	for {
		old := s.sum.Load()
		if s.sum.CompareAndSwap(old, math.Float64bits(math.Float64frombits(old)+n)) {
			return
		}
	}
}

// observe counts a value of a histogram.
func (m *instrument) observe(s *series, v float64) {
	at, _ := slices.BinarySearch(m.bounds, v) // a bound is the largest value of its bucket
	s.counts[at].Add(1)
	s.add(v)
}

// all returns the series in the order of their labels.
func (m *instrument) all() []*series {
	m.mu.RLock()
	list := make([]*series, 0, len(m.series))
	for _, s := range m.series {
		list = append(list, s)
	}
	m.mu.RUnlock()
	slices.SortFunc(list, func(a, b *series) int { return slices.Compare(a.values, b.values) })
	return list
}

// Sample is one value of a gauge or counter that is asked for when it is read.
type Sample struct {
	Labels []string // values, as many as the metric has names
	Value  float64
}

// prometheusName is the name that Prometheus gets for OpenTelemetry's, by the rules of
// its compatibility specification: dots become underscores, the unit ends the name,
// and _total that of a counter.
func prometheusName(name, unit string, counter bool) string {
	name = strings.ReplaceAll(name, ".", "_")
	switch unit {
	case "s":
		name = withEnd(name, "_seconds")
	case "By":
		name = withEnd(name, "_bytes")
	}
	if counter {
		name = withEnd(name, "_total")
	}
	return name
}

func withEnd(name, end string) string { return strings.TrimSuffix(name, end) + end }

// appendPrometheus writes an instrument in Prometheus's text format 0.0.4.
func (m *instrument) appendPrometheus(dst []byte) []byte {
	list := m.all()
	if len(list) == 0 {
		return dst
	}
	name := prometheusName(m.name, m.unit, m.bounds == nil)
	kind := "counter"
	if m.bounds != nil {
		kind = "histogram"
	}
	dst = appendHead(dst, name, m.help, kind)
	for _, s := range list {
		if m.bounds == nil {
			dst = appendSample(dst, name, "", m.labels, s.values, "", math.Float64frombits(s.sum.Load()))
			continue
		}
		total := uint64(0)
		for i := range s.counts {
			total += s.counts[i].Load()
			bound := "+Inf"
			if i < len(m.bounds) {
				bound = strconv.FormatFloat(m.bounds[i], 'g', -1, 64)
			}
			dst = appendSample(dst, name, "_bucket", m.labels, s.values, bound, float64(total))
		}
		dst = appendSample(dst, name, "_sum", m.labels, s.values, "", math.Float64frombits(s.sum.Load()))
		dst = appendSample(dst, name, "_count", m.labels, s.values, "", float64(total))
	}
	return dst
}

func appendHead(dst []byte, name, help, kind string) []byte {
	dst = append(append(append(append(dst, "# HELP "...), name...), ' '), help...)
	return append(append(append(append(append(dst, "\n# TYPE "...), name...), ' '), kind...), '\n')
}

// appendSample writes one line; le is a histogram's bound.
func appendSample(dst []byte, name, end string, labels, values []string, le string, v float64) []byte {
	dst = append(append(dst, name...), end...)
	sep := byte('{')
	label := func(name, value string) {
		if value == "" {
			return
		}
		dst = append(append(append(dst, sep), strings.ReplaceAll(name, ".", "_")...), `="`...)
		for i := range len(value) {
			switch c := value[i]; c {
			case '\\', '"':
				dst = append(dst, '\\', c)
			case '\n':
				dst = append(dst, `\n`...)
			default:
				dst = append(dst, c)
			}
		}
		dst, sep = append(dst, '"'), ','
	}
	for i, name := range labels {
		label(name, values[i])
	}
	label("le", le)
	if sep == ',' {
		dst = append(dst, '}')
	}
	return append(strconv.AppendFloat(append(dst, ' '), v, 'g', -1, 64), '\n')
}
