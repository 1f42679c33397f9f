// Package secret keeps credentials from being printed. A String shows as ***
// wherever Go prints, logs or marshals; only Reveal gives the text.
package secret

import "log/slog"

// Mask is what a secret prints as.
const Mask = "***"

// String is a text that never prints.
type String struct{ text string }

// New hides text.
func New(text string) String { return String{text} }

// Reveal returns the text. Call it where the text leaves for its addressee, nowhere else.
func (s String) Reveal() string { return s.text }

// IsEmpty reports whether there is no text.
func (s String) IsEmpty() bool { return s.text == "" }

// String returns the mask.
func (String) String() string { return Mask }

// GoString returns the mask.
func (String) GoString() string { return Mask }

// MarshalText returns the mask.
func (String) MarshalText() ([]byte, error) { return []byte(Mask), nil }

// LogValue returns the mask.
func (String) LogValue() slog.Value { return slog.StringValue(Mask) }
