//go:build unix

package session

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/fairlead/fairlead/internal/testkit/redis"
)

// TestRedis_thatHangs: a server that takes connections and does not answer costs each
// call its budget and no more, and serves again afterwards.
func TestRedis_thatHangs(t *testing.T) {
	server := redis.Start(t)
	r := openRedis(t, "redis://"+server.Addr)
	if err := r.Put(t.Context(), "id", []byte("sealed"), time.Time{}); err != nil {
		t.Fatal(err)
	}
	r.budget = 200 * time.Millisecond
	server.Freeze()
	defer server.Thaw()
	for range 3 {
		began := time.Now()
		_, err := r.Get(t.Context(), "id")
		if err == nil || errors.Is(err, ErrNone) || !strings.Contains(err.Error(), "does not answer") {
			t.Errorf("got %v", err)
		}
		if took := time.Since(began); took > 10*r.budget {
			t.Errorf("it took %s", took)
		}
	}
	server.Thaw()
	r.budget = redisBudget
	if got, err := r.Get(t.Context(), "id"); err != nil || string(got) != "sealed" {
		t.Errorf("got %q, %v", got, err)
	}
}
