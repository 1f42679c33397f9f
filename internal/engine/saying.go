package engine

import "github.com/fairlead/fairlead/internal/value"

// messageMembers are the members in which APIs put words, the best first: those that many
// use, of RFC 9457, RFC 6749, JSON:API, FastAPI, AWS, SOAP, and those of single
// vendors (Okta, Jira, Dropbox, TMDB, Google, ASP.NET and others).
var messageMembers = []string{
	"message", "Message", "error_description", "errorMessage", "ErrorMessage", "error_message", "errorSummary",
	"error_summary", "errorMessages", "userMessage",
	"detail", "faultstring", "Reason", "title", "msg", "messages", "reason", "description", "errorDescription",
	"status_message", "statusMessage", "responseMessage",
	"ExceptionMessage", "exceptionMessage", "error_text", "errorText", "developerMessage", "Text",
}

// containers are the members that hold those, best first.
var containers = []string{"error", "Error", "errors", "Errors", "fault", "Fault", "Body", "detail", "details",
	"Detail", "errorCauses", "messages", "Envelope", "response"}

// fields are containers that may name the input that each message is of.
var fields = []string{"errors", "Errors", "fieldErrors", "field_errors"}

// errorMessage finds the words of an error in v, at most so many levels down.
func errorMessage(v value.Value, levels int) string {
	switch {
	case v.Kind() == value.Array && v.Len() > 0:
		if v.At(0).Kind() == value.String {
			return v.At(0).Text()
		}
		return errorMessage(v.At(0), levels-1)
	case v.Kind() != value.Object || levels < 0:
		return ""
	}
	for _, name := range messageMembers {
		if text := words(v.Get(name)); text != "" {
			return text
		}
	}
	for _, name := range containers {
		switch m := v.Get(name); m.Kind() {
		case value.String:
			if m.Text() != "" {
				return m.Text()
			}
		case value.Object, value.Array:
			if text := errorMessage(m, levels-1); text != "" {
				return text
			}
		}
	}
	for _, name := range fields {
		if m := v.Get(name); m.Kind() == value.Object {
			for i := range m.Len() {
				if text := words(m.At(i)); text != "" {
					return m.Name(i) + ": " + text
				}
			}
		}
	}
	return ""
}

// words is a text, or the first of a list of texts.
func words(v value.Value) string {
	if v.Kind() == value.Array && v.Len() > 0 {
		v = v.At(0)
	}
	if v.Kind() == value.String {
		return v.Text()
	}
	return ""
}
