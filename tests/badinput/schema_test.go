package badinput

import (
	"encoding/json"
	"slices"
	"strings"
)

// document is what the test reads of an OpenAPI document.
type document struct {
	Paths      map[string]map[string]*operation `json:"paths"`
	Components struct {
		Schemas map[string]*schema `json:"schemas"`
	} `json:"components"`
}

type operation struct {
	ID         string `json:"operationId"`
	Parameters []struct {
		Name     string  `json:"name"`
		In       string  `json:"in"`
		Required bool    `json:"required"`
		Schema   *schema `json:"schema"`
	} `json:"parameters"`
	Body *struct {
		Content map[string]struct {
			Schema *schema `json:"schema"`
		} `json:"content"`
	} `json:"requestBody"`
}

type schema struct {
	Ref        string             `json:"$ref"`
	Type       kinds              `json:"type"`
	Format     string             `json:"format"`
	Enum       []any              `json:"enum"`
	Properties map[string]*schema `json:"properties"`
	Required   []string           `json:"required"`
	Items      *schema            `json:"items"`
	Minimum    *float64           `json:"minimum"`
}

// kinds is a type, or in OpenAPI 3.1 a list of types.
type kinds []string

func (k *kinds) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '[' {
		return json.Unmarshal(b, (*[]string)(k))
	}
	var one string
	if err := json.Unmarshal(b, &one); err != nil {
		return err
	}
	*k = kinds{one}
	return nil
}

// resolve follows a reference.
func (d *document) resolve(s *schema) *schema {
	for range 10 {
		if s == nil || s.Ref == "" {
			return s
		}
		s = d.Components.Schemas[s.Ref[strings.LastIndex(s.Ref, "/")+1:]]
	}
	return s
}

// example returns a value that fits a schema. known gives values for names that mean something here, such as the id of a dish.
func (d *document) example(s *schema, name string, known map[string]any, depth int) any {
	s = d.resolve(s)
	if v, ok := known[name]; ok {
		return v
	}
	if s == nil || depth > 6 {
		return nil
	}
	if len(s.Enum) > 0 {
		return s.Enum[0]
	}
	switch {
	case s.Properties != nil || slices.Contains(s.Type, "object"):
		out := map[string]any{}
		for n, p := range s.Properties {
			out[n] = d.example(p, n, known, depth+1)
		}
		return out
	case slices.Contains(s.Type, "array"):
		return []any{d.example(s.Items, strings.TrimSuffix(name, "s"), known, depth+1)}
	case slices.Contains(s.Type, "integer"), slices.Contains(s.Type, "number"):
		if s.Minimum != nil && *s.Minimum > 1 {
			return *s.Minimum
		}
		return 1
	case slices.Contains(s.Type, "boolean"):
		return true
	case s.Format == "date-time":
		return "2026-12-01T18:00:00Z"
	case s.Format == "date":
		return "2026-12-01"
	}
	return "1"
}

// place is a value inside a JSON document: set replaces it, or with absent removes it.
type place struct {
	path string
	set  func(v any)
}

type nothing struct{}

// absent stands for a value that is not there.
var absent = nothing{}

// places returns every value inside root, which must be a map or a list at its top. They are in a fixed order.
func places(root any) []place {
	var out []place
	var walk func(v any, path string)
	walk = func(v any, path string) {
		switch v := v.(type) {
		case map[string]any:
			for _, k := range sortedKeys(v) {
				p := path + "." + k
				out = append(out, place{p, func(x any) {
					if x == any(absent) {
						delete(v, k)
						return
					}
					v[k] = x
				}})
				walk(v[k], p)
			}
		case []any:
			for i := range v {
				p := path + "[]"
				out = append(out, place{p, func(x any) {
					if x == any(absent) {
						x = nil
					}
					v[i] = x
				}})
				walk(v[i], p)
			}
		}
	}
	walk(root, "body")
	return out
}

func sortedKeys(m map[string]any) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// clone copies a JSON value.
func clone(v any) any {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	var out any
	if err := json.Unmarshal(b, &out); err != nil {
		panic(err)
	}
	return out
}
