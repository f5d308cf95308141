package media

import (
	"encoding/binary"
	"io"
	"math"
	"math/bits"
	"time"
)

// Elements of WebM (matroska.org/technical/elements.html) that are looked at.
const (
	ebmlHead    = 0x1a45dfa3
	ebmlDocType = 0x4282
	mkSegment   = 0x18538067
	mkInfo      = 0x1549a966
	mkScale     = 0x2ad7b1
	mkDuration  = 0x4489
	mkTracks    = 0x1654ae6b
	mkTrack     = 0xae
	mkType      = 0x83
	mkVideo     = 0xe0
	mkWidth     = 0xb0
	mkHeight    = 0xba
	mkCluster   = 0x1f43b675
	mkEach      = 0x23e383 // nanoseconds of a picture
)

// maxElements is how many elements before the first cluster are looked at.
const maxElements = 5000

type webm struct {
	r     io.ReaderAt
	seen  int
	scale uint64  // nanoseconds of a tick
	ticks float64 // of the whole
	found
	sound bool
}

type element struct {
	id        uint64
	body, end int64
}

func readWebM(r io.ReaderAt, n int64) (*found, error) {
	w := &webm{r: r, scale: 1_000_000}
	head, err := w.element(0, n)
	if err != nil {
		return nil, err
	}
	doc := ""
	if err := w.each(head, func(e element) (bool, error) {
		if e.id != ebmlDocType || e.end-e.body > 16 {
			return true, nil
		}
		b, err := at(r, e.body, int(e.end-e.body))
		doc = string(b)
		return true, err
	}); err != nil {
		return nil, err
	}
	if head.id != ebmlHead || doc != "webm" {
		return nil, errBroken
	}
	segment, err := w.element(head.end, n)
	if err != nil || segment.id != mkSegment {
		return nil, errBroken
	}
	if err := w.each(segment, w.part); err != nil {
		return nil, err
	}
	if w.ticks > 0 {
		if d := w.ticks * float64(w.scale); d < 1e15 {
			w.length = time.Duration(d)
		}
	}
	w.ending = ".webm"
	switch {
	case w.width > 0 && w.sound:
		w.kind = Video
	case w.width > 0:
		w.kind = Gifv
	case w.sound:
		w.kind = Audio
	default:
		return nil, errBroken
	}
	return &w.found, nil
}

// part reads a child of the segment, up to the first cluster.
func (w *webm) part(e element) (more bool, err error) {
	switch e.id {
	case mkInfo:
		return true, w.each(e, func(e element) (bool, error) {
			var err error
			switch e.id {
			case mkScale:
				w.scale, err = w.uint(e)
			case mkDuration:
				w.ticks, err = w.float(e)
			}
			return true, err
		})
	case mkTracks:
		return true, w.each(e, func(e element) (bool, error) {
			if e.id != mkTrack {
				return true, nil
			}
			return true, w.track(e)
		})
	}
	return e.id != mkCluster, nil
}

func (w *webm) track(e element) error {
	var kind, width, height, each uint64
	err := w.each(e, func(e element) (bool, error) {
		var err error
		switch e.id {
		case mkType:
			kind, err = w.uint(e)
		case mkEach:
			each, err = w.uint(e)
		case mkVideo:
			err = w.each(e, func(e element) (bool, error) {
				var err error
				switch e.id {
				case mkWidth:
					width, err = w.uint(e)
				case mkHeight:
					height, err = w.uint(e)
				}
				return true, err
			})
		}
		return true, err
	})
	if err != nil {
		return err
	}
	switch {
	case kind == 2:
		w.sound = true
	case kind == 1 && w.width == 0 && width > 0 && height > 0 && width < 1<<16 && height < 1<<16:
		w.width, w.height = int(width), int(height)
		if each > 0 {
			w.rate = 1e9 / float64(each)
		}
	}
	return nil
}

// varint reads a number of 1 to 8 bytes whose first bits say how many; keep leaves those bits in. all reports that every bit is set.
func (w *webm) varint(off int64, keep bool) (v uint64, n int64, all bool, err error) {
	first, err := at(w.r, off, 1)
	if err != nil {
		return 0, 0, false, err
	}
	n = int64(bits.LeadingZeros8(first[0])) + 1
	if n > 8 {
		return 0, 0, false, errBroken
	}
	b, err := at(w.r, off, int(n))
	if err != nil {
		return 0, 0, false, err
	}
	for _, c := range b {
		v = v<<8 | uint64(c)
	}
	rest := v &^ (1 << (7 * n))
	all = rest == 1<<(7*n)-1
	if !keep {
		v = rest
	}
	return v, n, all, nil
}

func (w *webm) element(off, end int64) (element, error) {
	if w.seen++; w.seen > maxElements {
		return element{}, errBroken
	}
	name, a, _, err := w.varint(off, true)
	if err != nil {
		return element{}, err
	}
	size, b, unknown, err := w.varint(off+a, false)
	if err != nil {
		return element{}, err
	}
	e := element{id: name, body: off + a + b}
	switch {
	case unknown && (name == mkSegment || name == mkCluster): // recorded as it came
		e.end = end
	case size > uint64(max(0, end-e.body)):
		return element{}, errBroken
	default:
		e.end = e.body + int64(size)
	}
	return e, nil
}

func (w *webm) each(in element, fn func(element) (more bool, err error)) error {
	for off := in.body; off < in.end; {
		e, err := w.element(off, in.end)
		if err != nil {
			return err
		}
		if more, err := fn(e); err != nil || !more {
			return err
		}
		off = e.end
	}
	return nil
}

func (w *webm) uint(e element) (v uint64, err error) {
	if e.end-e.body > 8 {
		return 0, errBroken
	}
	b, err := at(w.r, e.body, int(e.end-e.body))
	for _, c := range b {
		v = v<<8 | uint64(c)
	}
	return v, err
}

func (w *webm) float(e element) (float64, error) {
	b, err := at(w.r, e.body, int(min(8, e.end-e.body)))
	switch {
	case err != nil:
		return 0, err
	case len(b) == 4:
		return float64(math.Float32frombits(binary.BigEndian.Uint32(b))), nil
	case len(b) == 8:
		return math.Float64frombits(binary.BigEndian.Uint64(b)), nil
	}
	return 0, errBroken
}
