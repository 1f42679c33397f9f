package sandbox

import (
	"container/list"
	"time"
)

// shelf holds named things until they end, and no more than limit of them: a put
// takes away what has ended and, from a full shelf, what was put first. It counts
// on things ending in about the order they were put. Its owner locks it.
type shelf struct {
	limit int
	slots map[string]*list.Element // of *slot
	order *list.List               // the oldest first
}

type slot struct {
	name string
	ends time.Time
	uses int // the owner's count
}

func newShelf(limit int) shelf {
	return shelf{limit: limit, slots: map[string]*list.Element{}, order: list.New()}
}

// get returns the slot of the name, nil when there is none or it has ended.
func (s *shelf) get(name string, now time.Time) *slot {
	element := s.slots[name]
	if element == nil {
		return nil
	}
	if found := element.Value.(*slot); now.Before(found.ends) {
		return found
	}
	return nil
}

// put makes a new slot for the name, in place of the one it had.
func (s *shelf) put(name string, ends, now time.Time) *slot {
	s.remove(name)
	for first := s.order.Front(); first != nil; first = s.order.Front() {
		oldest := first.Value.(*slot)
		if now.Before(oldest.ends) && len(s.slots) < s.limit {
			break
		}
		s.remove(oldest.name)
	}
	made := &slot{name: name, ends: ends}
	s.slots[name] = s.order.PushBack(made)
	return made
}

// remove reports whether there was a slot of the name.
func (s *shelf) remove(name string) bool {
	element := s.slots[name]
	if element == nil {
		return false
	}
	s.order.Remove(element)
	delete(s.slots, name)
	return true
}
