package badinput

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/url"
	"slices"
	"strings"
)

// input is one request to an operation, without who sends it.
type input struct {
	what   string // for the report
	method string
	path   string // with its query
	header map[string]string
	body   []byte // nil: none
}

// rawNumber is written into JSON as it stands, such as 1e309.
type rawNumber = json.RawMessage

var long = strings.Repeat("ü", 10_000)

// badValues are put in place of every value of a body.
var badValues = []any{
	absent, nil, true, "", "x", -1, 0, 1.5, rawNumber("1e309"), rawNumber("9223372036854775808"), rawNumber("-9223372036854775809"), rawNumber("1e308"),
	"NaN", "-1", "9223372036854775808", long, "a\x00b\x1b[2J\r\n", "\u202e\ufeff\u2028\u200b", "'; DROP TABLE account; --", "<script>alert(1)</script>", "../../etc/passwd",
	[]any{},
	map[string]any{},
	[]any{[]any{nil}},
	map[string]any{"": nil},
	"2026-02-30T25:61:61Z", "0000-00-00", rawNumber(`"\ud800"`), rawNumber(`{"a":1,"a":2}`),
}

// badTexts are put in place of every path and query parameter.
var badTexts = []string{
	"", "x", "-1", "0", "1", "007", "+1", "1.5", "1e309", "NaN", "Infinity", "9223372036854775807", "9223372036854775808", "-9223372036854775808", "null", "true",
	"..", "../..", "..%2f", "a/b", ".", "%", "%00", "a\x00b", "a\r\nSet-Cookie: x=1", "\xff\xfe", "é", "\u202e", "' OR 1=1 --", "<script>", "{}", "[]", "*",
	strings.Repeat("9", 400), strings.Repeat("a", 3000), "2026-02-30T25:61:61Z", "eyJ4IjoxfQ", "bm90IGEgY3Vyc29y", "W10", "bnVsbA",
}

// generator makes inputs for one operation.
type generator struct {
	doc    *document
	known  map[string]any
	rand   *rand.Rand
	method string
	path   string
	op     *operation
	keyed  bool
	out    []input
	keys   int
}

// inputs returns at least n inputs of which nearly all are wrong.
func (g *generator) inputs(n int) []input {
	for _, p := range g.op.Parameters {
		g.keyed = g.keyed || p.Name == "Idempotency-Key"
	}
	g.params()
	g.bodies()
	for len(g.out) < n {
		g.mixture()
	}
	return g.out
}

// add adds an input; path and query default to valid ones.
func (g *generator) add(what string, path string, body []byte, header ...string) {
	h := map[string]string{}
	if body != nil {
		h["Content-Type"] = "application/json"
	}
	if g.keyed {
		g.keys++
		h["Idempotency-Key"] = fmt.Sprintf("bad-%s-%d", g.op.ID, g.keys)
	}
	for i := 0; i < len(header); i += 2 {
		if h[header[i]] = header[i+1]; header[i+1] == "" {
			delete(h, header[i])
		}
	}
	g.out = append(g.out, input{what, g.method, path, h, body})
}

// target returns the path with its parameters filled in; replaced ones take v.
func (g *generator) target(replace, v string) string {
	path := g.path
	for _, p := range g.op.Parameters {
		if p.In != "path" {
			continue
		}
		value := fmt.Sprint(g.pathValue(p.Name))
		if p.Name == replace {
			value = v
		}
		path = strings.ReplaceAll(path, "{"+p.Name+"}", url.PathEscape(value))
	}
	return path
}

// pathValue returns a parameter that exists, by the name of the collection before it where that is known.
func (g *generator) pathValue(name string) any {
	before, _, _ := strings.Cut(g.path, "/{"+name+"}")
	if v, ok := g.known[before[strings.LastIndex(before, "/")+1:]+"/"+name]; ok {
		return v
	}
	if v, ok := g.known[name]; ok {
		return v
	}
	return "1"
}

// validBody returns a body that fits the schema, or nil where the operation takes none.
func (g *generator) validBody() any {
	if g.op.Body == nil {
		return nil
	}
	for _, c := range g.op.Body.Content {
		return clone(g.doc.example(c.Schema, "", g.known, 0))
	}
	return nil
}

func (g *generator) validJSON() []byte {
	v := g.validBody()
	if v == nil {
		return nil
	}
	return encode(v)
}

func encode(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(err)
	}
	return b.Bytes()
}

func (g *generator) params() {
	valid := g.validJSON()
	for _, p := range g.op.Parameters {
		for _, v := range badTexts {
			what := fmt.Sprintf("%s.%s=%.40q", p.In, p.Name, v)
			switch p.In {
			case "path":
				g.add(what, g.target(p.Name, v), valid)
			case "query":
				g.add(what, g.target("", "")+"?"+url.Values{p.Name: {v}}.Encode(), valid)
			}
		}
		if p.In == "query" {
			g.add("query."+p.Name+" twice", g.target("", "")+"?"+p.Name+"=a&"+p.Name+"=b", valid)
			g.add("query."+p.Name+" badly escaped", g.target("", "")+"?"+p.Name+"=%zz&;;&=&&", valid)
		}
	}
	g.add("an unknown query parameter, twice", g.target("", "")+"?id=a&id=b&unknown[]=1", valid)
	if g.keyed {
		g.add("no Idempotency-Key", g.target("", ""), valid, "Idempotency-Key", "")
		for _, k := range []string{strings.Repeat("k", 256), strings.Repeat("k", 8000), "with space", "ü", " "} {
			g.add(fmt.Sprintf("Idempotency-Key %.20q", k), g.target("", ""), valid, "Idempotency-Key", k)
		}
	}
	g.add("Accept: nothing that there is", g.target("", ""), valid, "Accept", "image/png")
	g.add("a long header", g.target("", ""), valid, "X-Long", strings.Repeat("h", 6000))
	for _, v := range []string{"-1", "x", "9223372036854775808", "1;2", "\xff"} {
		g.add(fmt.Sprintf("Last-Event-ID %q", v), g.target("", ""), valid, "Last-Event-ID", v)
	}
}

func (g *generator) bodies() {
	path := g.target("", "")
	raw := map[string][]byte{
		"an empty body": {}, "null": []byte("null"), "a list": []byte("[]"), "a text": []byte(`"x"`), "a number": []byte("1e309"), "half an object": []byte(`{"a":`),
		"two documents": []byte(`{} {}`), "a byte order mark": []byte("\xef\xbb\xbf{}"), "invalid UTF-8": []byte("{\"name\":\"\xff\xfe\",\"note\":\"\xc3\x28\"}"),
		"10,000 lists in each other":   []byte(strings.Repeat("[", 10_000) + strings.Repeat("]", 10_000)),
		"10,000 objects in each other": []byte(strings.Repeat(`{"a":`, 10_000) + "1" + strings.Repeat("}", 10_000)),
		"10,000 lists in a field":      []byte(`{"lines":` + strings.Repeat("[", 10_000) + strings.Repeat("]", 10_000) + `}`),
		"2 MB":                         []byte(`{"name":"` + strings.Repeat("a", 2<<20) + `"}`),
		"2 MB of white space":          bytes.Repeat([]byte(" "), 2<<20),
		"a huge list":                  []byte(`{"lines":[` + strings.Repeat(`{},`, 100_000) + `{}]}`),
		"a number of 100,000 digits":   []byte(`{"tip":` + strings.Repeat("9", 100_000) + `}`),
		"not JSON":                     []byte("item,price\nDal,6.50\n"), "NUL": {0}, "a form": []byte("a=1&b=2"),
	}
	names := make([]string, 0, len(raw))
	for what := range raw {
		names = append(names, what)
	}
	slices.Sort(names)
	for _, what := range names {
		g.add(what, path, raw[what])
	}
	valid := g.validJSON()
	for _, ct := range []string{"", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/xml", "application/cbor", "application/json; charset=utf-16", "x", "/"} {
		g.add(fmt.Sprintf("Content-Type %q", ct), path, valid, "Content-Type", ct)
	}
	g.add("gzip that is none", path, valid, "Content-Encoding", "gzip")
	if valid == nil {
		return
	}
	g.add("a valid body", path, valid)
	g.add("an unknown field", path, append([]byte(`{"no_such_field":1,`), valid[1:]...))
	g.add("each field twice", path, append(append(slices.Clone(bytes.TrimRight(valid, "}\n")), ','), valid[1:]...))
	n := len(places(g.validBody()))
	for i := range n {
		for _, v := range badValues {
			body := g.validBody()
			at := places(body)[i]
			at.set(v)
			g.add(fmt.Sprintf("%s = %.40s", at.path, show(v)), path, encode(body))
		}
	}
}

func show(v any) string {
	if v == any(absent) {
		return "absent"
	}
	return string(encode(v))
}

// mixture adds an input in which several things are wrong, drawn by the generator's seed.
func (g *generator) mixture() {
	path := g.target("", "")
	query := url.Values{}
	for _, p := range g.op.Parameters {
		if g.rand.IntN(2) > 0 {
			continue
		}
		v := badTexts[g.rand.IntN(len(badTexts))]
		switch p.In {
		case "path":
			path = g.target(p.Name, v)
		case "query":
			query.Add(p.Name, v)
		}
	}
	query.Add("x"+fmt.Sprint(g.rand.Uint32()), badTexts[g.rand.IntN(len(badTexts))])
	body := g.validBody()
	if at := places(body); len(at) > 0 {
		for range 1 + g.rand.IntN(4) {
			v := badValues[g.rand.IntN(len(badValues))]
			if v != any(absent) {
				v = fresh(v)
			}
			at[g.rand.IntN(len(at))].set(v)
		}
	}
	var b []byte
	if body != nil {
		b = encode(body)
	}
	g.add("a mixture", path+"?"+query.Encode(), b)
}

// fresh copies lists and objects, so that a place inside one of badValues is never written to.
func fresh(v any) any {
	switch v := v.(type) {
	case []any:
		return slices.Clone(v)
	case map[string]any:
		out := map[string]any{}
		for k, x := range v {
			out[k] = x
		}
		return out
	}
	return v
}
