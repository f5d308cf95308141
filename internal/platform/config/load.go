package config

import (
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/netip"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-viper/mapstructure/v2"
	"github.com/knadh/koanf/parsers/toml/v2"
	"github.com/knadh/koanf/providers/confmap"
	"github.com/knadh/koanf/providers/rawbytes"
	"github.com/knadh/koanf/v2"

	"github.com/stoa-town/stoa/internal/base/errs"
)

//go:embed default.toml
var defaults string

// Overrides are settings given as flags, by the setting's name ("listen", "town.name"). An empty value is not given.
type Overrides map[string]string

// DefaultFile is read, where it exists, when no file is named.
const DefaultFile = "stoa.toml"

// testPrefix is of variables that tests read; they are no settings.
const testPrefix = "STOA_TEST_"

// Example returns a stoa.toml with every setting explained and commented out at its default.
func Example() string {
	return regexp.MustCompile(`(?m)^([a-z_]+ = )`).ReplaceAllString(defaults, "#$1")
}

// Load returns the settings: args before environ (as from os.Environ) before file before the defaults. Where file is empty it is what
// STOA_CONFIG says, or stoa.toml in the working folder if there is one. Everything wrong is told at once, in one Invalid error with a
// field for each setting.
func Load(args Overrides, environ []string, file string) (Config, error) {
	k := koanf.New(".")
	if err := k.Load(rawbytes.Provider([]byte(defaults)), toml.Parser()); err != nil {
		return Config{}, fmt.Errorf("config: read the defaults: %w", err)
	}
	l := &loader{k: k, known: k.Keys(), from: map[string]string{}}
	env := l.environ(environ)
	if file == "" {
		file = env["config"]
	}
	delete(env, "config")
	if err := l.file(file); err != nil {
		return Config{}, err
	}
	if err := l.layer(env); err != nil {
		return Config{}, err
	}
	flags := map[string]any{}
	for key, v := range args {
		if v != "" {
			flags[key] = v
		}
	}
	if err := l.flags(flags); err != nil {
		return Config{}, err
	}
	var c Config
	l.decode(&c)
	if len(l.from) > 0 {
		c.From = l.from
	}
	if len(l.bad) == 0 {
		c.check(l)
	}
	return c, l.err()
}

// loader puts the layers together and collects what is wrong with them.
type loader struct {
	k     *koanf.Koanf
	known []string
	from  map[string]string // setting → where its value came from
	bad   []errs.Field
}

// refuse notes a fault of a setting, once.
func (l *loader) refuse(key, format string, args ...any) {
	for _, f := range l.bad {
		if f.Path == key {
			return
		}
	}
	l.bad = append(l.bad, errs.FieldOf(key, format, args...))
}

// err returns what is wrong, one line for each setting.
func (l *loader) err() error {
	if len(l.bad) == 0 {
		return nil
	}
	slices.SortFunc(l.bad, func(a, b errs.Field) int { return strings.Compare(a.Path, b.Path) })
	var b strings.Builder
	b.WriteString("The settings are not right.")
	for _, f := range l.bad {
		b.WriteString("\n  " + f.Path)
		if src := l.from[f.Path]; src != "" {
			b.WriteString(" (from " + src + ")")
		}
		b.WriteString(": " + f.Message)
	}
	return &errs.Error{Kind: errs.Invalid, Message: b.String(), Fields: l.bad}
}

// envName returns the environment variable of a setting.
func envName(key string) string { return "STOA_" + strings.ToUpper(strings.ReplaceAll(key, ".", "_")) }

// environ returns what the environment sets, by setting; "config" is the file's name.
func (l *loader) environ(environ []string) map[string]string {
	names := map[string]string{"STOA_CONFIG": "config"}
	for _, key := range l.known {
		names[envName(key)] = key
	}
	out := map[string]string{}
	for _, kv := range environ {
		name, v, _ := strings.Cut(kv, "=")
		if !strings.HasPrefix(name, "STOA_") || strings.HasPrefix(name, testPrefix) || v == "" {
			continue
		}
		if key, ok := names[name]; ok {
			out[key] = v
			continue
		}
		l.refuse(name, "There is no such setting. Did you mean %s?", nearest(name, slices.Collect(maps.Keys(names))))
	}
	return out
}

// file reads stoa.toml.
func (l *loader) file(name string) error {
	asked := name != ""
	if !asked {
		name = DefaultFile
	}
	b, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) && !asked {
		return nil
	}
	if err != nil {
		return errs.InvalidField("config", "The settings file %s cannot be read.", name).WithCause(err)
	}
	own := koanf.New(".")
	if err := own.Load(rawbytes.Provider(b), toml.Parser()); err != nil {
		return errs.InvalidField("config", "The settings file %s is not valid TOML.", name).WithCause(err)
	}
	for _, key := range own.Keys() {
		if m, ok := own.Get(key).(map[string]any); ok && len(m) == 0 { // a section without settings
			own.Delete(key)
			continue
		}
		if !slices.Contains(l.known, key) {
			l.refuse(key, "There is no such setting (%s). Did you mean %s?", name, nearest(key, l.known))
			own.Delete(key)
			continue
		}
		l.from[key] = name
	}
	return l.k.Merge(own)
}

// flags lays the flags over everything.
func (l *loader) flags(values map[string]any) error {
	for key := range values {
		if !slices.Contains(l.known, key) {
			l.refuse(key, "There is no such setting. Did you mean %s?", nearest(key, l.known))
			delete(values, key)
			continue
		}
		l.from[key] = "--" + strings.ReplaceAll(key, "_", "-")
	}
	return l.k.Load(confmap.Provider(values, "."), nil)
}

// layer lays the values of the environment over what is there.
func (l *loader) layer(values map[string]string) error {
	flat := map[string]any{}
	for key, v := range values {
		flat[key] = v
		l.from[key] = envName(key)
	}
	return l.k.Load(confmap.Provider(flat, "."), nil)
}

// decode reads the values into c, and notes those of the wrong type.
func (l *loader) decode(c *Config) {
	var meta mapstructure.Metadata
	err := l.k.UnmarshalWithConf("", c, koanf.UnmarshalConf{DecoderConfig: &mapstructure.DecoderConfig{
		TagName: "koanf", WeaklyTypedInput: true, ErrorUnused: true, Metadata: &meta, DecodeHook: fromText, MatchName: func(key, field string) bool { return key == field },
	}})
	if unset := slices.DeleteFunc(meta.Unset, func(f string) bool { return f == "-" || strings.HasPrefix(f, "oidc[") }); err == nil && len(unset) > 0 {
		err = fmt.Errorf("default.toml lacks %v", unset)
	}
	if err == nil {
		return
	}
	// Which of them it is, decode does not say in a way that can be shown: try each by itself.
	for _, key := range l.known {
		if e := tryDecode(key, l.k.Get(key)); e != nil {
			l.refuse(key, "%s", e.Error())
		}
	}
	if len(l.bad) == 0 {
		l.refuse("config", "%s", err.Error())
	}
}

// tryDecode decodes one setting and returns what is wrong with it as a sentence.
func tryDecode(key string, value any) error {
	t := reflect.TypeFor[Config]()
	for part := range strings.SplitSeq(key, ".") {
		for i := range t.NumField() {
			if t.Field(i).Tag.Get("koanf") == part {
				t = t.Field(i).Type
				break
			}
		}
	}
	d, err := mapstructure.NewDecoder(&mapstructure.DecoderConfig{Result: reflect.New(t).Interface(), WeaklyTypedInput: true, DecodeHook: fromText})
	if err != nil {
		return err
	}
	if err := d.Decode(value); err == nil {
		return nil
	}
	want := map[reflect.Type]string{
		reflect.TypeFor[time.Duration]():  `a time such as "90s", "10m" or "7d"`,
		reflect.TypeFor[Bytes]():          `a size such as "64 KB" or "10 MB"`,
		reflect.TypeFor[Rate]():           `a rate such as "300/5m", or "0"`,
		reflect.TypeFor[Percent]():        `a percentage such as 12.5, between 0 and 100`,
		reflect.TypeFor[int]():            "a whole number",
		reflect.TypeFor[float64]():        "a number",
		reflect.TypeFor[string]():         "a text in quotes",
		reflect.TypeFor[[]OIDC]():         "a list of [[oidc]] sections, each with name, issuer, client_id and perhaps client_secret_file and scopes",
		reflect.TypeFor[[]netip.Prefix](): `addresses or networks such as "10.0.0.0/8"`,
	}[t]
	return fmt.Errorf("%v is not %s.", value, want) //nolint:staticcheck // a sentence for the operator
}

// fromText is how values written as text become times, sizes and networks. A bare number is no time: nobody could tell its unit.
func fromText(from, to reflect.Type, v any) (any, error) {
	s, isText := v.(string)
	switch to {
	case reflect.TypeFor[time.Duration]():
		if !isText {
			return nil, fmt.Errorf("%v has no unit", v)
		}
		return parseDuration(s)
	case reflect.TypeFor[Bytes]():
		if isText {
			return parseBytes(s)
		}
	case reflect.TypeFor[Rate]():
		return parseRate(fmt.Sprint(v))
	case reflect.TypeFor[Percent]():
		return parsePercent(fmt.Sprint(v))
	case reflect.TypeFor[netip.Prefix]():
		if isText {
			return parsePrefix(s)
		}
	case reflect.TypeFor[[]netip.Prefix]():
		if isText { // from the environment or a flag
			return strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == ' ' }), nil
		}
	case reflect.TypeFor[int](), reflect.TypeFor[float64]():
		if isText && strings.TrimSpace(s) == "" || from.Kind() == reflect.Bool || from.Kind() == reflect.Float64 && to.Kind() == reflect.Int {
			return nil, errors.New("not a number, or not a whole one")
		}
	}
	return v, nil
}

func parseDuration(s string) (time.Duration, error) {
	if days, ok := strings.CutSuffix(s, "d"); ok {
		n, err := strconv.ParseInt(days, 10, 32)
		if err != nil || n > 36500 || n < -36500 {
			return 0, fmt.Errorf("%q is not a time", s)
		}
		return time.Duration(n) * 24 * time.Hour, nil
	}
	return time.ParseDuration(s)
}

func parseBytes(s string) (Bytes, error) {
	digits := strings.TrimRight(s, " KMGB")
	unit := strings.TrimSpace(s[len(digits):])
	scale, ok := map[string]int64{"": 1, "B": 1, "KB": 1 << 10, "MB": 1 << 20, "GB": 1 << 30}[unit]
	n, err := strconv.ParseInt(digits, 10, 32)
	if err != nil || !ok {
		return 0, fmt.Errorf("%q is not a size", s)
	}
	return Bytes(n * scale), nil
}

func parseRate(s string) (Rate, error) {
	if strings.TrimSpace(s) == "0" {
		return Rate{}, nil
	}
	count, per, ok := strings.Cut(s, "/")
	n, err := strconv.ParseInt(strings.TrimSpace(count), 10, 32)
	d, derr := parseDuration(strings.TrimSpace(per))
	if !ok || err != nil || derr != nil || n < 1 || n > 1_000_000 || d < time.Second || d > 24*time.Hour {
		return Rate{}, fmt.Errorf("%q is not a rate", s)
	}
	return Rate{int(n), d}, nil
}

// parsePercent reads "12.5" or "12,5" as basis points.
func parsePercent(s string) (Percent, error) {
	whole, part, _ := strings.Cut(strings.Replace(strings.TrimSpace(s), ",", ".", 1), ".")
	if whole == "" || len(whole) > 3 || len(part) > 2 || strings.Trim(whole+part, "0123456789") != "" {
		return 0, fmt.Errorf("%q is not a percentage", s)
	}
	n, err := strconv.Atoi(whole + part + "00"[len(part):])
	return Percent(n), err
}

func parsePrefix(s string) (netip.Prefix, error) {
	if a, err := netip.ParseAddr(s); err == nil {
		return netip.PrefixFrom(a, a.BitLen()), nil
	}
	p, err := netip.ParsePrefix(s)
	return p.Masked(), err
}

// nearest returns the name that takes the fewest changes of a letter to become word.
func nearest(word string, names []string) string {
	slices.Sort(names)
	best, least := "", 1<<30
	for _, name := range names {
		if d := distance(word, name); d < least {
			best, least = name, d
		}
	}
	return best
}

// distance is the Levenshtein distance of two words.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
