package media

import (
	"encoding/binary"
	"io"
	"slices"
	"time"
)

// maxBoxes is how many boxes of a film are looked at: those of an hour in fragments are some thousand.
const maxBoxes = 20_000

// mp4 reads the boxes of ISO base media files (ISO/IEC 14496-12): MP4, M4A and QuickTime.
type mp4 struct {
	r     io.ReaderAt
	boxes int
	found
	sound bool
}

// box is a part of such a file.
type box struct {
	kind             string
	start, body, end int64
}

// brands are those whose files players of the web know; those of pictures are none of them.
var brands = []string{"isom", "iso2", "iso3", "iso4", "iso5", "iso6", "iso7", "iso8", "iso9", "mp41", "mp42", "avc1", "M4V ", "M4A ", "M4VH", "M4VP", "qt  ", "dash", "MSNV", "mp71", "3gp4", "3gp5", "3gp6", "f4v "}

func readMP4(r io.ReaderAt, n int64) (*found, error) {
	m := &mp4{r: r}
	first, err := m.box(0, n)
	if err != nil {
		return nil, err
	}
	if first.end-first.body < 8 || first.end-first.body > 1024 {
		return nil, errBroken
	}
	names, err := at(r, first.body, int(first.end-first.body))
	if err != nil {
		return nil, err
	}
	known := slices.Contains(brands, string(names[:4]))
	for i := 8; i+4 <= len(names); i += 4 {
		known = known || slices.Contains(brands, string(names[i:i+4]))
	}
	if !known {
		return nil, errBroken
	}
	moov := false
	err = m.each(first.end, n, func(b box) error {
		switch b.kind {
		case "moov":
			moov = true
			return m.each(b.body, b.end, m.movie)
		case "ftyp":
			return errBroken
		case "uuid", "meta", "udta":
			m.drop(b)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	switch {
	case !moov:
		return nil, errBroken
	case m.width > 0 && m.sound:
		m.kind, m.ending = Video, ".mp4"
	case m.width > 0:
		m.kind, m.ending = Gifv, ".mp4"
	case m.sound:
		m.kind, m.ending = Audio, ".m4a"
	default:
		return nil, errBroken
	}
	return &m.found, nil
}

// box reads the head of the box at off, which may reach to end.
func (m *mp4) box(off, end int64) (box, error) {
	if m.boxes++; m.boxes > maxBoxes {
		return box{}, errBroken
	}
	h, err := at(m.r, off, 8)
	if err != nil {
		return box{}, err
	}
	b := box{kind: string(h[4:]), start: off, body: off + 8, end: off + int64(binary.BigEndian.Uint32(h))}
	switch size := b.end - off; {
	case size == 0 && b.kind == "mdat": // to the end of the file
		b.end = end
	case size == 1 && b.kind == "mdat":
		long, err := at(m.r, b.body, 8)
		if err != nil {
			return box{}, err
		}
		big := binary.BigEndian.Uint64(long)
		if big > uint64(end-off) {
			return box{}, errBroken
		}
		b.body, b.end = off+16, off+int64(big)
	}
	if b.end < b.body || b.end > end {
		return box{}, errBroken
	}
	for i := range 4 {
		if c := b.kind[i]; (c < ' ' || c > '~') && c != 0xa9 {
			return box{}, errBroken
		}
	}
	return b, nil
}

// each calls fn for the boxes that lie one behind the other from off to end.
func (m *mp4) each(off, end int64, fn func(box) error) error {
	for off < end {
		b, err := m.box(off, end)
		if err != nil {
			return err
		}
		if err := fn(b); err != nil {
			return err
		}
		off = b.end
	}
	return nil
}

// drop has a box kept as free space: places and names stand in these.
func (m *mp4) drop(b box) { m.patches = append(m.patches, patch{b.start + 4, b.end, "free"}) }

// number reads an unsigned number of size bytes in a box.
func (m *mp4) number(b box, off int64, size int) (uint64, error) {
	if b.body+off+int64(size) > b.end {
		return 0, errBroken
	}
	v, err := at(m.r, b.body+off, size)
	if err != nil {
		return 0, err
	}
	if size == 8 {
		return binary.BigEndian.Uint64(v), nil
	}
	return uint64(binary.BigEndian.Uint32(v)), nil
}

// span reads a time scale and a duration, which lie behind two times of the length that the box's version says.
func (m *mp4) span(b box) (scale, length uint64, err error) {
	version, err := m.number(b, 0, 4)
	if err != nil {
		return 0, 0, err
	}
	off, size := int64(12), 4
	if version>>24 == 1 {
		off, size = 20, 8
	}
	if scale, err = m.number(b, off, 4); err != nil {
		return 0, 0, err
	}
	length, err = m.number(b, off+4, size)
	if length == 1<<(8*size)-1 { // unknown
		length = 0
	}
	return scale, length, err
}

// movie reads a box of moov.
func (m *mp4) movie(b box) error {
	switch b.kind {
	case "mvhd":
		scale, length, err := m.span(b)
		if err != nil {
			return err
		}
		m.length = lasting(length, scale)
	case "udta", "meta", "uuid":
		m.drop(b)
	case "trak":
		return m.track(b)
	}
	return nil
}

func (m *mp4) track(trak box) error {
	var width, height, samples int
	var length time.Duration
	var handler string
	var inside func(b box) error
	inside = func(b box) error {
		switch b.kind {
		case "udta", "meta", "uuid":
			m.drop(b)
		case "mdia", "minf", "stbl":
			return m.each(b.body, b.end, inside)
		case "tkhd":
			var err error
			width, height, err = m.frame(b)
			return err
		case "mdhd":
			scale, n, err := m.span(b)
			length = lasting(n, scale)
			return err
		case "hdlr":
			v, err := m.number(b, 8, 4)
			if err != nil {
				return err
			}
			if handler == "" || handler == "alis" { // QuickTime has a second one, of data, in minf
				handler = string(binary.BigEndian.AppendUint32(nil, uint32(v)))
			}
		case "stsz":
			v, err := m.number(b, 8, 4)
			samples = int(v)
			return err
		}
		return nil
	}
	if err := m.each(trak.body, trak.end, inside); err != nil {
		return err
	}
	switch {
	case handler == "soun":
		m.sound = true
	case handler == "vide" && m.width == 0 && width > 0 && height > 0:
		m.width, m.height = width, height
		if samples > 0 && length > 0 {
			m.rate = float64(samples) / length.Seconds()
		}
	}
	return nil
}

// frame reads from a track's head how large its pictures are when they stand upright.
func (m *mp4) frame(b box) (width, height int, err error) {
	version, err := m.number(b, 0, 4)
	if err != nil {
		return 0, 0, err
	}
	matrix := int64(40)
	if version>>24 == 1 {
		matrix = 52
	}
	var v [4]uint64
	for i, off := range []int64{matrix, matrix + 4, matrix + 36, matrix + 40} {
		if v[i], err = m.number(b, off, 4); err != nil {
			return 0, 0, err
		}
	}
	width, height = int(v[2]>>16), int(v[3]>>16)
	if v[0] == 0 && v[1] != 0 { // turned by a quarter
		width, height = height, width
	}
	return width, height, nil
}
