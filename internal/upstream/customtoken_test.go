package upstream

import (
	"net/http"
	"slices"
	"testing"

	"github.com/fairlead/fairlead/internal/jsonpath"
)

// TestCustomToken_inTheQuery: explain shows the rest of the query, a forward route
// knows that the name is the API's own, and a new token takes the old one's place.
func TestCustomToken_inTheQuery(t *testing.T) {
	path, _, err := jsonpath.Compile("$.token", jsonpath.Lenient)
	if err != nil {
		t.Fatal(err)
	}
	auth := &CustomToken{Request: to(t, "http://127.0.0.1:1", "POST", "/login", nil), Token: path, Place: InQuery, Name: "token"}
	if names := QueryKeys(auth); !slices.Equal(names, []string{"token"}) {
		t.Errorf("its keys are %v", names)
	}
	_, by, err := auth.apply(nil, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	req, _ := http.NewRequest("GET", "http://127.0.0.1:1/orders?q=a%20b", nil)
	by.show(req)
	if got := req.URL.RawQuery; got != "q=a%20b&token=%2A%2A%2A" && got != "q=a%20b&token=***" {
		t.Errorf("shown as %s", got)
	}
	a := by.(*acquisition)
	a.put(req, "one")
	a.put(req, "two")
	if got := req.URL.RawQuery; got != "q=a%20b&token=two" {
		t.Errorf("sent as %s", got)
	}
}

// TestCustomToken_isNotSharedBlindly: a credential that the request for a token does
// not hold could not tell two accounts apart.
func TestCustomToken_isNotSharedBlindly(t *testing.T) {
	login := to(t, "http://127.0.0.1:1", "POST", "/login", &Digest{Username: lit("ada"), Password: lit("not-a-password")})
	if _, by, err := (&CustomToken{Request: login}).apply(nil, nil, nil); err == nil || by != nil {
		t.Errorf("%v, %v", by, err)
	}
}
