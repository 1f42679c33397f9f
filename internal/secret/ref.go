package secret

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strconv"
)

// MissingError reports that a variable has no value where it should come from.
// It carries no value, and tells what to do.
type MissingError struct {
	Name   string // the variable's name in the document
	Source string // the place, as a noun: `the environment variable X`, `the key "x" of vault://secret/app`
	Detail string // what is known beyond that, or ""
	NoFile bool   // there is not even the file
	// NotGranted is the flag that would grant the value to the document; "" where
	// nobody keeps it from it.
	NotGranted string
}

// Error names the variable, its source, and what to do.
func (e *MissingError) Error() string {
	if e.NotGranted != "" {
		return fmt.Sprintf("secret %s is not granted to the document: start with %s", e.Name, e.NotGranted)
	}
	text := fmt.Sprintf("secret %s has no value: set %s", e.Name, e.Source)
	if e.Detail != "" {
		text += " (" + e.Detail + ")"
	}
	return text
}

// explain says whose value err kept from being had.
func (r Ref) explain(err error) error {
	if missing, ok := errors.AsType[*MissingError](err); ok {
		return &MissingError{Name: r.name(), Source: r.source(), Detail: missing.Detail, NoFile: missing.NoFile}
	}
	return fmt.Errorf("fetch secret %s from %s: %w", r.name(), r.source(), err)
}

// IsFile reports whether the value stands in a file.
func (r Ref) IsFile() bool {
	_, scheme, err := parseLocation(r.Location)
	return err == nil && scheme == fileScheme
}

func (r Ref) name() string {
	if r.Name == "" {
		return r.Key
	}
	return r.Name
}

// source describes the place. Of a location it shows no more than scheme, host
// and path: user, query and fragment may hold credentials.
func (r Ref) source() string {
	location, scheme, err := parseLocation(r.Location)
	switch {
	case err != nil:
		return fmt.Sprintf("the key %q of its location", r.Key)
	case scheme == envScheme:
		return "the environment variable " + r.Key
	case scheme == githubScheme:
		return "the environment variable " + r.Key + ", from the GitHub secret in the workflow's env"
	}
	return fmt.Sprintf("the key %q of %s", r.Key, locationText(location))
}

func locationText(u *url.URL) string {
	text := u.Opaque + u.Host + u.Path
	switch {
	case u.Scheme == "":
	case u.Opaque != "":
		text = u.Scheme + ":" + text
	default:
		text = u.Scheme + "://" + text
	}
	if quoted := strconv.Quote(text); quoted != `"`+text+`"` {
		return quoted
	}
	return text
}

// A scheme has two letters at least, so that C:\secrets.env is a path.
var schemePattern = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9+.-]+:`)

// parseLocation returns the location (nil for the environment) and the scheme
// of its provider. What has no scheme is a file's path, taken as it is written.
func parseLocation(text string) (location *url.URL, scheme string, err error) {
	if text == "" {
		return nil, envScheme, nil
	}
	if !schemePattern.MatchString(text) {
		return &url.URL{Path: text}, fileScheme, nil
	}
	location, err = url.Parse(text)
	if err != nil {
		return nil, "", errors.New("the location is not a URL") // the cause quotes it, and it may hold a password
	}
	return location, location.Scheme, nil
}
