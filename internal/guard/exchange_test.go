package guard

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/fairlead/fairlead/internal/secret"
)

func TestExchange(t *testing.T) {
	s := newAuthServer(t, "")
	s.tokens["subject-token"] = s.good()
	good := ExchangeRequest{
		Endpoint: s.URL + "/token", ClientID: "engine:1", ClientSecret: secret.New("p%ss word"),
		Subject: secret.New("subject-token"), Resource: "https://crm.example", Scopes: []string{"crm:read", "crm:write"},
	}
	for name, edit := range map[string]func(*ExchangeRequest){
		"by resource": func(*ExchangeRequest) {},
		"by audience": func(x *ExchangeRequest) { x.Resource, x.Audience = "", "crm" },
	} {
		x := good
		edit(&x)
		got, err := Exchange(t.Context(), s.Client(), s.clock.Now(), x)
		if err != nil || got.Token.Reveal() != "upstream-of-ada" || strings.Join(got.Scopes, " ") != "crm:read crm:write" || !got.Expires.Equal(s.clock.Now().Add(5*time.Minute)) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	for code, edit := range map[string]func(*ExchangeRequest){
		"invalid_grant (status 400)":  func(x *ExchangeRequest) { x.Subject = secret.New("canary") },
		"invalid_target (status 400)": func(x *ExchangeRequest) { x.Resource = "https://other.example" },
		"invalid_client (status 401)": func(x *ExchangeRequest) { x.ClientSecret = secret.String{} },
		"with status 404":             func(x *ExchangeRequest) { x.Endpoint = s.URL + "/none" },
	} {
		x := good
		edit(&x)
		_, err := Exchange(t.Context(), s.Client(), s.clock.Now(), x)
		refused, ok := errors.AsType[*ExchangeError](err)
		if !ok || !strings.HasSuffix(err.Error(), code) || refused.Status/100 != 4 || strings.Contains(fmt.Sprintf("%+v", err), "canary") {
			t.Errorf("%s: %v", code, err)
		}
	}
	for want, edit := range map[string]func(*ExchangeRequest){
		"the caller has none":     func(x *ExchangeRequest) { x.Subject = secret.String{} },
		"the token endpoint is a": func(x *ExchangeRequest) { x.Endpoint = "https://u:p@h/" },
		"the token endpoint is n": func(x *ExchangeRequest) { x.Endpoint = "/token" },
	} {
		x := good
		edit(&x)
		if _, err := Exchange(t.Context(), s.Client(), s.clock.Now(), x); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}

func TestExchange_takesNoAnswerButABearerToken(t *testing.T) {
	for answer, want := range map[string]string{
		`{}`:                   "no access_token",
		`{"access_token":"a"}`: "not a bearer token",
		`{"access_token":"a","token_type":"N_A"}`:    "not a bearer token",
		`{"access_token":"s","token_type":"Bearer"}`: "the caller's own token",
		`[]`: "not a JSON object",
		`x`:  "not a JSON object",
	} {
		_, err := Exchange(t.Context(), doer(func(r *http.Request) (*http.Response, error) {
			if err := r.ParseForm(); err != nil || r.PostForm.Get("client_id") != "public" || r.Header.Get("Authorization") != "" || r.PostForm.Has("scope") {
				t.Errorf("request %v", r.PostForm)
			}
			w := httptest.NewRecorder()
			_, _ = w.WriteString(answer)
			return w.Result(), nil
		}), time.Now(), ExchangeRequest{Endpoint: "https://as.example/token", ClientID: "public", Subject: secret.New("s")})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", answer, err)
		}
	}
}
