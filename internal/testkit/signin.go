package testkit

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/fairlead/fairlead/internal/compile"
	"github.com/fairlead/fairlead/internal/engine"
	"github.com/fairlead/fairlead/internal/host"
	"github.com/fairlead/fairlead/internal/plan"
	"github.com/fairlead/fairlead/internal/session"
	"github.com/fairlead/fairlead/internal/upstream"
	"github.com/fairlead/fairlead/internal/value"
)

// SignsIn serves a document and signs a person in at each API that has a session, at a
// stand-in that answers a token where the document says that it stands; then it calls
// the API and looks for the token where the document says that it goes. It returns the
// namespaces of the APIs for which both came true, and reports what did not.
func SignsIn(t testing.TB, src host.Source) (proved []string) {
	t.Helper()
	stand := &standIn{}
	up := NewUpstream(t, stand.ServeHTTP)
	s := ServeSource(t, src, Options{Upstream: up.URL, Env: bound(src)})
	for _, one := range s.Document.Plan.Sessions {
		typed := map[string]string{}
		for i, f := range one.Fields {
			typed[f.Name] = "typed-" + string(rune('a'+i)) + "-1234"
		}
		stand.answer(one.Answer.Token[0])
		made, failure := s.Engine.SignIn(t.Context(), one, typed, "")
		asked := up.Requests()
		stand.answer(plan.AnswerPart{})
		if failure != nil {
			t.Errorf("%s: signing in at %s: %v", src.Name, one.Namespace, failure)
			continue
		}
		if len(asked) != 1 || made.Token.Reveal() != standInToken {
			t.Errorf("%s: signing in at %s took %d requests and gave the token “%s”", src.Name, one.Namespace, len(asked),
				made.Token.Reveal())
			continue
		}
		for _, f := range one.Fields {
			if f.Required && !holdsText(asked[0], typed[f.Name]) {
				t.Errorf("%s: %s does not get the %s: %s", src.Name, one.Namespace, f.Name, asked[0].Text())
			}
		}
		key, failure := s.Engine.SessionKey(t.Context(), one, session.Local())
		if failure != nil {
			t.Errorf("%s: %v", src.Name, failure)
			continue
		}
		if err := s.Vault.Put(t.Context(), key, made); err != nil {
			t.Fatal(err)
		}
		u := callsIn(s.Document.Plan, one)
		if u == nil {
			t.Logf("%s: nothing of %s is served but its session", src.Name, one.Namespace)
			proved = append(proved, one.Namespace)
			continue
		}
		result, failure := s.Engine.Invoke(t.Context(), u, engine.Args{Values: Samples(u), Principal: session.Local()})
		if failure != nil {
			t.Errorf("%s: %s: %v", src.Name, u.ID, failure)
			continue
		}
		result.Close()
		if got := up.Requests(); len(got) != 1 || !carries(got[0], one.Send) {
			t.Errorf("%s: %s is not sent with the token: %v", src.Name, u.ID, got)
			continue
		}
		proved = append(proved, one.Namespace)
	}
	return proved
}

// bound gives each variable that a document binds a value.
func bound(src host.Source) map[string]string {
	env := map[string]string{}
	if d := host.Compile(src, compile.Options{}); d.Model != nil {
		for _, b := range d.Model.Binds {
			for _, key := range b.Keys {
				env[key.Source] = "value-of-" + key.Name
			}
		}
	}
	return env
}

// Samples are values for all inputs of a unit, by index.
func Samples(u *plan.Unit) []value.Value {
	values := make([]value.Value, len(u.Inputs))
	for i, in := range u.Inputs {
		if in.Place != plan.InPlan {
			values[i] = engine.Sample(in.Name, in.Schema)
		}
	}
	return values
}

// callsIn is a unit that is one call in a session, and no part of it.
func callsIn(p *plan.Plan, s *plan.Session) *plan.Unit {
	for _, server := range p.Servers {
		units := slices.Clone(server.Tools)
		for _, r := range server.Routes {
			if r.Forward == nil {
				units = append(units, r.Unit)
			}
		}
		for _, u := range units {
			if len(u.Steps) == 1 && u.Role == plan.NoRole && u.Steps[0].Call != nil && u.Steps[0].Call.Session == s {
				return u
			}
		}
	}
	return nil
}

const standInToken = "stand-in-token-5678"

// standIn is an API that answers a token where it is told to.
type standIn struct {
	mu   sync.Mutex
	part plan.AnswerPart
}

func (s *standIn) answer(part plan.AnswerPart) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.part = part
}

func (s *standIn) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	s.mu.Lock()
	part := s.part
	s.mu.Unlock()
	body := value.Map(value.Member{Name: "ok", Value: value.Boolean(true)})
	switch {
	case part.Header != "":
		w.Header().Set(part.Header, standInToken)
	case part.Cookie != "":
		w.Header().Set("Set-Cookie", part.Cookie+"="+standInToken+"; Path=/; HttpOnly")
	case part.Path != nil:
		steps, _ := part.Path.Segments()
		body = value.Of(standInToken)
		for _, step := range slices.Backward(steps) {
			if step.IsIndex {
				body = value.List(body)
			} else {
				body = value.Map(value.Member{Name: step.Name, Value: body})
			}
		}
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(body.AppendJSON(nil))
}

// holdsText reports whether a text stands anywhere in a request.
func holdsText(r Request, text string) bool {
	header := false
	for _, values := range r.Header {
		header = header || slices.ContainsFunc(values, func(v string) bool { return strings.Contains(v, text) })
	}
	return header || strings.Contains(r.URI, text) || strings.Contains(string(r.Body), text)
}

// carries reports whether the token stands where it is sent.
func carries(r Request, c upstream.Carrier) bool {
	u, err := url.ParseRequestURI(r.URI)
	switch {
	case err != nil:
		return false
	case c.Name == "":
		return r.Header.Get("Authorization") == "Bearer "+standInToken
	case c.Place == upstream.InHeader:
		return r.Header.Get(c.Name) == c.Prefix+standInToken
	case c.Place == upstream.InCookie:
		cookie, err := (&http.Request{Header: r.Header}).Cookie(c.Name)
		return err == nil && cookie.Value == standInToken
	}
	return u.Query().Get(c.Name) == standInToken
}
