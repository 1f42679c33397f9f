package guard

import (
	"sync"
	"time"

	"github.com/fairlead/fairlead/internal/oauth"
)

// maxTokens is how many verified tokens a generation holds.
const maxTokens = 4096

// tokens remembers verified tokens by their SHA-256, in two generations: when
// the young one is full the old one is forgotten.
type tokens struct {
	mu         sync.RWMutex
	young, old map[[32]byte]remembered
}

// remembered is the identity of a token that was verified with keys.
type remembered struct {
	identity *Identity
	keys     *oauth.KeySet // nil after introspection
	until    time.Time
}

// get returns the identity of a token, nil when it is not known, over, or was
// verified with keys other than those of now.
func (t *tokens) get(sum [32]byte, keys *oauth.KeySet, now time.Time) *Identity {
	t.mu.RLock()
	r, young := t.young[sum]
	if !young {
		r = t.old[sum]
	}
	t.mu.RUnlock()
	if r.identity == nil || r.keys != keys || now.After(r.until) {
		return nil
	}
	if !young {
		t.put(sum, r)
	}
	return r.identity
}

func (t *tokens) put(sum [32]byte, r remembered) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.young == nil || len(t.young) >= maxTokens {
		t.young, t.old = map[[32]byte]remembered{}, t.young
	}
	t.young[sum] = r
}
