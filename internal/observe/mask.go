package observe

import (
	"slices"
	"sync"

	"github.com/fairlead/fairlead/internal/secret"
)

// Mask hides the secrets of a process in what operators see. A nil Mask hides nothing.
type Mask struct {
	known func() []secret.String
	mu    sync.Mutex
	by    secret.Masker // keeps what it made of the same secrets
	of    []secret.String
	texts []byte // room for what is looked at
}

// NewMask hides whatever known returns: the values of secrets handed out so far.
func NewMask(known func() []secret.String) *Mask { return &Mask{known: known} }

// Bytes is a text without the secrets. It may be text itself.
func (m *Mask) Bytes(text []byte) []byte {
	if m == nil || len(text) == 0 {
		return text
	}
	known := m.known()
	m.mu.Lock()
	defer m.mu.Unlock()
	m.load(known)
	return m.by.MaskBytes(text)
}

// Text is a text without the secrets.
func (m *Mask) Text(text string) string {
	if m == nil || text == "" {
		return text
	}
	known := m.known()
	m.mu.Lock()
	defer m.mu.Unlock()
	m.load(known)
	return m.by.Mask(text)
}

func (m *Mask) load(known []secret.String) {
	if m.of != nil && slices.Equal(known, m.of) {
		return
	}
	m.by.Reset()
	for _, one := range known {
		m.by.Add(one.Reveal())
	}
	m.of = append([]secret.String{}, known...)
}

// spans masks spans, which are the caller's own. Most hold no secret, which one look at
// all of them tells.
func (m *Mask) spans(spans []Span) []Span {
	if m == nil || len(spans) == 0 {
		return spans
	}
	known := m.known()
	m.mu.Lock()
	defer m.mu.Unlock()
	m.load(known)
	m.texts = m.texts[:0]
	eachText(spans, func(text *string) { m.texts = append(append(m.texts, *text...), 0) })
	if masked := m.by.MaskBytes(m.texts); &masked[0] == &m.texts[0] {
		return spans
	}
	eachText(spans, func(text *string) { *text = m.by.Mask(*text) })
	return spans
}

// eachText hands on what of spans may hold a secret.
func eachText(spans []Span, do func(*string)) {
	for i := range spans {
		s := &spans[i]
		do(&s.Name)
		do(&s.Error)
		do(&s.State)
		for j := range s.Attributes {
			if a := &s.Attributes[j]; a.IsText {
				do(&a.Text)
			}
		}
	}
}
