package httpx

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/i18n"
)

// Problem is the body of every error of the REST API (RFC 9457). Code is stable for programs; Errors name each wrong input by its path.
type Problem struct {
	Type   string         `json:"type" doc:"A URI that names the kind of problem."`
	Title  string         `json:"title"`
	Status int            `json:"status"`
	Detail string         `json:"detail"`
	Code   string         `json:"code,omitempty"`
	Errors []ProblemField `json:"errors,omitempty"`
	Extra  any            `json:"quote,omitempty" doc:"The new quote, where an order was not placed because its quote changed."`
	retry  time.Duration
	cause  error
}

// ProblemField is one wrong input.
type ProblemField struct {
	Path    string `json:"path" doc:"Such as body.lines[2].qty, query.lat or header.Idempotency-Key."`
	Message string `json:"message"`
}

// Error returns the detail.
func (p *Problem) Error() string { return p.Detail }

// Unwrap returns what caused the problem, for the log.
func (p *Problem) Unwrap() error { return p.cause }

// GetStatus returns the HTTP status.
func (p *Problem) GetStatus() int { return p.Status }

// ContentType returns the media type of problem documents.
func (p *Problem) ContentType(string) string { return "application/problem+json" }

// GetHeaders returns Retry-After where the error says when to try again, and WWW-Authenticate where it is about the token.
func (p *Problem) GetHeaders() http.Header {
	h := http.Header{}
	if p.retry > 0 {
		h.Set("Retry-After", fmt.Sprint(int((p.retry+time.Second-1)/time.Second)))
	}
	challenge(h, p.Status, p.cause)
	return h
}

// With is an error that carries a document for the client beside its sentence.
type With struct {
	error
	Body any
}

// Attach returns err with a document that problem replies carry as "quote".
func Attach(err error, body any) error { return &With{error: err, Body: body} }

// Unwrap returns the error without its document.
func (w *With) Unwrap() error { return w.error }

// mastodonError is the shape of errors that Mastodon's apps read: below /api/v1 and /api/v2, and where they get their tokens.
type mastodonError struct {
	Error string `json:"error"`
}

// isMastodon reports whether a request is for the API of Mastodon's apps, or asks what the server is.
func isMastodon(r *http.Request) bool {
	switch r.URL.Path {
	case "/oauth/token", "/oauth/revoke", "/oauth/userinfo", "/api/oembed", "/.well-known/webfinger", "/.well-known/nodeinfo", "/nodeinfo/2.0", "/nodeinfo/2.1":
		return true
	}
	path := r.URL.Path + "/"
	return strings.HasPrefix(path, "/api/v1/") || strings.HasPrefix(path, "/api/v2/")
}

// StatusOf returns the HTTP status of an error: the one place where kinds become statuses.
func StatusOf(err error) int {
	if p, ok := errors.AsType[*Problem](err); ok {
		return p.Status
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return http.StatusServiceUnavailable
	}
	if errors.Is(err, context.Canceled) {
		return 499 // the client went away; nobody reads this
	}
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return http.StatusRequestEntityTooLarge
	}
	switch errs.KindOf(err) {
	case errs.Invalid:
		return http.StatusUnprocessableEntity
	case errs.Unauthenticated:
		return http.StatusUnauthorized
	case errs.Forbidden:
		return http.StatusForbidden
	case errs.NotFound:
		return http.StatusNotFound
	case errs.Conflict:
		return http.StatusConflict
	case errs.TooMany:
		return http.StatusTooManyRequests
	case errs.Unavailable:
		return http.StatusServiceUnavailable
	case errs.TooLarge:
		return http.StatusRequestEntityTooLarge
	}
	return http.StatusInternalServerError
}

// ours is what people are told of an error that is not for them.
var ours = i18n.Key("Something went wrong on our side. It has been noted; try again in a moment.")

// Sentence returns what a person may be told of err, in the language of ctx.
func Sentence(ctx context.Context, err error) string {
	if p, ok := errors.AsType[*Problem](err); ok {
		return i18n.T(ctx, p.Detail)
	}
	if s := i18n.Error(ctx, err); s != "" {
		return s
	}
	switch StatusOf(err) {
	case http.StatusServiceUnavailable:
		return i18n.T(ctx, "That took too long. Try again in a moment.")
	case http.StatusRequestEntityTooLarge:
		return i18n.T(ctx, "That is too large.")
	}
	return i18n.T(ctx, ours)
}

// in returns p in the language of ctx.
func (p *Problem) in(ctx context.Context) *Problem {
	own := *p
	own.Detail = i18n.T(ctx, p.Detail)
	own.Errors = slices.Clone(p.Errors)
	for i, f := range own.Errors {
		own.Errors[i].Message = i18n.T(ctx, f.Message)
	}
	return &own
}

// problemOf turns any error into a Problem in the language of ctx.
func problemOf(ctx context.Context, err error) *Problem {
	if p, ok := errors.AsType[*Problem](err); ok {
		return p.in(ctx)
	}
	status := StatusOf(err)
	p := &Problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: Sentence(ctx, err), cause: err}
	if w, ok := errors.AsType[*With](err); ok {
		p.Extra = w.Body
	}
	e, ok := errors.AsType[*errs.Error](err)
	if !ok {
		return p
	}
	p.retry = e.Retry
	p.Code = e.Code
	if p.Code == "" {
		p.Code = e.Kind.String()
	}
	for _, f := range e.Fields {
		p.Errors = append(p.Errors, ProblemField{Path: location(f.Path), Message: i18n.Field(ctx, f)})
	}
	return p
}

// location says in which part of the request a field stands: the body unless its path says otherwise.
func location(path string) string {
	for _, part := range []string{"query.", "path.", "header.", "body.", "cookie."} {
		if strings.HasPrefix(path, part) {
			return path
		}
	}
	if path == "body" {
		return path
	}
	return "body." + path
}

// newProblem is what huma calls for its own errors: unparsable and invalid input.
func newProblem(status int, msg string, causes ...error) huma.StatusError {
	p := &Problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: msg, Code: "invalid"}
	if status == http.StatusBadRequest {
		status, p.Status, p.Title = http.StatusUnprocessableEntity, http.StatusUnprocessableEntity, http.StatusText(http.StatusUnprocessableEntity)
	}
	for _, c := range causes {
		if c == nil {
			continue
		}
		if d, ok := errors.AsType[*huma.ErrorDetail](c); ok {
			path := d.Location
			if path == "" {
				path = "body"
			}
			msg := d.Message
			if rest, ok := strings.CutPrefix(msg, "expected required property "); ok { // huma names the object that lacks it
				if name, _, ok := strings.Cut(rest, " "); ok {
					path, msg = path+"."+name, i18n.Key("This is needed.")
				}
			}
			p.Errors = append(p.Errors, ProblemField{Path: path, Message: msg})
			continue
		}
		if status >= 500 {
			p.cause = c // never shown
			continue
		}
		p.Errors = append(p.Errors, ProblemField{Path: "body", Message: c.Error()})
	}
	if status == http.StatusUnprocessableEntity && len(p.Errors) == 0 {
		p.Errors = []ProblemField{{Path: "body", Message: msg}}
	}
	if status >= 500 {
		p.Code, p.Detail = "internal", ours
		if p.cause == nil {
			p.cause = errors.New(msg)
		}
	}
	return p
}
