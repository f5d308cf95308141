package draw

import (
	"bytes"
	"image/jpeg"
	"testing"
)

func TestScenesAreThePicturesOfTheirSeed(t *testing.T) {
	seen := map[string]string{}
	for kind, alt := range Scenes {
		a, err := Scene("1", kind)
		if err != nil {
			t.Fatal(err)
		}
		b, err := Scene("1", kind)
		if err != nil || !bytes.Equal(a, b) {
			t.Errorf("%s twice is not the same: %v", kind, err)
		}
		other, err := Scene("2", kind)
		if err != nil || bytes.Equal(a, other) {
			t.Errorf("%s of another seed is the same: %v", kind, err)
		}
		img, err := jpeg.Decode(bytes.NewReader(a))
		if err != nil || img.Bounds().Dx() != sceneW || img.Bounds().Dy() != sceneH {
			t.Errorf("%s is no picture of %d by %d: %v", kind, sceneW, sceneH, err)
		}
		if k, ok := seen[string(a)]; ok || alt == "" {
			t.Errorf("%s looks like %s, and is called %q", kind, k, alt)
		}
		seen[string(a)] = kind
		if len(a) > 300_000 {
			t.Errorf("%s has %d bytes", kind, len(a))
		}
	}
}
