// Package mastodon is the dialect of HTTP that apps of Mastodon speak: bodies in three forms with Rails' nested keys, pages named in the
// Link header, bare entities as replies. Routes that it registers answer errors as {"error": …}; see httpx.
//
// What it follows is docs.joinmastodon.org/api/guidelines, and what real clients send where that is silent.
package mastodon

import (
	"context"
	"encoding/json"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/url"
	"strconv"
	"sync"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/httpx"
)

// Handler serves a request: it returns what is written as JSON, with status 200. nil is written as {}, json.RawMessage as it is, and a
// Reply as it says.
type Handler func(r *Request) (any, error)

// Reply is an answer with another status, or with headers.
type Reply struct {
	Status int // 0: 200
	Header http.Header
	Body   any
}

// Request is a request with its input read as the dialect asks.
type Request struct {
	*http.Request

	rt     *httpx.Router
	w      http.ResponseWriter
	tree   map[string]any // input by name, nested; nil: not read yet
	form   *multipart.Form
	header http.Header // of the reply
	lent   bool        // the reply is written in a buffer of Buffer's
}

// buffers are for replies that are long and often asked for.
var buffers = sync.Pool{New: func() any { b := make([]byte, 0, 64<<10); return &b }}

// maxBuffer is how long a buffer may have become to be used again, in bytes.
const maxBuffer = 1 << 20

// Buffer returns an empty buffer for a reply of []byte: it is used for another request once the reply is written. The handler keeps nothing
// of it.
func (r *Request) Buffer() []byte {
	r.lent = true
	return (*buffers.Get().(*[]byte))[:0]
}

// Handle registers a handler. pattern is ServeMux's; g says who may come.
func Handle(rt *httpx.Router, pattern string, g httpx.Guard, h Handler) {
	rt.Raw(pattern, g, func(w http.ResponseWriter, hr *http.Request) error {
		r := &Request{Request: hr, rt: rt, w: w, header: w.Header()}
		defer r.close()
		out, err := h(r)
		if err != nil {
			return err
		}
		err = r.reply(w, out)
		if b, ok := out.([]byte); ok && r.lent && cap(b) <= maxBuffer {
			buffers.Put(&b)
		}
		return err
	})
}

// close removes the files of a form that did not fit into memory.
func (r *Request) close() {
	if r.form != nil {
		_ = r.form.RemoveAll() // left over files are the system's to clear
	}
}

var empty = []byte("{}")

// reply writes what a handler returned.
func (r *Request) reply(w http.ResponseWriter, out any) error {
	status, body := http.StatusOK, out
	if reply, ok := out.(Reply); ok {
		for k, v := range reply.Header {
			r.header[k] = v
		}
		if body = reply.Body; reply.Status != 0 {
			status = reply.Status
		}
	}
	b, err := encode(body)
	if err != nil {
		return fmt.Errorf("mastodon: encode the reply to %s: %w", r.Pattern, err)
	}
	h := r.header
	if h.Get("Content-Type") == "" {
		h["Content-Type"] = contentType
	}
	if h.Get("Cache-Control") == "" {
		h["Cache-Control"] = private
	}
	h["Content-Length"] = []string{strconv.Itoa(len(b))}
	w.WriteHeader(status)
	_, _ = w.Write(b) // the client may be gone: nobody to tell
	return nil
}

// Values of headers that every reply has: shared, and never changed.
var (
	contentType = []string{"application/json; charset=utf-8"}
	private     = []string{"private, no-store"}
)

func encode(v any) ([]byte, error) {
	switch b := v.(type) {
	case nil:
		return empty, nil
	case json.RawMessage:
		return b, nil
	case []byte:
		return b, nil
	}
	return json.Marshal(v)
}

// Actor returns who asks.
func (r *Request) Actor() access.Actor { return access.From(r.Context()) }

// ID returns the id in the path under name, or a NotFound error for what is none.
func (r *Request) ID(name string) (id.ID, error) {
	n, err := id.Parse(r.PathValue(name))
	if err != nil {
		return 0, errs.New(errs.NotFound, "Record not found")
	}
	return n, nil
}

// File returns the file of a multipart form under name, and whether there is one.
func (r *Request) File(name string) (*multipart.FileHeader, bool) {
	if r.read() != nil || r.form == nil || len(r.form.File[name]) == 0 {
		return nil, false
	}
	return r.form.File[name][0], true
}

// Page is which part of a list is asked for. The newest come first. MaxID is exclusive. With SinceID the newest above it are meant, with
// MinID those that come directly above it; both are still shown newest first.
type Page struct {
	MaxID   id.ID
	SinceID id.ID
	MinID   id.ID
	Limit   int
}

// Page reads max_id, since_id, min_id and limit: def where it is not given, never more than most. Ids that are none are left out, as
// clients expect.
func (r *Request) Page(def, most int) (Page, error) {
	q := r.query()
	p := Page{MaxID: idOf(q, "max_id"), SinceID: idOf(q, "since_id"), MinID: idOf(q, "min_id"), Limit: def}
	if s := q.Get("limit"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil || n < 0 {
			return Page{}, errs.InvalidField("limit", "The limit is a whole number.")
		}
		p.Limit = n
	}
	p.Limit = min(max(p.Limit, 1), most)
	return p, nil
}

func idOf(q url.Values, name string) id.ID {
	n, err := id.Parse(q.Get(name))
	if err != nil {
		return 0
	}
	return n
}

func (r *Request) query() url.Values {
	if r.URL.RawQuery == "" {
		return nil
	}
	return r.URL.Query()
}

// Link names the pages after and before this one in the reply's Link header: next by max_id, prev by min_id, in this order, which is the
// only one that some clients read. An id of 0 leaves its page out.
func (r *Request) Link(next, prev id.ID) { r.LinkBy("max_id", next, "min_id", prev) }

// LinkBy is Link with other names for the two parameters.
func (r *Request) LinkBy(nextName string, next id.ID, prevName string, prev id.ID) {
	if next == 0 && prev == 0 {
		return
	}
	q := r.URL.Query()
	for _, name := range []string{"max_id", "since_id", "min_id", "access_token"} {
		q.Del(name)
	}
	base := r.rt.Address() + r.URL.EscapedPath() + "?"
	rest := q.Encode()
	if rest != "" {
		rest += "&"
	}
	b := make([]byte, 0, 2*len(base)+2*len(rest)+128)
	add := func(rel, name string, at id.ID) {
		if at == 0 {
			return
		}
		if len(b) > 0 {
			b = append(b, ", "...)
		}
		b = append(append(append(append(b, '<'), base...), rest...), name...)
		b = strconv.AppendInt(append(b, '='), int64(at), 10)
		b = append(append(append(b, `>; rel="`...), rel...), '"')
	}
	add("next", nextName, next)
	add("prev", prevName, prev)
	r.header["Link"] = []string{string(b)}
}

// Header returns the reply's headers.
func (r *Request) ReplyHeader() http.Header { return r.header }

// Context returns the request's context.
func (r *Request) Context() context.Context { return r.Request.Context() }
