package sandbox

import (
	"context"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/fairlead/fairlead/internal/value"
)

// login is POST /v1/account/login. The Authorization header and seon-fp have no
// say in it.
func (s *Sandbox) login(r *http.Request) answer {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	if err != nil {
		return invalidArgument(fieldError{"body", "cannot be read"})
	}
	if len(body) > maxBody {
		return tooLarge()
	}
	given, wrong := parseCredentials(body)
	if len(wrong) > 0 {
		return invalidArgument(wrong...)
	}

	who := s.account(given.email)
	if a, refused := refusal(who.fault); refused {
		return a
	}
	if who.fault == slow && !pause(r.Context(), s.cfg.Latency) {
		return answer{drop: true}
	}
	if !who.opensWith(given.password) {
		return unauthenticated("the e-mail address or the password is wrong")
	}
	if given.organization != "" && given.organization != who.OrganizationID {
		return forbidden("the account is not a member of this organization")
	}
	until := s.expiry()
	if who.fault == expired {
		until = s.cfg.Clock().Add(-time.Minute)
	}
	reply := loginReply{Token: s.issue(who.userID, who.OrganizationID, until)}
	if who.fault == huge {
		reply.Padding = strings.Repeat("0123456789abcdef", 1<<16)
	}
	return jsonAnswer(http.StatusOK, reply)
}

// loginMethod is GET /v1/account/login_method?email=…. It needs no credential,
// since it is asked before there is one. An address that nobody has is KOYEB, the
// default of the published schema, which also keeps quiet about who has an
// account.
func (s *Sandbox) loginMethod(r *http.Request) answer {
	email := r.URL.Query().Get("email")
	if email == "" {
		return invalidArgument(fieldError{"email", "is required"})
	}
	method := "KOYEB"
	if s.account(email).fault == workOS {
		method = "WORKOS"
	}
	return jsonAnswer(http.StatusOK, methodReply{method})
}

// refusal is the answer of accounts that refuse every password.
func refusal(f fault) (a answer, refused bool) {
	const personal = "; use a personal API token, made in the control panel"
	switch f {
	case unavailable:
		return failure(http.StatusServiceUnavailable, "api_error", "the service is unavailable"), true
	case dropped:
		return answer{drop: true}, true
	case rateLimited:
		return tooManyRequests(), true
	case html:
		return page(), true
	case malformed:
		return answer{status: http.StatusOK, contentType: jsonType, body: []byte(`{"token":{"id":"ey`)}, true
	case empty:
		return answer{status: http.StatusOK, contentType: jsonType}, true
	case workOS:
		return unauthenticated("this account logs in through WorkOS (SSO), not with a password" + personal), true
	case mfa:
		return unauthenticated("this account has multi-factor authentication, a password alone cannot log in" +
			personal), true
	case passkey:
		return unauthenticated("this account logs in with a passkey, not with a password" + personal), true
	default:
		return answer{}, false
	}
}

// pause waits; it reports false when ctx ended first.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

type credentials struct{ email, password, organization string }

// parseCredentials reads the body of a login, and says of every member at once
// what is wrong with it. As in protobuf's JSON, null is as good as nothing and a
// name may be written in lowerCamelCase. No description holds a value.
func parseCredentials(body []byte) (c credentials, wrong []fieldError) {
	v, err := value.Parse(body)
	if err != nil {
		return c, []fieldError{{"body", "must be valid JSON"}}
	}
	if v.Kind() != value.Object {
		return c, []fieldError{{"body", "must be an object, not " + article(v.Kind())}}
	}
	ill := map[string]bool{}
	for i := range v.Len() {
		name, target := v.Name(i), (*string)(nil)
		switch name {
		case "email":
			target = &c.email
		case "password":
			target = &c.password
		case "organization_id", "organizationId":
			target = &c.organization
		}
		switch item := v.At(i); {
		case target == nil:
			wrong = append(wrong, fieldError{name, "is not known; a login has email, password and organization_id"})
		case item.Kind() == value.String:
			*target = item.Text()
		case item.Kind() != value.Null:
			ill[name] = true
			wrong = append(wrong, fieldError{name, "must be a string, not " + article(item.Kind())})
		}
	}
	if c.email == "" && !ill["email"] {
		wrong = append(wrong, fieldError{"email", "is required"})
	}
	if c.password == "" && !ill["password"] {
		wrong = append(wrong, fieldError{"password", "is required"})
	}
	return c, wrong
}

func article(k value.Kind) string {
	switch k {
	case value.Null:
		return "null"
	case value.Array, value.Object:
		return "an " + k.String()
	default:
		return "a " + k.String()
	}
}
