package guard

import (
	"encoding/base64"
	"strings"
	"testing"
	"time"
)

const bearerWrong = `Bearer realm="fairlead", error="invalid_token", error_description="The token is not the one that is expected."`

func TestBearer(t *testing.T) {
	for name, c := range map[string]struct {
		lines     []string
		status    int
		challenge string
	}{
		"the token":             {[]string{"Bearer 1|s3cret"}, 200, ""},
		"scheme in capitals":    {[]string{"BEARER  1|s3cret "}, 200, ""},
		"none":                  {nil, 401, `Bearer realm="fairlead"`},
		"another scheme":        {[]string{"Basic 1|s3cret"}, 401, `Bearer realm="fairlead"`},
		"scheme that is longer": {[]string{"Bearer1|s3cret"}, 401, `Bearer realm="fairlead"`},
		"no scheme":             {[]string{"1|s3cret"}, 401, `Bearer realm="fairlead"`},
		"another token":         {[]string{"Bearer 1|s3crex"}, 401, bearerWrong},
		"a part of the token":   {[]string{"Bearer 1|s3cre"}, 401, bearerWrong},
		"two tokens in a line":  {[]string{"Bearer 1|s3cret, Bearer x"}, 401, bearerWrong},
		"two headers":           {[]string{"Bearer 1|s3cret", "Bearer 1|s3cret"}, 400, `Bearer realm="fairlead", error="invalid_request", error_description="The request has several Authorization headers; send one."`},
	} {
		p := newPlace(t, Config{Kind: "bearer", Value: fields{"token": "1|s3cret"}.value})
		var header []string
		for _, line := range c.lines {
			header = append(header, "Authorization", line)
		}
		w := p.get("/?access_token=1|s3cret", header...)
		if w.Code != c.status || w.Header().Get("WWW-Authenticate") != c.challenge {
			t.Errorf("%s: %d %s", name, w.Code, w.Header().Get("WWW-Authenticate"))
		}
	}
}

func TestBearer_onMCPRefusesATokenInTheURLToo(t *testing.T) {
	p := newPlace(t, Config{Kind: "bearer", MCP: true, Value: fields{"token": "t"}.value})
	for target, want := range map[string]int{"/mcp?access_token=t": 400, "/mcp?tags=a": 200,
		"/mcp?access_tokens=t": 200} {
		if w := p.get(target, "Authorization", "Bearer t"); w.Code != want {
			t.Errorf("%s: %d", target, w.Code)
		}
	}
	if w := p.get("/mcp?access_token=t"); w.Code != 401 {
		t.Errorf("in the URL only: %d", w.Code)
	}
}

func TestBearer_readsTheSecretForEachRequest(t *testing.T) {
	f := fields{"token": "old"}
	p := newPlace(t, Config{Kind: "bearer", Value: f.value})
	if w := p.token("old"); w.Code != 200 {
		t.Error(w.Code)
	}
	f["token"] = "new"
	if w := p.token("old"); w.Code != 401 {
		t.Error(w.Code)
	}
	if w := p.token("new"); w.Code != 200 {
		t.Error(w.Code)
	}
}

func TestGuard_repeatsAComplaintOnceAMinute(t *testing.T) {
	c := newClock()
	p := newPlace(t, Config{Kind: "bearer", Value: fields{"token": unset}.value, Clock: c.Now})
	for range 5 {
		p.token("x")
		c.pass(25 * time.Second)
	}
	if n := strings.Count(p.logged(), "nobody is let in"); n != 2 {
		t.Errorf("%d lines:\n%s", n, p.logged())
	}
}

func TestAPIKey(t *testing.T) {
	header, query, cookie := fields{"key": "X-Api-Key", "value": "k3y"},
		fields{"key": "key", "value": "k3y", "placement": "query"},
		fields{"key": "key", "value": "k3y", "placement": "cookie"}
	for name, c := range map[string]struct {
		fields fields
		target string
		header []string
		status int
	}{
		"header":                   {header, "/", []string{"x-api-KEY", "k3y"}, 200},
		"header, wrong":            {header, "/", []string{"X-Api-Key", "k3"}, 401},
		"header, none":             {header, "/", nil, 401},
		"header, empty":            {header, "/", []string{"X-Api-Key", ""}, 401},
		"header, twice":            {header, "/", []string{"X-Api-Key", "k3y", "X-Api-Key", "k3y"}, 400},
		"header, key in the query": {header, "/?X-Api-Key=k3y", nil, 401},
		"header named in another case": {header.with("key", "X-API-KEY", "placement", "Header"), "/",
			[]string{"X-Api-Key", "k3y"}, 200},
		"header Authorization": {header.with("key", "authorization", "value", "Token k"), "/",
			[]string{"Authorization", "Token k"}, 200},
		"query":                         {query, "/?a=1&key=k3y", nil, 200},
		"query, another case":           {query, "/?KEY=k3y", nil, 401},
		"query, wrong":                  {query, "/?key=k3yy", nil, 401},
		"query, twice":                  {query, "/?key=k3y&key=x", nil, 400},
		"query, empty":                  {query, "/?key", nil, 401},
		"query, in the header":          {query, "/", []string{"key", "k3y"}, 401},
		"cookie":                        {cookie, "/", []string{"Cookie", "a=b; key=k3y"}, 200},
		"cookie, wrong":                 {cookie, "/", []string{"Cookie", "key=x"}, 401},
		"cookie, twice":                 {cookie, "/", []string{"Cookie", "key=k3y; key=x"}, 400},
		"a placement that is not known": {cookie.with("placement", "body"), "/", []string{"key", "k3y"}, 503},
	} {
		w := newPlace(t, Config{Kind: "apikey", Value: c.fields.value}).get(c.target, c.header...)
		if w.Code != c.status {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
	w := newPlace(t, Config{Kind: "apikey", Value: header.with("key", "a\"\r\nb").value}).get("/")
	if got := w.Header().Get("WWW-Authenticate"); got != `ApiKey realm="fairlead", in="header", name="a\"b"` {
		t.Error(got)
	}
}

func TestBasic(t *testing.T) {
	encode := func(text string) string { return "Basic " + base64.StdEncoding.EncodeToString([]byte(text)) }
	for name, c := range map[string]struct {
		line   string
		status int
	}{
		"right":                {encode("zoë:a:b"), 200},
		"right, no padding":    {strings.TrimRight(encode("zoë:a:b"), "="), 200},
		"scheme in lower case": {"basic " + encode("zoë:a:b")[6:], 200},
		"wrong password":       {encode("zoë:a"), 401},
		"wrong user":           {encode("zoe:a:b"), 401},
		"empty":                {encode(":"), 401},
		"another scheme":       {"Bearer x", 401},
		"no colon":             {encode("zoë"), 400},
		"no base64":            {"Basic zoë:a:b", 400},
	} {
		p := newPlace(t, Config{Kind: "basic", Value: fields{"username": "zoë", "password": "a:b"}.value})
		w := p.get("/", "Authorization", c.line)
		if w.Code != c.status {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
		if got := w.Header().Get("WWW-Authenticate"); (got == `Basic realm="fairlead", charset="UTF-8"`) != (c.status == 401) {
			t.Errorf("%s: %s", name, got)
		}
		if c.status == 200 {
			if id, _ := From(p.seen.Context()); id.Subject != "zoë" {
				t.Errorf("%s: %v", name, id)
			}
		}
	}
}
