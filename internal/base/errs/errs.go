// Package errs holds the one error type of Stoa: a kind for the machine, a sentence for the person and a cause for the log.
//
// A slice returns an *Error for everything a person can mend. Any other error is taken as Internal: it is logged whole and shown as a
// plain apology. Status codes appear in platform/httpx and nowhere else.
package errs

import (
	"errors"
	"fmt"
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

// Field is one wrong input: Path names it as the client sent it ("lines[2].qty"), Message says what would be right.
type Field struct {
	Path    string `json:"path"`
	Message string `json:"message"`
}

// Error is an error that may be shown to the person who caused it.
type Error struct {
	Kind    Kind
	Code    string // a stable word for programs ("sold_out"); empty where Kind says enough
	Message string // a sentence for the person
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
	return &Error{Kind: k, Message: fmt.Sprintf(format, args...)}
}

// InvalidField returns an Invalid error about one field.
func InvalidField(path, format string, args ...any) *Error {
	msg := fmt.Sprintf(format, args...)
	return &Error{Kind: Invalid, Message: msg, Fields: []Field{{Path: path, Message: msg}}}
}

// InvalidFields returns an Invalid error about several fields, or nil when there are none.
func InvalidFields(fields []Field) error {
	switch len(fields) {
	case 0:
		return nil
	case 1:
		return &Error{Kind: Invalid, Message: fields[0].Message, Fields: fields}
	}
	return &Error{Kind: Invalid, Message: fmt.Sprintf("%d fields need another look.", len(fields)), Fields: fields}
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
