package mastodon

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-viper/mapstructure/v2"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
)

// Limits of what a request may carry. Files are bounded by the server's limit of uploads.
const (
	maxBody   = 1 << 20 // bytes of JSON, or of a form without files
	maxValues = 2000
	maxDepth  = 6
)

// leaf is the values of one name of a query or form.
type leaf []string

// Decode reads the input into dst, a pointer to a struct whose fields carry `json:"name"`. Values come of the query and of a body of JSON, of
// a form, or of a form in parts; the body's win. Fields that are not given keep their value. A value that can't be read is an Invalid error
// that names its field.
func (r *Request) Decode(dst any) error {
	if err := r.read(); err != nil {
		return err
	}
	d, err := mapstructure.NewDecoder(&mapstructure.DecoderConfig{
		Result: dst, TagName: "json", WeaklyTypedInput: true, DecodeHook: mapstructure.DecodeHookFuncValue(convert),
		MatchName: func(key, field string) bool { return key == field },
	})
	if err != nil {
		return err
	}
	if err = d.Decode(r.tree); err == nil {
		return nil
	}
	if wrong, ok := errors.AsType[*mapstructure.DecodeError](err); ok {
		return errs.InvalidField(wrong.Name(), "Validation failed: %s can't be read.", wrong.Name())
	}
	return errs.New(errs.Invalid, "Validation failed: this can't be read.")
}

// Has reports whether the input names a value at its top level, be it empty.
func (r *Request) Has(name string) bool {
	if r.read() != nil {
		return false
	}
	_, ok := r.tree[name]
	return ok
}

// read reads query and body into r.tree, once.
func (r *Request) read() error {
	if r.tree != nil {
		return nil
	}
	tree := map[string]any{}
	if r.URL.RawQuery != "" {
		if err := addValues(tree, r.URL.Query()); err != nil {
			return err
		}
	}
	if r.Body != nil && r.Body != http.NoBody && r.Method != http.MethodGet && r.Method != http.MethodHead {
		if err := r.readBody(tree); err != nil {
			return err
		}
	}
	r.tree = tree
	return nil
}

var errBody = errs.New(errs.Invalid, "The body of the request can't be read.")

func (r *Request) readBody(tree map[string]any) error {
	kind, _, _ := mime.ParseMediaType(r.Request.Header.Get("Content-Type"))
	if kind == "multipart/form-data" {
		if err := r.ParseMultipartForm(maxBody); err != nil {
			if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
				return err
			}
			return errBody
		}
		r.form = r.MultipartForm
		return addValues(tree, r.form.Value)
	}
	body, err := io.ReadAll(http.MaxBytesReader(r.w, r.Body, maxBody))
	if err != nil {
		return err
	}
	if body = bytes.TrimSpace(body); len(body) == 0 {
		return nil
	}
	// Some clients name no type, or a wrong one: what begins with a brace is JSON.
	if kind == "application/json" || strings.HasSuffix(kind, "+json") || kind != "application/x-www-form-urlencoded" && body[0] == '{' {
		return addJSON(tree, body)
	}
	values, err := url.ParseQuery(string(body))
	if err != nil {
		return errBody
	}
	return addValues(tree, values)
}

func addJSON(tree map[string]any, body []byte) error {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var doc map[string]any
	if err := d.Decode(&doc); err != nil {
		return errBody
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errBody
	}
	for name, v := range doc {
		// Names in brackets are taken in JSON, too: some clients build both bodies of one list of names.
		if path := split(name); len(path) > 1 {
			if err := put(tree, path, v); err != nil {
				return err
			}
			continue
		}
		tree[name] = v
	}
	return nil
}

// addValues adds names such as "a", "a[]", "a[b]" and "a[0][b]" with their values.
func addValues(tree map[string]any, values url.Values) error {
	if len(values) > maxValues {
		return errBody
	}
	for _, name := range slices.Sorted(mapKeys(values)) {
		path := split(name)
		if len(path) > maxDepth {
			return errBody
		}
		if err := put(tree, path, leaf(values[name])); err != nil {
			return err
		}
	}
	return nil
}

func mapKeys(values url.Values) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range values {
			if !yield(k) {
				return
			}
		}
	}
}

// split returns the parts of a name: "a[b][]" is a, b and "". A name whose brackets don't match is one part.
func split(name string) []string {
	first, rest, nested := strings.Cut(name, "[")
	if !nested || first == "" || !strings.HasSuffix(name, "]") {
		return []string{name}
	}
	return append([]string{first}, strings.Split(rest[:len(rest)-1], "][")...)
}

// put stores v below a path. A last part that is empty means a list.
func put(tree map[string]any, path []string, v any) error {
	for len(path) > 1 && path[1] != "" {
		below, ok := tree[path[0]].(map[string]any)
		if !ok {
			if _, taken := tree[path[0]]; taken {
				return errs.InvalidField(path[0], "Validation failed: %s is given twice, in two shapes.", path[0])
			}
			below = map[string]any{}
			tree[path[0]] = below
		}
		tree, path = below, path[1:]
	}
	if len(path) > 2 { // a[][b]: a list of things with one name each
		values, _ := v.(leaf)
		list, _ := tree[path[0]].([]any)
		for i, value := range values {
			if i >= len(list) {
				list = append(list, map[string]any{})
			}
			if err := put(list[i].(map[string]any), path[2:], leaf{value}); err != nil {
				return err
			}
		}
		tree[path[0]] = list
		return nil
	}
	tree[path[0]] = v
	return nil
}

var (
	idType   = reflect.TypeFor[id.ID]()
	timeType = reflect.TypeFor[time.Time]()
	leafType = reflect.TypeFor[leaf]()
	errWord  = errors.New("this is no such value")
)

// convert turns values as they are sent into what a field takes.
func convert(from, to reflect.Value) (any, error) {
	kind := to.Kind()
	if kind == reflect.Pointer {
		return from.Interface(), nil
	}
	if from.Type() == leafType {
		if kind == reflect.Slice {
			return clean(from.Interface().(leaf)), nil
		}
		values := from.Interface().(leaf)
		if len(values) == 0 {
			return "", nil
		}
		from = reflect.ValueOf(values[len(values)-1])
	}
	if from.Kind() == reflect.Map && kind == reflect.Slice {
		return ordered(from.Interface())
	}
	if from.Kind() == reflect.Float64 || from.Kind() != reflect.String {
		return from.Interface(), nil
	}
	s := strings.ReplaceAll(strings.ToValidUTF8(from.String(), "\uFFFD"), "\x00", "")
	switch {
	case to.Type() == idType:
		if s == "" {
			return id.ID(0), nil
		}
		return id.Parse(s)
	case to.Type() == timeType:
		return timeOf(s)
	case kind == reflect.Bool:
		return truth(s)
	}
	return s, nil
}

func clean(values leaf) []string {
	out := make([]string, len(values))
	for i, v := range values {
		out[i] = strings.ReplaceAll(strings.ToValidUTF8(v, "\uFFFD"), "\x00", "")
	}
	return out
}

// truth reads a boolean in any of the words that clients and browsers send.
func truth(s string) (bool, error) {
	switch strings.ToLower(s) {
	case "1", "t", "true", "on", "yes":
		return true, nil
	case "", "0", "f", "false", "off", "no":
		return false, nil
	}
	return false, errWord
}

// timeOf reads a time: ISO 8601, taken as UTC where it names no zone. An empty text is the zero time.
func timeOf(s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	for _, form := range []string{time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02 15:04:05 MST", "2006-01-02"} {
		if t, err := time.Parse(form, s); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, errWord
}

// ordered returns the values of a map whose keys are indices, in their order: what a[0][b] and a[1][b] are for a list. Any other map is
// returned as it is.
func ordered(m any) (any, error) {
	byIndex, ok := m.(map[string]any)
	if !ok {
		return m, nil
	}
	indices := make([]int, 0, len(byIndex))
	for k := range byIndex {
		n, err := strconv.Atoi(k)
		if err != nil {
			return nil, errWord
		}
		indices = append(indices, n)
	}
	slices.Sort(indices)
	out := make([]any, len(indices))
	for i, n := range indices {
		out[i] = byIndex[strconv.Itoa(n)]
	}
	return out, nil
}
