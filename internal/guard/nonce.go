package guard

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"math"
	"sync"
	"time"
)

const (
	nonceLife = 5 * time.Minute
	maxNonces = 8192 // in use at once; beyond, the older ones become stale
	timeSize  = 8
	nonceSize = timeSize + 8 + 16 // time, random, signature
)

// nonces issues the nonces of Digest challenges and sees to it that no answer
// counts twice. A nonce is its time of issue, signed with a key of this process,
// so that nothing is kept for callers who only ask. What another process issued
// is stale here.
type nonces struct {
	now func() time.Time
	key [32]byte

	mu    sync.Mutex
	used  map[string]*window
	floor int64 // nonces issued until then are stale
}

// window says which counts of a nonce were used: the highest, and by a bit each
// the 63 below it, since requests of one client may overtake each other.
type window struct {
	issued int64
	high   uint32
	bits   uint64
}

func newNonces(now func() time.Time) *nonces {
	n := &nonces{now: now, used: map[string]*window{}, floor: math.MinInt64}
	_, _ = rand.Read(n.key[:]) // never fails
	return n
}

func (n *nonces) issue() string {
	var b [nonceSize]byte
	binary.BigEndian.PutUint64(b[:], uint64(n.now().UnixNano()))
	_, _ = rand.Read(b[timeSize : nonceSize-16])
	n.sign(&b)
	return base64.RawURLEncoding.EncodeToString(b[:])
}

func (n *nonces) sign(b *[nonceSize]byte) {
	mac := hmac.New(sha256.New, n.key[:])
	mac.Write(b[:nonceSize-16])
	copy(b[nonceSize-16:], mac.Sum(nil))
}

// use takes the count of a nonce, once. It is false for nonces that are not
// ours, too old, or used with this count already.
func (n *nonces) use(nonce string, count uint32) bool {
	raw, err := base64.RawURLEncoding.DecodeString(nonce)
	if err != nil || len(raw) != nonceSize {
		return false
	}
	given, signed := [nonceSize]byte(raw), [nonceSize]byte(raw)
	n.sign(&signed)
	if !hmac.Equal(given[:], signed[:]) {
		return false
	}
	now, issued := n.now(), int64(binary.BigEndian.Uint64(raw))
	if now.Sub(time.Unix(0, issued)) > nonceLife {
		return false
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if issued <= n.floor {
		return false
	}
	// The spelling of base64 is not unique, the bytes are.
	w := n.used[string(raw)]
	if w == nil {
		if len(n.used) >= maxNonces {
			n.shrink(now)
		}
		w = &window{issued: issued}
		n.used[string(raw)] = w
	}
	return w.take(count)
}

// shrink forgets the nonces that are over, and if that is not enough the older
// half of the others, which are stale from then on.
func (n *nonces) shrink(now time.Time) {
	n.floor = max(n.floor, now.Add(-nonceLife-1).UnixNano())
	n.drop()
	if len(n.used) < maxNonces {
		return
	}
	oldest := int64(math.MaxInt64)
	for _, w := range n.used {
		oldest = min(oldest, w.issued)
	}
	n.floor = oldest + max(now.UnixNano()-oldest, 0)/2
	n.drop()
}

func (n *nonces) drop() {
	for nonce, w := range n.used {
		if w.issued <= n.floor {
			delete(n.used, nonce)
		}
	}
}

func (w *window) take(count uint32) bool {
	if count > w.high {
		w.bits = w.bits<<min(count-w.high, 64) | 1 // bit 0 is the highest
		w.high = count
		return true
	}
	bit := uint64(1) << min(w.high-count, 64)
	if count == 0 || bit == 0 || w.bits&bit != 0 {
		return false
	}
	w.bits |= bit
	return true
}
