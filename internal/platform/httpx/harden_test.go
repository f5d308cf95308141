package httpx

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestJSONThatReadersDifferAboutIsRefused(t *testing.T) {
	for doc, ok := range map[string]bool{
		`{}`: true, `[]`: true, `{"a":1,"b":{"a":1},"c":[{"a":1},{"a":1}]}`: true, `{"a":"a\",\"a"}`: true, `"{\"a\":1,\"a\":2}"`: true, `{"a":"b","b":"a"}`: true,
		`{"a":1,"a":2}`: false, `{"a":1,"A":2}`: false, `{"a":1,"\u0061":2}`: false, `[{"x":{"k":1,"q":[],"k":2}}]`: false, `{"":1,"":2}`: false, `{"a":[1,2],"a":0}`: false,
		`}`: false, `{"a`: false, `{"a\`: false,
		strings.Repeat("[", maxDepth) + strings.Repeat("]", maxDepth):       true,
		strings.Repeat("[", maxDepth+1) + strings.Repeat("]", maxDepth+1):   false,
		strings.Repeat(`{"a":`, 10_000) + "1" + strings.Repeat("}", 10_000): false,
		strings.Repeat("[", 1_000_000):                                      false,
	} {
		if err := checkJSON([]byte(doc)); (err == nil) != ok {
			t.Errorf("%.60s: %v; want taken: %v", doc, err, ok)
		}
	}
	f := strictJSON()["json"]
	var v any
	for _, doc := range []string{`{} {}`, `{}x`, `1 2`, `{"a":1}]`, `{"a":1,}`, `{'a':1}`, `{"a":NaN}`, "\ufeff{}", `{"a":01}`, ``} {
		if err := f.Unmarshal([]byte(doc), &v); err == nil {
			t.Errorf("%q is taken", doc)
		}
	}
}

func TestWhatWasWrittenAsJSONIsTaken(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		keys := rapid.SliceOfNDistinct(rapid.String(), 0, 8, strings.ToLower).Draw(t, "keys")
		doc := map[string]any{}
		for _, k := range keys {
			doc[k] = []any{rapid.String().Draw(t, "text"), map[string]any{k: rapid.Float64().Draw(t, "number")}}
		}
		b, err := json.Marshal(doc)
		if err != nil {
			t.Fatal(err)
		}
		if err := checkJSON(b); err != nil {
			t.Errorf("%s: %v", b, err)
		}
	})
}

func FuzzCheckJSON(f *testing.F) {
	for _, s := range []string{`{"a":1,"a":2}`, `[[[]]]`, `{"a":"\""}`, `"\u00e9`, `{]`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if err := checkJSON(b); errors.Is(err, errDeep) && len(b) <= maxDepth {
			t.Errorf("%q is said to be deep", b)
		}
	})
}

func TestHeadsThatReadersDifferAboutAreKnown(t *testing.T) {
	for head, want := range map[string]bool{
		"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n":          false,
		"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n": false,
		"GET / HTTP/1.0\r\n\r\n": false,
		"POST / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n":           true,
		"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\ncontent-length: 5\r\n\r\n":           true,
		"POST / HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n":                    true,
		"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n": true,
		"POST / HTTP/1.1\r\nX: a\r\n b\r\n\r\n":                                                true,
		"POST / HTTP/1.1\r\nTransfer-Encoding:\r\n\tchunked\r\n\r\n":                           true,
		"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n":                                true,
		"POST / HTTP/1.1\nContent-Length: 5\n\n":                                               true,
		"POST / HTTP/1.1\r\nX: a\rContent-Length: 5\r\n\r\n":                                   true,
		"POST / HTTP/1.1\r\nContent-Length : 5\r\nTransfer-Encoding : chunked\r\n\r\n":         true,
	} {
		if end := headEnd([]byte(head + "body")); end != len(head) {
			t.Errorf("%q ends at %d; want %d", head, end, len(head))
		}
		if got := ambiguous([]byte(head)); got != want {
			t.Errorf("%q: %v; want %v", head, got, want)
		}
	}
}
