package totp

import (
	"fmt"
	"strings"

	"rsc.io/qr"
)

// quiet is how many modules of white a reader wants around the code.
const quiet = 4

// picture is a QR code as the path of an SVG: squares of one unit.
type picture struct {
	Size int // units of a side, with the white around
	Path string
}

// drawQR returns the QR code of a text.
func drawQR(text string) (picture, error) {
	c, err := qr.Encode(text, qr.M)
	if err != nil {
		return picture{}, fmt.Errorf("totp: draw a QR code: %w", err)
	}
	var b strings.Builder
	for y := range c.Size {
		for x := 0; x < c.Size; x++ {
			from := x
			for x < c.Size && c.Black(x, y) {
				x++
			}
			if x > from {
				fmt.Fprintf(&b, "M%d %dh%dv1h-%dz", from+quiet, y+quiet, x-from, x-from)
			}
		}
	}
	return picture{Size: c.Size + 2*quiet, Path: b.String()}, nil
}
