// Package secret keeps credentials from being printed. A String shows as ***
// wherever Go prints, logs or marshals; only Reveal gives the text.
package secret

import (
	"fmt"
	"io"
	"log/slog"
	"unique"
)

// Mask is what a secret prints as.
const Mask = "***"

// Kept stands in answers for models in the place of what the document declares secret.
const Kept = "[secret, kept by Fairlead]"

// String is a text that never prints: not under any verb of fmt, and, because
// fmt calls no methods on fields that are not exported, not from inside another
// struct either, where only the address of its handle is seen. Equal texts are
// equal Strings.
type String struct{ handle unique.Handle[string] }

// New hides text.
func New(text string) String {
	if text == "" {
		return String{}
	}
	return String{unique.Make(text)}
}

// Reveal returns the text. Call it where the text leaves for its addressee, nowhere else.
func (s String) Reveal() string {
	if s.IsEmpty() {
		return ""
	}
	return s.handle.Value()
}

// IsEmpty reports whether there is no text.
func (s String) IsEmpty() bool { return s == String{} }

// String returns the mask.
func (String) String() string { return Mask }

// Format writes the mask for every verb.
func (String) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, Mask) }

// MarshalText returns the mask.
func (String) MarshalText() ([]byte, error) { return []byte(Mask), nil }

// LogValue returns the mask.
func (String) LogValue() slog.Value { return slog.StringValue(Mask) }
