// Package paper draws documents on A4 pages as PDF: a heading, two columns of small print, tables with figures set right, sums. It knows
// how things look on paper and nothing of what they mean.
//
// The type is Go Regular and Go Bold (Bigelow & Holmes, BSD licence), whose figures are all of one width. A document embeds those letters of
// it that it uses. A letter that the face has not, such as a Chinese one, is drawn as a question mark.
package paper

import (
	"fmt"
	"strconv"
	"time"

	"github.com/signintech/gopdf"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/goregular"
)

// Sizes in points.
const (
	width, height   = 595.28, 841.89
	left, right     = 56.0, 56.0
	top, bottom     = 56.0, 64.0
	body            = width - left - right
	small, text     = 8.5, 10.0
	title           = 20.0
	leading         = 1.4
	columnGap       = 10.0
	plain, bold     = "go", "go-bold"
	ink, faint, hue = 20, 110, 200
)

// Document is a document that is being drawn, from top to bottom. Errors stay in it: Bytes returns the first.
type Document struct {
	pdf    gopdf.GoPdf
	y      float64
	pages  int
	footer []string
	err    error
}

// Info is what a document says about itself beside its pages. At is when it was made: the same input and time make the same bytes.
type Info struct {
	Title, Author string
	At            time.Time
	Footer        []string // small lines at the foot of each page
}

// New returns an empty document.
func New(info Info) *Document {
	d := &Document{footer: info.Footer}
	d.pdf.Start(gopdf.Config{PageSize: *gopdf.PageSizeA4})
	d.pdf.SetInfo(gopdf.PdfInfo{Title: info.Title, Author: info.Author, Producer: "Stoa", CreationDate: info.At})
	missing := gopdf.TtfOption{OnGlyphNotFoundSubstitute: func(r rune) rune {
		if r == '\u00a0' || r == '\u202f' {
			return ' '
		}
		return '?'
	}}
	d.note(d.pdf.AddTTFFontDataWithOption(plain, goregular.TTF, missing))
	d.note(d.pdf.AddTTFFontDataWithOption(bold, gobold.TTF, missing))
	d.page()
	return d
}

func (d *Document) note(err error) {
	if d.err == nil && err != nil {
		d.err = fmt.Errorf("paper: %w", err)
	}
}

// page begins a new page with its foot.
func (d *Document) page() {
	d.pdf.AddPage()
	d.pages++
	y := height - bottom + 16
	d.font(plain, small, faint)
	for _, line := range d.footer {
		d.put(left, y, body, line, gopdf.Left)
		y += small * leading
	}
	d.put(left, height-bottom+16, body, strconv.Itoa(d.pages), gopdf.Right)
	d.y = top
}

// room begins a new page where less than h points are left on this one, and reports whether it did.
func (d *Document) room(h float64) bool {
	if d.y+h <= height-bottom {
		return false
	}
	d.page()
	return true
}

func (d *Document) font(face string, size float64, shade uint8) {
	d.note(d.pdf.SetFont(face, "", size))
	d.pdf.SetTextColor(shade, shade, shade)
}

// put draws one line of text into a box of a width; what is too long is not cut.
func (d *Document) put(x, y, w float64, s string, align int) {
	if s == "" {
		return
	}
	d.pdf.SetXY(x, y)
	d.note(d.pdf.CellWithOption(&gopdf.Rect{W: w, H: text * leading}, s, gopdf.CellOption{Align: align | gopdf.Top}))
}

// wrap breaks a text into lines of at most w points in the present font.
func (d *Document) wrap(s string, w float64) []string {
	if s == "" {
		return []string{""}
	}
	lines, err := d.pdf.SplitTextWithWordWrap(s, w)
	if err != nil { // a box that is too narrow for one letter
		d.note(err)
		return []string{s}
	}
	return lines
}

// Title draws the heading of the document.
func (d *Document) Title(s string) {
	d.font(bold, title, ink)
	for _, line := range d.wrap(s, body) {
		d.room(title * leading)
		d.put(left, d.y, body, line, gopdf.Left)
		d.y += title * leading
	}
	d.Gap(4)
}

// Heading draws the heading of a part.
func (d *Document) Heading(s string) {
	d.room(60)
	d.Gap(10)
	d.font(bold, text+1, ink)
	d.put(left, d.y, body, s, gopdf.Left)
	d.y += (text + 1) * leading
	d.Gap(2)
}

// Para draws a paragraph.
func (d *Document) Para(s string) {
	d.font(plain, text, ink)
	for _, line := range d.wrap(s, body) {
		if d.room(text * leading) {
			d.font(plain, text, ink)
		}
		d.put(left, d.y, body, line, gopdf.Left)
		d.y += text * leading
	}
}

// Sides draws lines at the left and at the right, such as who sells and which number. The first line of each is bold.
func (d *Document) Sides(l, r []string) {
	start, end := d.y, d.y
	for i, side := range [][]string{l, r} {
		d.y = start
		for n, s := range side {
			face := plain
			if n == 0 {
				face = bold
			}
			d.font(face, text, ink)
			for _, line := range d.wrap(s, body/2-columnGap) {
				x, align := left, gopdf.Left
				if i == 1 {
					x, align = left+body/2, gopdf.Right
				}
				d.put(x, d.y, body/2, line, align)
				d.y += text * leading
			}
		}
		end = max(end, d.y)
	}
	d.y = end
}

// Gap leaves points free.
func (d *Document) Gap(points float64) { d.y += points }

// Rule draws a line across the page.
func (d *Document) Rule() {
	d.room(8)
	d.pdf.SetStrokeColor(hue, hue, hue)
	d.pdf.SetLineWidth(0.6)
	d.pdf.Line(left, d.y+3, width-right, d.y+3)
	d.y += 8
}

// Column is a column of a table: its heading, its share of the width, and whether its cells are figures, which are set right.
type Column struct {
	Title  string
	Share  float64
	Figure bool
}

// Row is a row of a table. Under is small print below the row, beginning in its second column where there is one.
type Row struct {
	Cells []string
	Under []string
	Bold  bool
}

// Table draws a table, its headings again on each page.
func (d *Document) Table(cols []Column, rows []Row) {
	var all float64
	for _, c := range cols {
		all += c.Share
	}
	xs, ws := make([]float64, len(cols)), make([]float64, len(cols))
	x := left
	for i, c := range cols {
		xs[i], ws[i] = x, body*c.Share/all
		x += ws[i]
	}
	head := func() {
		d.font(bold, small, faint)
		for i, c := range cols {
			d.cell(cols[i], xs[i], ws[i], d.y, c.Title)
		}
		d.y += small*leading + 1
		d.Rule()
	}
	titled := false
	for _, c := range cols {
		titled = titled || c.Title != ""
	}
	if titled {
		d.room(60)
		head()
	}
	for _, r := range rows {
		face := plain
		if r.Bold {
			face = bold
		}
		d.font(face, text, ink)
		lines := make([][]string, len(cols))
		n := 1
		for i := range min(len(r.Cells), len(cols)) {
			lines[i] = []string{r.Cells[i]}
			if !cols[i].Figure {
				lines[i] = d.wrap(r.Cells[i], ws[i]-columnGap)
			}
			n = max(n, len(lines[i]))
		}
		if d.room(float64(n)*text*leading+float64(len(r.Under))*small*leading) && titled {
			head()
		}
		d.font(face, text, ink)
		for i := range cols {
			for k, s := range lines[i] {
				d.cell(cols[i], xs[i], ws[i], d.y+float64(k)*text*leading, s)
			}
		}
		d.y += float64(n) * text * leading
		under := min(1, len(cols)-1)
		d.font(plain, small, faint)
		for _, s := range r.Under {
			for _, line := range d.wrap(s, left+body-xs[under]-columnGap) {
				d.put(xs[under], d.y, body, line, gopdf.Left)
				d.y += small * leading
			}
		}
		d.Gap(2)
	}
}

func (d *Document) cell(c Column, x, w, y float64, s string) {
	if c.Figure {
		d.put(x, y, w, s, gopdf.Right)
		return
	}
	d.put(x, y, w, s, gopdf.Left)
}

// Bytes returns the document.
func (d *Document) Bytes() ([]byte, error) {
	if d.err != nil {
		return nil, d.err
	}
	b, err := d.pdf.GetBytesPdfReturnErr()
	if err != nil {
		return nil, fmt.Errorf("paper: %w", err)
	}
	return b, nil
}
