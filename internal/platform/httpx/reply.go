package httpx

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"sync"

	"github.com/a-h/templ"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/i18n"
)

// defaultFormBody is the largest form that DecodeForm reads, in bytes, where HardenOptions.FormBody does not say.
const defaultFormBody = 64 << 10

var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// Render writes a page or a fragment. It is rendered whole before the first byte is sent, so that an error still becomes an error page.
func Render(w http.ResponseWriter, r *http.Request, status int, c templ.Component) error {
	buf := buffers.Get().(*bytes.Buffer)
	defer buffers.Put(buf)
	buf.Reset()
	if err := c.Render(r.Context(), buf); err != nil {
		return fmt.Errorf("httpx: render %s: %w", r.URL.Path, err)
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	if h.Get("Cache-Control") == "" {
		h.Set("Cache-Control", "no-store")
	}
	h.Add("Vary", "HX-Request")
	w.WriteHeader(status)
	_, _ = w.Write(buf.Bytes()) // the client may be gone: nobody to tell
	return nil
}

// JSON writes v.
func JSON(w http.ResponseWriter, status int, v any) error {
	writeJSON(w, "application/json", status, v)
	return nil
}

func writeJSON(w http.ResponseWriter, contentType string, status int, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		http.Error(w, `{"status":500}`, http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", contentType)
	w.WriteHeader(status)
	_, _ = w.Write(b) // the client may be gone: nobody to tell
}

// IsFragment reports whether htmx asks for a part of a page.
func IsFragment(r *http.Request) bool { return r.Header.Get("HX-Request") == "true" }

// Redirect sends the browser on to a local path after a form, so that reloading does not send the form again.
func Redirect(w http.ResponseWriter, r *http.Request, path string) error {
	path = LocalPath(path)
	if IsFragment(r) {
		w.Header().Set("HX-Redirect", path)
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	http.Redirect(w, r, path, http.StatusSeeOther)
	return nil
}

// LocalPath returns path if it stays on this server, else "/".
func LocalPath(path string) string {
	u, err := url.Parse(path)
	if err != nil || u.IsAbs() || u.Host != "" || !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "//") || strings.ContainsAny(path, "\\\r\n\t") {
		return "/"
	}
	return path
}

// DecodeForm reads a form into dst, a pointer to a struct whose fields carry `form:"name"`: strings, integers, floats, booleans (a checked
// box), slices of strings, and types with UnmarshalText. Fields the form has not keep their value; a field that can't be read gives an
// Invalid error naming it. The body is limited to HardenOptions.FormBody, 64 KB by default.
func DecodeForm(w http.ResponseWriter, r *http.Request, dst any) error {
	limit, ok := r.Context().Value(keyFormBody).(int64)
	if !ok {
		limit = defaultFormBody
	}
	r.Body = http.MaxBytesReader(w, r.Body, limit)
	if err := r.ParseForm(); err != nil {
		if StatusOf(err) == http.StatusRequestEntityTooLarge {
			return errs.New(errs.TooLarge, "This form is too large.").WithCause(err)
		}
		return errs.InvalidField("body", "This form could not be read.")
	}
	return DecodeValues(r.Form, dst)
}

// DecodeValues does DecodeForm's work on values already read, such as a URL's query.
func DecodeValues(values url.Values, dst any) error {
	v := reflect.ValueOf(dst).Elem()
	var wrong []errs.Field
	for i := range v.NumField() {
		name := v.Type().Field(i).Tag.Get("form")
		got, ok := values[name]
		if name == "" || !ok || len(got) == 0 {
			continue
		}
		if msg := setField(v.Field(i), got); msg != "" {
			wrong = append(wrong, errs.Field{Path: name, Message: msg})
		}
	}
	return errs.InvalidFields(wrong)
}

// setField sets one field and returns what is wrong with its input, or "".
func setField(f reflect.Value, got []string) string {
	s := strings.TrimSpace(got[0])
	if u, ok := f.Addr().Interface().(interface{ UnmarshalText([]byte) error }); ok {
		if s == "" {
			return ""
		}
		if err := u.UnmarshalText([]byte(s)); err != nil {
			return i18n.Key("This is not valid.")
		}
		return ""
	}
	switch f.Kind() {
	case reflect.String:
		f.SetString(got[0])
	case reflect.Bool:
		f.SetBool(s == "on" || s == "true" || s == "1")
	case reflect.Int, reflect.Int64:
		if s == "" {
			return ""
		}
		n, err := strconv.ParseInt(s, 10, 64)
		if err != nil {
			return i18n.Key("Write a whole number.")
		}
		f.SetInt(n)
	case reflect.Float64:
		if s == "" {
			return ""
		}
		n, err := strconv.ParseFloat(s, 64)
		if err != nil || n != n || n > 1e12 || n < -1e12 {
			return i18n.Key("Write a number.")
		}
		f.SetFloat(n)
	case reflect.Slice:
		if f.Type().Elem().Kind() == reflect.String {
			f.Set(reflect.ValueOf(append([]string(nil), got...)))
		}
	}
	return ""
}
