package oauth

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"
)

// maxBody is the largest body that these endpoints read.
const maxBody = 64 << 10

// readBody returns the parameters in a body as apps send them: a form, a form with parts, or a JSON object whose values are texts, or lists
// of texts. "name[]" is "name". What stands in the URL is not among them. It returns an error with the code invalid_request.
func readBody(w http.ResponseWriter, r *http.Request) (url.Values, error) {
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	var values url.Values
	var err error
	switch kind {
	case "application/json":
		values, err = readJSON(r.Body)
	case "multipart/form-data":
		if err = r.ParseMultipartForm(maxBody); err == nil {
			values = r.MultipartForm.Value
			err = r.MultipartForm.RemoveAll()
		}
	case "application/x-www-form-urlencoded":
		err = r.ParseForm()
		values = r.PostForm
	default:
		var b []byte
		if b, err = io.ReadAll(r.Body); len(b) > 0 {
			return nil, fault(invalidRequest, "Send a form or a JSON object.")
		}
	}
	if err != nil {
		if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
			return nil, err
		}
		return nil, fault(invalidRequest, "The body cannot be read.")
	}
	return tidy(values)
}

// tidy returns values under plain names, or an error where they hold what no text does.
func tidy(values url.Values) (url.Values, error) {
	out := url.Values{}
	for name, list := range values {
		name = strings.TrimSuffix(name, "[]")
		for _, v := range list {
			// PostgreSQL takes neither.
			if strings.ContainsRune(v, 0) || !utf8.ValidString(v) {
				return nil, fault(invalidRequest, "A parameter is not text.")
			}
		}
		out[name] = append(out[name], list...)
	}
	return out, nil
}

// readJSON reads an object. A name that is there twice has two values, so that the caller sees it.
func readJSON(body io.Reader) (url.Values, error) {
	b, err := io.ReadAll(body)
	if err != nil {
		return nil, err
	}
	d := json.NewDecoder(bytes.NewReader(b))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, fmt.Errorf("oauth: no object: %w", err)
	}
	out := url.Values{}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, err
		}
		var v any
		if err := d.Decode(&v); err != nil {
			return nil, err
		}
		list, isList := v.([]any)
		if !isList {
			list = []any{v}
		}
		for _, v := range list {
			switch v := v.(type) {
			case nil:
			case string:
				out.Add(name.(string), v)
			case bool, float64:
				out.Add(name.(string), fmt.Sprint(v))
			default:
				return nil, errors.New("oauth: a value within a value")
			}
		}
	}
	if _, err := d.Token(); err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("oauth: more than one object")
	}
	return out, nil
}

// once returns an error where a parameter is there more than once: two programs would not agree on which one counts.
func once(values url.Values) error {
	for name, list := range values {
		if len(list) > 1 {
			return fault(invalidRequest, "The parameter %s is there more than once.", name)
		}
	}
	return nil
}
