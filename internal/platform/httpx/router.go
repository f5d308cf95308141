// Package httpx is the edge of the server: routing, limits, error replies and the few helpers that handlers share.
//
// A handler returns an error and writes nothing in that case; one place decides status, log and reply: RFC 9457 problems under
// /api/stoa/v1, a page for people elsewhere. Status codes of errors appear in this package and nowhere else.
package httpx

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"reflect"
	"runtime/debug"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/i18n"
)

// Prefix is where the REST API lives.
const Prefix = "/api/stoa/v1"

// Handler serves a request or returns why not, having written nothing.
type Handler func(w http.ResponseWriter, r *http.Request) error

// Router collects the routes of all slices.
type Router struct {
	// API is where operations of the REST API are registered; see Operation.
	API huma.API

	mux       *http.ServeMux
	log       *slog.Logger
	jsonBody  int64
	errorPage func(w http.ResponseWriter, r *http.Request, status int, sentence string)
	remedies  map[string]Handler // by the code of an error
	routes    []Route
	address   func() string
}

// Route is a pattern and who may come to it.
type Route struct {
	Pattern string
	Guard   Guard
}

// ErrorPage renders the page for an error that a person caused or met.
type ErrorPage func(w http.ResponseWriter, r *http.Request, status int, sentence string)

// Option changes a Router's default.
type Option func(*Router)

// JSONBody sets how large a body may be, in bytes, of those REST operations that say nothing about it; 1 MB by default.
func JSONBody(n int64) Option { return func(rt *Router) { rt.jsonBody = n } }

// Address says by which address people reach the server, without a slash at its end: replies that name pages of their own need it.
func Address(fn func() string) Option { return func(rt *Router) { rt.address = fn } }

// Remedy has pages answer errors with a code by h instead of the error page: it leads people to where they can help it.
func Remedy(code string, h Handler) Option {
	return func(rt *Router) {
		if rt.remedies == nil {
			rt.remedies = map[string]Handler{}
		}
		rt.remedies[code] = h
	}
}

// NewRouter returns a Router without routes. errorPage renders errors for people.
func NewRouter(log *slog.Logger, version string, errorPage ErrorPage, opts ...Option) *Router {
	rt := &Router{mux: http.NewServeMux(), log: log, errorPage: errorPage, jsonBody: 1 << 20}
	for _, o := range opts {
		o(rt)
	}
	// huma's own hooks for the shape of its errors; the same functions for every Router.
	huma.NewError = newProblem
	huma.NewErrorWithContext = func(ctx huma.Context, status int, msg string, causes ...error) huma.StatusError {
		return newProblem(status, msg, causes...).(*Problem).in(ctx.Context())
	}
	cfg := huma.DefaultConfig("Stoa", version)
	cfg.Formats = strictJSON()
	cfg.OpenAPIPath = Prefix + "/openapi"
	cfg.DocsPath = "" // huma's page loads its script from a CDN; ours is /docs/api
	cfg.SchemasPath = Prefix + "/schemas"
	cfg.CreateHooks = nil // no $schema links in replies
	cfg.Components.Schemas = huma.NewMapRegistry("#/components/schemas/", schemaNames())
	cfg.Info.Description = "Everything a town's delivery does, for apps, tills and scripts. Money is in integer minor units, times are RFC 3339, ids are strings, lists are paged by cursor, errors are RFC 9457 problems."
	cfg.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"bearer": {Type: "http", Scheme: "bearer", Description: "A token from `stoa admin token create` or POST /session."},
	}
	rt.API = humago.New(rt.mux, cfg)
	return rt
}

// schemaNames names the types of bodies in the OpenAPI document. Slices use the same short names for types of their own, so a name that is
// taken gets a number; routes are registered in a fixed order, which keeps the numbers.
func schemaNames() func(reflect.Type, string) string {
	taken := map[string]reflect.Type{}
	return func(t reflect.Type, hint string) string {
		first := huma.DefaultSchemaNamer(t, hint)
		name := first
		for n := 2; ; n++ {
			if other, ok := taken[name]; !ok || other == t {
				taken[name] = t
				return name
			}
			name = fmt.Sprintf("%s%d", first, n)
		}
	}
}

// Address returns the address by which people reach the server, such as "https://stoa.example", or "" where nobody has said.
func (rt *Router) Address() string {
	if rt.address == nil {
		return ""
	}
	return rt.address()
}

// Routes returns what is registered so far, by pattern, for the access matrix and the documents.
func (rt *Router) Routes() []Route {
	return slices.SortedFunc(slices.Values(rt.routes), func(a, b Route) int { return strings.Compare(a.Pattern, b.Pattern) })
}

// Page registers a handler for people: a page, a fragment of one, or a form. The pattern is ServeMux's: "GET /orders/{code}"; g says who may
// come, and others are refused before h is called.
func (rt *Router) Page(pattern string, g Guard, h Handler) { rt.Raw(pattern, g, h) }

// Raw registers any other handler: a file, a stream, a document of a protocol.
func (rt *Router) Raw(pattern string, g Guard, h Handler) {
	rt.routes = append(rt.routes, Route{pattern, g})
	rt.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		err := g.check(r.Context(), r.Method)
		if err == nil {
			err = h(w, r)
		}
		if err != nil {
			rt.Error(w, r, err)
		}
	})
}

// Operation registers one operation of the REST API. op.Path is below Prefix; g says who may come, and others are refused before their
// input is read. fn's errors become problems.
func Operation[I, O any](rt *Router, op huma.Operation, g Guard, fn func(context.Context, *I) (*O, error)) {
	op.Path = Prefix + op.Path
	if op.OperationID == "" {
		op.OperationID = strings.ToLower(op.Method) + strings.NewReplacer("/", "-", "{", "", "}", "").Replace(strings.TrimPrefix(op.Path, Prefix))
	}
	if op.MaxBodyBytes == 0 {
		op.MaxBodyBytes = rt.jsonBody
	}
	rt.routes = append(rt.routes, Route{op.Method + " " + op.Path, g})
	op.Middlewares = append(huma.Middlewares{rt.guarded(g)}, op.Middlewares...)
	huma.Register(rt.API, op, func(ctx context.Context, in *I) (*O, error) {
		out, err := fn(ctx, in)
		if err == nil {
			return out, nil
		}
		p := problemOf(ctx, err)
		rt.note(ctx, op.Method+" "+op.Path, p.Status, err)
		if h := p.GetHeaders(); len(h) > 0 {
			return nil, huma.ErrorWithHeaders(p, h)
		}
		return nil, p
	})
	// huma lists the fields of a multipart form a second time, as parameters "in form", which OpenAPI 3 does not have.
	for _, o := range []*huma.Operation{rt.API.OpenAPI().Paths[op.Path].Post, rt.API.OpenAPI().Paths[op.Path].Put} {
		if o != nil {
			o.Parameters = slices.DeleteFunc(o.Parameters, func(p *huma.Param) bool { return p.In == "form" })
		}
	}
}

// Error answers a request with err: a problem for programs, a page for people.
func (rt *Router) Error(w http.ResponseWriter, r *http.Request, err error) {
	p := problemOf(r.Context(), err)
	rt.note(r.Context(), rt.nameOf(r), p.Status, err)
	for k, v := range p.GetHeaders() {
		w.Header()[k] = v
	}
	w.Header().Set("Cache-Control", "no-store")
	if isMastodon(r) {
		writeJSON(w, "application/json; charset=utf-8", p.Status, mastodonError{p.Detail})
		return
	}
	if wantsProblem(r) {
		writeJSON(w, "application/problem+json", p.Status, p)
		return
	}
	if h := rt.remedies[errs.CodeOf(err)]; h != nil {
		if err = h(w, r); err == nil {
			return
		}
	}
	rt.errorPage(w, r, p.Status, p.Detail)
}

// nameOf returns what the log calls a request: its pattern, since a path may hold the secret of a link; where there is none its method and
// path with everything left out that is as long as one.
func (rt *Router) nameOf(r *http.Request) string {
	if r.Pattern != "" {
		return r.Pattern
	}
	if _, pattern := rt.mux.Handler(r); pattern != "" {
		return pattern
	}
	parts := strings.Split(r.URL.Path, "/")
	for i, p := range parts {
		if len(p) > 20 {
			parts[i] = "…"
		}
	}
	return r.Method + " " + strings.Join(parts, "/")
}

// wantsProblem reports whether the client is a program.
func wantsProblem(r *http.Request) bool {
	if strings.HasPrefix(r.URL.Path, "/api/") {
		return true
	}
	if strings.HasPrefix(r.URL.Path, "/media/") || strings.HasPrefix(r.URL.Path, "/assets/") {
		return true // a page in place of a picture or a script is seen by nobody
	}
	if IsFragment(r) && r.Header.Get("HX-Request-Type") != "full" {
		return true // a page has no place within a page: the script shows the sentence of the problem
	}
	accept := r.Header.Get("Accept")
	if strings.HasPrefix(accept, "application/problem+json") {
		return true // the queue of a courier's phone, which takes pages but tells people a problem's sentence
	}
	// Whoever opens a stream could do nothing with a page to sign in on.
	return (strings.Contains(accept, "json") || strings.Contains(accept, "text/event-stream")) && !strings.Contains(accept, "text/html")
}

// note logs an error that is ours, and others only when asked for everything.
func (rt *Router) note(ctx context.Context, route string, status int, err error) {
	level := slog.LevelDebug
	if status >= 500 && status != http.StatusServiceUnavailable {
		level = slog.LevelError
	}
	rt.log.Log(ctx, level, "request failed", "route", route, "status", status, "err", err)
}

// ServeHTTP routes the request. A panic becomes a 500 and a line in the log; the server lives on.
func (rt *Router) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	defer func() {
		p := recover()
		if p == nil {
			return
		}
		if err, ok := p.(error); ok && errors.Is(err, http.ErrAbortHandler) {
			panic(p)
		}
		rt.log.ErrorContext(r.Context(), "panic in a handler", "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
		rt.Error(w, r, errors.New("panic"))
	}()
	// PostgreSQL takes no text with a NUL or broken UTF-8, so nothing that is stored can have such an address.
	if strings.ContainsRune(r.URL.Path, 0) || !utf8.ValidString(r.URL.Path) {
		rt.Error(w, r, errs.New(errs.NotFound, "There is nothing at this address."))
		return
	}
	_, pattern := rt.mux.Handler(r)
	if pattern == "" {
		rt.missing(w, r)
		return
	}
	rt.mux.ServeHTTP(w, r)
}

// missing answers what no route matches: 405 with Allow where another method would, else 404.
func (rt *Router) missing(w http.ResponseWriter, r *http.Request) {
	var allowed []string
	for _, m := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
		probe := r.Clone(r.Context())
		probe.Method = m
		if _, p := rt.mux.Handler(probe); p != "" {
			allowed = append(allowed, m)
		}
	}
	p := &Problem{Type: "about:blank", Title: http.StatusText(http.StatusNotFound), Status: http.StatusNotFound, Code: "not_found", Detail: i18n.Key("There is nothing at this address.")}
	if len(allowed) > 0 {
		w.Header().Set("Allow", strings.Join(allowed, ", "))
		p = &Problem{Type: "about:blank", Title: http.StatusText(http.StatusMethodNotAllowed), Status: http.StatusMethodNotAllowed, Code: "method_not_allowed", Detail: i18n.T(r.Context(), "This address does not take %s.", r.Method)}
	}
	rt.Error(w, r, p)
}
