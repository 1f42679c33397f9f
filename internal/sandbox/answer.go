package sandbox

import (
	"encoding/json"
	"fmt"
	"net/http"
)

const jsonType = "application/json"

// answer is what goes back to the caller; drop means that nothing does.
type answer struct {
	status      int
	contentType string
	body        []byte
	drop        bool
}

// The replies of the published description.
type (
	loginReply struct {
		Token   tokenReply `json:"token"`
		Padding string     `json:"padding,omitempty"` // ours: what makes the huge answer huge
	}
	tokenReply struct {
		ID             string `json:"id"`
		UserID         string `json:"user_id"`
		OrganizationID string `json:"organization_id"`
		ExpiresAt      string `json:"expires_at"` // RFC 3339, UTC
	}
	methodReply struct {
		Method string `json:"method"`
	}
)

// apiError is Koyeb's Error and, with fields, its ErrorWithFields.
type apiError struct {
	Status  int          `json:"status"`
	Code    string       `json:"code"`
	Message string       `json:"message"`
	Fields  []fieldError `json:"fields,omitempty"`
}

type fieldError struct {
	Field       string `json:"field"`
	Description string `json:"description"`
}

// rpcStatus is google.rpc.Status.
type rpcStatus struct {
	Code    int        `json:"code"`
	Message string     `json:"message"`
	Details []struct{} `json:"details"`
}

func invalidArgument(fields ...fieldError) answer {
	return jsonAnswer(http.StatusBadRequest,
		apiError{http.StatusBadRequest, "invalid_argument", "the request is not valid", fields})
}

// unauthenticated has no WWW-Authenticate beside it: Koyeb sends none.
func unauthenticated(message string) answer {
	return failure(http.StatusUnauthorized, "authentication_error", message)
}

// forbidden uses the code of Koyeb's list of codes; the example under that list
// spells it authentication_required.
func forbidden(message string) answer {
	return failure(http.StatusForbidden, "authorization_required", message)
}

func tooManyRequests() answer {
	return failure(http.StatusTooManyRequests, "rate_limit_error",
		"too many requests, wait for the seconds in x-ratelimit-reset")
}

func failure(status int, code, message string) answer {
	return jsonAnswer(status, apiError{Status: status, Code: code, Message: message})
}

func tooLarge() answer {
	const resourceExhausted = 8
	return jsonAnswer(http.StatusRequestEntityTooLarge,
		rpcStatus{resourceExhausted, fmt.Sprintf("the request body is larger than %d bytes", maxBody), []struct{}{}})
}

func methodNotAllowed() answer {
	const unimplemented = 12
	return jsonAnswer(http.StatusNotImplemented, rpcStatus{unimplemented, "Method Not Allowed", []struct{}{}})
}

// page is what the real host sends for a path it does not know: its control
// panel, whose script then looks at the path.
func page() answer {
	return answer{
		status:      http.StatusOK,
		contentType: "text/html; charset=utf-8",
		body: []byte(`<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Control panel (Fairlead sandbox)</title></head>
<body><div id="app"></div><noscript>This page needs JavaScript.</noscript></body>
</html>
`),
	}
}

func jsonAnswer(status int, v any) answer {
	body, _ := json.Marshal(v) // the types above always marshal
	return answer{status: status, contentType: jsonType, body: body}
}
