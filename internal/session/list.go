package session

import (
	"cmp"
	"context"
	"encoding/hex"
	"slices"
	"strings"
	"time"
)

// Entry says whose a stored session is, where and until when, never what it holds.
type Entry struct {
	Key           Key
	ID            string // eight hexadecimal digits that name it in a list
	Made, Expires time.Time
	Shown         []Shown
}

// List is all sessions that stand in the store, by document, API and principal.
// unreadable counts entries that were sealed with keys of others.
func (v *Vault) List(ctx context.Context) (list []Entry, unreadable int, err error) {
	_, sealer, err := v.box.opened(ctx)
	if err != nil {
		return nil, 0, err
	}
	unreadable, err = v.box.list(ctx, ofSession, func() any { return new(record) }, func(content any) {
		r := content.(*record)
		list = append(list, Entry{r.Key, shortID(sealer.ids(r.Key.bytes())[0]), r.Made, r.Expires, r.Shown})
	})
	slices.SortFunc(list, func(a, b Entry) int {
		return cmp.Or(strings.Compare(a.Key.Document, b.Key.Document), strings.Compare(a.Key.API, b.Key.API),
			strings.Compare(a.Key.Principal.Issuer, b.Key.Principal.Issuer),
			strings.Compare(a.Key.Principal.Subject, b.Key.Principal.Subject), strings.Compare(a.ID, b.ID))
	})
	return list, unreadable, err
}

// shortID is a name that may be typed: one of the store's may begin with a dash.
func shortID(id string) string {
	sum := Digest(id)
	return hex.EncodeToString(sum[:4])
}
