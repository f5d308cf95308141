// Package errs holds the one error type of Stoa: a kind for the machine, a sentence for the person and a cause for the log.
//
// A slice returns an *Error for everything a person can mend. Any other error is taken as Internal: it is logged whole and shown as a
// plain apology. Status codes appear in platform/httpx and nowhere else.
package errs

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Kind tells the machine what went wrong. The zero Kind is Internal.
type Kind int

// The kinds, each with the HTTP status that platform/httpx gives it.
const (
	Internal        Kind = iota // 500
	Invalid                     // 422
	Unauthenticated             // 401
	Forbidden                   // 403
	NotFound                    // 404; also another person's thing
	Conflict                    // 409
	TooMany                     // 429
	Unavailable                 // 503
	TooLarge                    // 413
)

// String returns the kind's name as problem documents and logs show it.
func (k Kind) String() string {
	names := [...]string{"internal", "invalid", "unauthenticated", "forbidden", "not_found", "conflict", "too_many", "unavailable", "too_large"}
	if int(k) < len(names) {
		return names[k]
	}
	return "internal"
}

// Field is one wrong input: Path names it as the client sent it ("lines[2].qty"), Message says what would be right. Format and Args are
// what Message was made of, where it has values in it, so that it can be said in another language: see FieldOf.
type Field struct {
	Path    string `json:"path"`
	Message string `json:"message"`
	Format  string `json:"-"`
	Args    []any  `json:"-"`
}

// FieldOf returns a Field with a formatted sentence.
func FieldOf(path, format string, args ...any) Field {
	msg, format, args := sentence(format, args)
	return Field{Path: path, Message: msg, Format: format, Args: args}
}

// sentence puts the values into a sentence; format and args are kept where it has values.
func sentence(format string, args []any) (string, string, []any) {
	if len(args) == 0 {
		return strings.ReplaceAll(format, "%%", "%"), "", nil
	}
	return fmt.Sprintf(format, args...), format, args
}

// Error is an error that may be shown to the person who caused it.
type Error struct {
	Kind    Kind
	Code    string // a stable word for programs ("sold_out"); empty where Kind says enough
	Message string // a sentence for the person
	Format  string // what Message was made of, where it has values in it, so that it can be said in another language
	Args    []any
	Fields  []Field
	Retry   time.Duration // when to try again; zero: not said
	Cause   error         // for the log only
}

// Error returns the sentence, with the cause behind it for the log.
func (e *Error) Error() string {
	if e.Cause != nil {
		return e.Message + ": " + e.Cause.Error()
	}
	return e.Message
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Cause }

// WithCode returns a copy of e with the stable code set.
func (e *Error) WithCode(code string) *Error {
	c := *e
	c.Code = code
	return &c
}

// WithCause returns a copy of e with the cause set.
func (e *Error) WithCause(err error) *Error {
	c := *e
	c.Cause = err
	return &c
}

// WithRetry returns a copy of e that tells the client to wait d before trying again.
func (e *Error) WithRetry(d time.Duration) *Error {
	c := *e
	c.Retry = d
	return &c
}

// New returns an error of kind k with a formatted sentence.
func New(k Kind, format string, args ...any) *Error {
	msg, format, args := sentence(format, args)
	return &Error{Kind: k, Message: msg, Format: format, Args: args}
}

// InvalidField returns an Invalid error about one field.
func InvalidField(path, format string, args ...any) *Error {
	return ofField([]Field{FieldOf(path, format, args...)})
}

// InvalidFields returns an Invalid error about several fields, or nil when there are none.
func InvalidFields(fields []Field) error {
	switch len(fields) {
	case 0:
		return nil
	case 1:
		return ofField(fields)
	}
	e := New(Invalid, "%d fields need another look.", len(fields))
	e.Fields = fields
	return e
}

// ofField returns the error that says what its first field says.
func ofField(fields []Field) *Error {
	f := fields[0]
	return &Error{Kind: Invalid, Message: f.Message, Format: f.Format, Args: f.Args, Fields: fields}
}

// As returns the first *Error in the chain of err, or nil.
func As(err error) *Error {
	e, _ := errors.AsType[*Error](err)
	return e
}

// KindOf returns the kind of err: that of the first *Error in its chain, else Internal.
func KindOf(err error) Kind {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	return Internal
}

// Is reports whether err is of kind k.
func Is(err error, k Kind) bool { return err != nil && KindOf(err) == k }

// CodeOf returns the stable code of err, or "".
func CodeOf(err error) string {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	return ""
}
