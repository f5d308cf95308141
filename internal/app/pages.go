package app

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/stoa-town/stoa/internal/base/i18n"
	"github.com/stoa-town/stoa/internal/platform/httpx"
)

// errorPage renders the page for an error.
func errorPage(w http.ResponseWriter, r *http.Request, status int, sentence string) {
	ctx := r.Context()
	title := i18n.T(ctx, "Something went wrong")
	switch status {
	case http.StatusNotFound:
		title = i18n.T(ctx, "Not here")
	case http.StatusUnauthorized:
		if r.Method == http.MethodGet && r.URL.Path != "/sign-in" && !httpx.IsFragment(r) {
			http.Redirect(w, r, "/sign-in?next="+url.QueryEscape(r.URL.RequestURI()), http.StatusSeeOther)
			return
		}
		title = i18n.T(ctx, "Please sign in")
	case http.StatusForbidden:
		title = i18n.T(ctx, "Not for you")
	case http.StatusTooManyRequests:
		title = i18n.T(ctx, "Too fast")
	case http.StatusServiceUnavailable:
		title = i18n.T(ctx, "One moment")
	}
	if err := httpx.Render(w, r, status, errorView(status, title, sentence)); err != nil {
		http.Error(w, sentence, status)
	}
}

// apiGroup is the operations of one tag.
type apiGroup struct {
	Name       string
	Operations []apiOperation
}

type apiOperation struct {
	Method, Path, Summary, Description, Body, Replies string
	Params                                            []apiParam
}

type apiParam struct{ Name, In, Meaning string }

// apiPage shows the REST API to people.
func (a *App) apiPage(w http.ResponseWriter, r *http.Request) error {
	return httpx.Render(w, r, http.StatusOK, apiView(apiGroups(a.Router.API.OpenAPI())))
}

// apiGroups returns the operations of a document by tag, in the order of their paths.
func apiGroups(doc *huma.OpenAPI) []apiGroup {
	byTag := map[string][]apiOperation{}
	for path, item := range doc.Paths {
		for _, op := range operations(item) {
			tag := "Other"
			if len(op.Tags) > 0 {
				tag = op.Tags[0]
			}
			byTag[tag] = append(byTag[tag], describe(doc, path, op))
		}
	}
	groups := make([]apiGroup, 0, len(byTag))
	for tag, ops := range byTag {
		slices.SortFunc(ops, func(a, b apiOperation) int {
			return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Method, b.Method))
		})
		groups = append(groups, apiGroup{Name: tag, Operations: ops})
	}
	slices.SortFunc(groups, func(a, b apiGroup) int { return cmp.Compare(a.Name, b.Name) })
	return groups
}

// operations returns the operations of one path that are shown.
func operations(item *huma.PathItem) []*huma.Operation {
	return slices.DeleteFunc([]*huma.Operation{item.Get, item.Post, item.Put, item.Patch, item.Delete}, func(op *huma.Operation) bool {
		return op == nil || op.Hidden
	})
}

func describe(doc *huma.OpenAPI, path string, op *huma.Operation) apiOperation {
	o := apiOperation{Method: op.Method, Path: strings.TrimPrefix(path, httpx.Prefix), Summary: op.Summary, Description: op.Description}
	for _, p := range op.Parameters {
		meaning := p.Description
		if p.Required {
			meaning = strings.TrimSpace("Required. " + meaning)
		}
		o.Params = append(o.Params, apiParam{Name: p.Name, In: p.In, Meaning: meaning})
	}
	if op.RequestBody != nil {
		for _, c := range op.RequestBody.Content {
			o.Body = shape(doc, c.Schema, "", 0)
		}
	}
	codes := make([]string, 0, len(op.Responses))
	for code := range op.Responses {
		codes = append(codes, code)
	}
	slices.Sort(codes)
	o.Replies = strings.Join(codes, ", ")
	return o
}

// shape writes a schema as indented fields with their types.
func shape(doc *huma.OpenAPI, s *huma.Schema, indent string, depth int) string {
	if s == nil || depth > 4 {
		return ""
	}
	if s.Ref != "" {
		s = doc.Components.Schemas.SchemaFromRef(s.Ref)
	}
	if s.Items != nil {
		return shape(doc, s.Items, indent, depth)
	}
	var b strings.Builder
	names := make([]string, 0, len(s.Properties))
	for name := range s.Properties {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		p := s.Properties[name]
		kind := p.Type
		if p.Ref != "" {
			kind = "object"
		}
		if p.Format != "" {
			kind += " " + p.Format
		}
		if slices.Contains(s.Required, name) {
			kind += ", required"
		}
		b.WriteString(strings.TrimRight(indent+name+"  "+kind+"  "+p.Description, " ") + "\n")
		b.WriteString(shape(doc, p, indent+"    ", depth+1))
	}
	return b.String()
}
