package httpx

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// maxDepth is how deep arrays and objects may stand within each other in what clients send: no operation needs more than ten.
const maxDepth = 64

// strictJSON returns huma's formats with a reader that takes no document that another reader could understand differently.
func strictJSON() map[string]huma.Format {
	f := huma.Format{Marshal: huma.DefaultJSONFormat.Marshal, Unmarshal: func(data []byte, v any) error {
		if _, first := v.(*any); first { // huma reads a body twice: for its check, and into the operation's own type
			if err := checkJSON(data); err != nil {
				return err
			}
		}
		return json.Unmarshal(data, v)
	}}
	return map[string]huma.Format{"application/json": f, "json": f}
}

var errDeep = fmt.Errorf("this is nested deeper than %d levels", maxDepth)

// checkJSON refuses a key that stands twice in one object, also in another case, since readers differ about which of them counts; and
// nesting without measure. Everything else that is wrong is for json.Unmarshal to find.
func checkJSON(data []byte) error {
	var keys []map[string]bool // of each open object; nil for an array
	key := false               // whether a string that comes next is a key
	for i := 0; i < len(data); i++ {
		switch data[i] {
		case '{', '[':
			if len(keys) == maxDepth {
				return errDeep
			}
			key = data[i] == '{'
			var seen map[string]bool
			if key {
				seen = map[string]bool{}
			}
			keys = append(keys, seen)
		case '}', ']':
			if len(keys) == 0 {
				return errors.New("there is an end without a beginning")
			}
			keys, key = keys[:len(keys)-1], false
		case ',':
			key = len(keys) > 0 && keys[len(keys)-1] != nil
		case '"':
			end := stringEnd(data, i)
			if end < 0 {
				return errors.New("a text has no end")
			}
			if key {
				if err := note(keys[len(keys)-1], data[i:end]); err != nil {
					return err
				}
				key = false
			}
			i = end - 1
		}
	}
	return nil
}

// stringEnd returns the index behind the string that begins at i, -1 where it has no end.
func stringEnd(data []byte, i int) int {
	for i++; i < len(data); i++ {
		switch data[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return -1
}

// note adds a key to those of its object.
func note(seen map[string]bool, quoted []byte) error {
	var k string
	if err := json.Unmarshal(quoted, &k); err != nil {
		return err
	}
	k = strings.ToLower(k)
	if seen[k] {
		return fmt.Errorf("%q stands twice in one object", k)
	}
	seen[k] = true
	return nil
}
