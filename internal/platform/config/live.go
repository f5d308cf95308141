package config

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-viper/mapstructure/v2"
	"github.com/knadh/koanf/parsers/toml/v2"
	"github.com/knadh/koanf/providers/rawbytes"
	"github.com/knadh/koanf/v2"

	"github.com/stoa-town/stoa/internal/base/errs"
)

// With returns c with some settings replaced by values written as in stoa.toml, without quotes. It returns an Invalid error with a field for
// every setting that is unknown or makes no sense, also where it does so only together with another.
func With(c Config, values map[string]string) (Config, error) {
	l := &loader{from: map[string]string{}}
	for _, key := range slices.Sorted(maps.Keys(values)) {
		f, ok := field(reflect.ValueOf(&c).Elem(), key)
		if !ok {
			l.refuse(key, "There is no such setting.")
			continue
		}
		if err := tryDecode(key, values[key]); err != nil {
			l.refuse(key, "%s", err.Error())
			continue
		}
		fresh := reflect.New(f.Type())
		d, err := mapstructure.NewDecoder(&mapstructure.DecoderConfig{Result: fresh.Interface(), WeaklyTypedInput: true, DecodeHook: fromText})
		if err == nil {
			err = d.Decode(values[key])
		}
		if err != nil {
			return c, fmt.Errorf("config: read %s: %w", key, err)
		}
		f.Set(fresh.Elem())
	}
	if len(l.bad) == 0 {
		c.check(l)
	}
	if len(l.bad) == 0 {
		return c, nil
	}
	slices.SortFunc(l.bad, func(a, b errs.Field) int { return strings.Compare(a.Path, b.Path) })
	return c, errs.InvalidFields(l.bad)
}

// Text returns a setting as With takes it, and false for one that does not exist.
func Text(c Config, key string) (string, bool) {
	f, ok := field(reflect.ValueOf(&c).Elem(), key)
	if !ok {
		return "", false
	}
	switch v := f.Interface().(type) {
	case time.Duration:
		return duration(v), true
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64), true
	}
	return fmt.Sprint(f.Interface()), true
}

// field finds a setting in a Config.
func field(v reflect.Value, key string) (reflect.Value, bool) {
	for part := range strings.SplitSeq(key, ".") {
		if v.Kind() != reflect.Struct {
			return v, false
		}
		i := 0
		for i < v.NumField() && v.Type().Field(i).Tag.Get("koanf") != part {
			i++
		}
		if i == v.NumField() {
			return v, false
		}
		v = v.Field(i)
	}
	return v, v.Kind() != reflect.Struct || v.Type() == reflect.TypeFor[Rate]()
}

// Default returns what a setting is where nobody sets it, and false for one that does not exist.
func Default(key string) (string, bool) {
	k := koanf.New(".")
	if err := k.Load(rawbytes.Provider([]byte(defaults)), toml.Parser()); err != nil || !k.Exists(key) {
		return "", false
	}
	return fmt.Sprint(k.Get(key)), true
}

// duration writes a time with the fewest units: "10m", "7d", "90s".
func duration(d time.Duration) string {
	const day = 24 * time.Hour
	if d != 0 && d%day == 0 {
		return strconv.Itoa(int(d/day)) + "d"
	}
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// String returns the text form.
func (b Bytes) String() string {
	for _, u := range []struct {
		name  string
		scale Bytes
	}{{"GB", 1 << 30}, {"MB", 1 << 20}, {"KB", 1 << 10}} {
		if b != 0 && b%u.scale == 0 {
			return strconv.FormatInt(int64(b/u.scale), 10) + " " + u.name
		}
	}
	return strconv.FormatInt(int64(b), 10)
}

// String returns the text form.
func (r Rate) String() string {
	if r == (Rate{}) {
		return "0"
	}
	return strconv.Itoa(r.N) + "/" + duration(r.Per)
}
