package secrets

import (
	"fmt"
	"io"
	"log/slog"
)

// Secret is a string that no log shows: it prints as [redacted] with every verb, in slog and in JSON. Convert it to string to use it.
type Secret string

const redacted = "[redacted]"

// LogValue hides the value in slog.
func (Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// String hides the value in fmt.
func (Secret) String() string { return redacted }

// Format hides the value from every verb of fmt, %#v and %x included.
func (Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// MarshalText hides the value in JSON.
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }
