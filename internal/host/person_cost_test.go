package host

import (
	"context"
	"net/http/httptest"
	"testing"

	"github.com/fairlead/fairlead/internal/guard"
	"github.com/fairlead/fairlead/internal/value"
)

// TestPerson_costsNothing: every call asks who calls, so nothing is made for that.
func TestPerson_costsNothing(t *testing.T) {
	c := &Config{}
	claims, err := value.Parse([]byte(`{"iss":"https://as.example","sub":"u-1","client_id":"agent","scope":"a b","uid":"u"}`))
	if err != nil {
		t.Fatal(err)
	}
	ctx := c.Front.connected(context.Background(), conn{local: "127.0.0.1:9090", remote: "127.0.0.1:5000"})
	token := &guard.Identity{Kind: "oauth2", Issuer: "https://as.example/", Subject: "u-1", PersonClaim: "sub",
		Claims: claims}
	r := httptest.NewRequest("GET", "http://127.0.0.1/", nil).WithContext(ctx)
	for name, ask := range map[string]func(){
		"none":   func() { c.person(ctx) },
		"oauth2": func() { byToken(c, ctx, token) },
		"basic":  func() { byName(c, ctx, token) },
		"door":   func() { c.Front.enter(r, false) },
	} {
		if n := testing.AllocsPerRun(100, ask); n > 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}
