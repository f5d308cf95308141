package draw

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
)

func TestPicturesAreWellFormedAndSmall(t *testing.T) {
	palettes := map[string][]string{
		"none": nil, "one": {"#db4a35"}, "six": {"#fbf6e9", "#f58d67", "#2f4a3c", "#9bcf73", "#f6c440", "#7a4a24"}, "broken": {"red", "#12", `"><script>`},
	}
	for _, kind := range append(Kinds(), "front-pizza", "front-ramen", "front-", "unheard-of") {
		for name, palette := range palettes {
			svg := Picture("seed-"+name, kind, palette)
			if !bytes.Equal(svg, Picture("seed-"+name, kind, palette)) {
				t.Errorf("%s (%s): two drawings differ", kind, name)
			}
			if len(svg) > 14_000 {
				t.Errorf("%s (%s): %d bytes", kind, name, len(svg))
			}
			for _, bad := range []string{"<script", "<text", "http://www.w3.org/1999", "NaN", "Inf", `""`} {
				if strings.Contains(string(svg), bad) {
					t.Errorf("%s (%s) contains %q", kind, name, bad)
				}
			}
			for dec := xml.NewDecoder(bytes.NewReader(svg)); ; {
				_, err := dec.Token()
				if errors.Is(err, io.EOF) {
					break
				}
				if err != nil {
					t.Fatalf("%s (%s): %v", kind, name, err)
				}
			}
		}
	}
}

func BenchmarkPicture(b *testing.B) {
	for b.Loop() {
		Picture("seed", "pizza", []string{"#db4a35", "#fdf6e4", "#4f8f3a", "#d9a95f"})
	}
}
