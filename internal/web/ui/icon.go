package ui

import (
	"context"
	"io"

	"github.com/a-h/templ"
)

// Icon returns the named icon as inline SVG in the colour and size of the text around it, hidden from screen readers: what it means must be
// said in words beside it or in a label. Names are those of lucide that icons.txt in internal/web/assets lists; a test finds names that are
// used but not listed. An unknown name draws a plain circle.
func Icon(name string) templ.Component {
	return templ.ComponentFunc(func(_ context.Context, w io.Writer) error {
		paths, ok := icons[name]
		if !ok {
			paths = `<circle cx="12" cy="12" r="9"/>`
		}
		_, err := io.WriteString(w, `<svg class="icon" width="20" height="20" viewBox="0 0 24 24" aria-hidden="true">`+paths+`</svg>`)
		return err
	})
}
