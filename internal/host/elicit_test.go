package host_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/fairlead/fairlead/internal/testkit"
)

// agent calls list-orders as a client of one revision, with what it declares.
type agent struct {
	*testing.T
	s      *testkit.Served
	modern bool
	header []string
	abled  string // its capabilities
}

func (a agent) call(more string) string {
	a.Helper()
	header := append([]string{"Content-Type", "application/json", "Accept", "application/json, text/event-stream"},
		a.header...)
	if a.modern {
		more += `,"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"agent","version":"1"},"io.modelcontextprotocol/clientCapabilities":` + a.abled + `}`
		header = append(header, "MCP-Protocol-Version", "2026-07-28", "Mcp-Method", "tools/call", "Mcp-Name",
			"list-orders")
	}
	_, _, body := testkit.Do(a.T, "POST", a.s.MCP, `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"list-orders","arguments":{}`+more+`}}`, header...)
	return body
}

// agentOf is a client with capabilities; of 2025-11-25 it initializes first.
func agentOf(t *testing.T, s *testkit.Served, modern bool, capabilities string) agent {
	t.Helper()
	a := agent{T: t, s: s, modern: modern, header: ada, abled: capabilities}
	if !modern {
		_, header, body := testkit.Do(t, "POST", s.MCP, `{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","clientInfo":{"name":"agent","version":"1"},"capabilities":`+capabilities+`}}`, append(mcpHeader[:4:4], ada...)...)
		if !strings.Contains(body, "2025-11-25") {
			t.Fatal(body)
		}
		a.header = append(ada[:2:2], "MCP-Protocol-Version", "2025-11-25", "Mcp-Session-Id",
			header.Get("Mcp-Session-Id"))
	}
	return a
}

var stateOf = regexp.MustCompile(`"requestState":"([^"]+)"`)

// TestElicitation_ofPages: how a caller is led to the page, by what its client declares
// (credentials.md §9, vectors 1 to 6 and 9).
func TestElicitation_ofPages(t *testing.T) {
	api := newAccount(t)
	s := testkit.Serve(t, shop(basicAuth), testkit.Options{Upstream: api.URL})
	says := func(name, body string, there, absent []string) (page string) {
		t.Helper()
		for _, part := range append(there, "/connect/") {
			if !strings.Contains(body, part) {
				t.Errorf("%s: no %s in %s", name, part, body)
			}
		}
		for _, part := range append(absent, "ada", "s3cret", "grace") {
			if strings.Contains(body, part) {
				t.Errorf("%s: %s in %s", name, part, body)
			}
		}
		return pageAddress.FindString(body)
	}
	const url, form = `{"elicitation":{"form":{},"url":{}}}`, `{"elicitation":{}}`
	old, deaf := agentOf(t, s, false, url), agentOf(t, s, false, form)
	first := says("vector 1", old.call(""), []string{`"code":-32042`, `"elicitations":[{"mode":"url","elicitationId":"`, `"url":"http://127.0.0.1:`}, []string{"isError"})
	says("vector 2", deaf.call(""), []string{`"isError":true`}, []string{"-32042", "elicitationId"})
	modern := agentOf(t, s, true, url)
	asked := modern.call("")
	page := says("vector 3", asked, []string{`"resultType":"input_required"`, `"method":"elicitation/create","params":{"mode":"url","url":"`, `"requestState":"`}, []string{"elicitationId", "isError", "-32042"})
	says("vector 4", agentOf(t, s, true, `{}`).call(""), []string{`"isError":true`}, []string{"input_required", "-32042"})
	if first != page {
		t.Errorf("one caller is led to %s and %s", first, page)
	}
	state := stateOf.FindStringSubmatch(asked)
	if state == nil || strings.Contains(page, state[1]) {
		t.Fatalf("the state is %q", state)
	}
	respond := func(action, state string) string {
		return modern.call(`,"inputResponses":{"signin":{"action":"` + action + `"}},"requestState":"` + state + `"`)
	}
	if again := says("vector 5", respond("accept", state[1]), []string{`"input_required"`}, nil); again != page {
		t.Errorf("vector 5: before the page is done it leads to %s, not to %s", again, page)
	}
	if again := says("a forged no", respond("decline", "x"+state[1]), []string{`"input_required"`}, nil); again != page {
		t.Errorf("a forged no ends the page: %s", again)
	}
	if body := respond("decline", state[1]); !strings.Contains(body, `"isError":true`) || strings.Contains(body, "/connect/") {
		t.Errorf("vector 6: %s", body)
	}
	if status := newBrowser(t, ada...).status(page); status != 404 || len(api.Requests()) > 0 {
		t.Errorf("vector 6: after a no the page answers %d, %d requests were sent", status, len(api.Requests()))
	}
	page = pageAddress.FindString(modern.call(""))
	b := newBrowser(t, ada...)
	for i, want := range []int{200, 404} {
		if status, body := b.post(page, "user", "grace", "password", "ecarg"); status != want {
			t.Errorf("vector 9: form %d: %d %s", i, status, body)
		}
	}
	if len(api.tokens) != 1 {
		t.Errorf("vector 9: the shop gave %d tokens", len(api.tokens))
	}
	if body := modern.call(""); !strings.Contains(body, `\"orders_of\":\"grace\"`) {
		t.Errorf("then: %s", body)
	}
}

func (b *browser) status(address string) int {
	b.Helper()
	status, _, _ := b.get(address)
	return status
}

// TestPages_aThousandAreAskedFor: callers cannot fill the store with pages, nor keep
// others from theirs; and what one of them is sent to says nothing of another's.
func TestPages_aThousandAreAskedFor(t *testing.T) {
	api := newAccount(t)
	s, person, caller := shopBehind(t, api)
	alice := caller("alice")
	pages := map[string]bool{}
	for i := range 1000 {
		_, page, said := ordersOf(t, s, append(alice[:2:2], "User-Agent", fmt.Sprint("agent ", i))...)
		if page == "" {
			t.Fatalf("call %d: %s", i, said)
		}
		pages[page] = true
	}
	if len(pages) != 1 {
		t.Errorf("1000 calls made %d pages", len(pages))
	}
	_, page, said := ordersOf(t, s, caller("bob")...)
	if page == "" || pages[page] {
		t.Errorf("then bob is led to %q: %s", page, said)
	}
	if status := person("bob").status(page); status != 200 {
		t.Errorf("the page of bob: %d", status)
	}
	if status := person("bob").status(strings.TrimSuffix(s.MCP, "/mcp") + "/connect/" +
		strings.Repeat("A", 26)); status != 404 {
		t.Errorf("a handle that nobody made: %d", status)
	}
}

// vectors are the tests that hold credentials.md §9, by number.
var vectors = map[int]string{
	1: "host.TestElicitation_ofPages", 2: "host.TestElicitation_ofPages", 3: "host.TestElicitation_ofPages",
	4: "host.TestElicitation_ofPages", 5: "host.TestElicitation_ofPages", 6: "host.TestElicitation_ofPages",
	7: "host.TestSessions_peopleDoNotMeet", 8: "host.TestLogin_isOfThisBrowser", 9: "host.TestElicitation_ofPages",
	10: "adapter/connect.TestPage_isForItsPersonAlone", 11: "adapter/connect.TestPage_isForItsPersonAlone",
	12: "oauth.TestCheck_believesOnlyTheServerThatWasAsked", 13: "host.TestOAuth_onlyWhoLeftComesBack",
	14: "session.TestSealer_readsNothingThatWasMovedOrChanged", 15: "session.TestSealer_changesKeys",
	16: "session.TestVault_processesRenewOnce", 17: "host.TestOAuth_whatTheVendorRefusesToRenewIsForgotten",
	18: "host.TestCanary_noCredentialComesBack", 19: "host.TestOAuth_keepsTheCallersTokenHere",
	20: "host.TestConnect_isNotForEverybody", 21: "host.TestOAuth_machinesAreTold",
	22: "host.TestOAuth_pairwiseSubjects",
	23: "host.TestSession_tokensStandAndTravelWhereTheDocumentSays",
	24: "testkit/corpus.TestTokens_ofPublishedDocumentsAreAcquiredAndRenewed",
}

// TestVectors_areHeld: each has a test that is there.
func TestVectors_areHeld(t *testing.T) {
	for n := 1; n <= 24; n++ {
		folder, test, _ := strings.Cut(vectors[n], ".")
		files, err := filepath.Glob(filepath.Join("..", folder, "*_test.go"))
		if err != nil {
			t.Fatal(err)
		}
		held := false
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			held = held || strings.Contains(string(text), "func "+test+"(t *testing.T)")
		}
		if !held {
			t.Errorf("vector %d: there is no %s in internal/%s", n, test, folder)
		}
	}
}
