package ask

import (
	"crypto/rand"
	"sync"

	"github.com/fairlead/fairlead/internal/value"
)

// Waiting are the questions that users have not answered yet, by the id of the
// request that asked, which nobody else can guess.
type Waiting struct {
	mu sync.Mutex
	by map[string]asker
}

// asker is who waits for an answer.
type asker struct {
	principal string
	answer    chan value.Value
}

func (w *Waiting) Open(principal string) (id string, answer <-chan value.Value) {
	id = rand.Text()
	a := asker{principal, make(chan value.Value, 1)}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.by == nil {
		w.by = map[string]asker{}
	}
	w.by[id] = a
	return id, a.answer
}

// Hand gives what a client responded to whom it is for; false means that nobody
// waits for it.
func (w *Waiting) Hand(id, principal string, said value.Value) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	a, ok := w.by[id]
	if !ok || a.principal != principal {
		return false
	}
	delete(w.by, id)
	a.answer <- said
	return true
}

func (w *Waiting) Close(id string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.by, id)
}
