package media

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"time"
)

// sniff says what a file is by its content. A picture is only named here: whoever decodes it finds out whether it is one. It returns
// errContent for what is none of the files that are taken.
func sniff(r io.ReaderAt, n int64) (*found, error) {
	head := make([]byte, min(n, 64))
	if len(head) < 12 {
		return nil, errContent
	}
	if _, err := r.ReadAt(head, 0); err != nil {
		return nil, err
	}
	var f *found
	var err error
	switch {
	case bytes.HasPrefix(head, []byte("\xff\xd8\xff")), bytes.HasPrefix(head, []byte("\x89PNG\r\n\x1a\n")), is(head, "RIFF????WEBPVP8"):
		return &found{kind: Image}, nil
	case is(head, "GIF8?a"):
		return &found{kind: Image, ending: ".gif"}, nil
	case is(head, "????ftyp"):
		f, err = readMP4(r, n)
	case is(head, "\x1aE\xdf\xa3"):
		f, err = readWebM(r, n)
	case is(head, "OggS\x00"):
		f, err = readOgg(r, n)
	case is(head, "fLaC\x00"):
		f, err = readFLAC(head)
	case is(head, "RIFF????WAVE"):
		f, err = readWAV(r, n)
	case is(head, "ID3"), head[0] == 0xff && head[1]&0xe0 == 0xe0:
		f, err = readMP3(r, n)
	default:
		return nil, errContent
	}
	// Files that end where more was announced are broken like all others.
	if errors.Is(err, errBroken) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, errContent
	}
	if err != nil {
		return nil, err
	}
	return f, f.allowed()
}

// errBroken is a file that is not what its head says.
var errBroken = errors.New("media: the file is broken")

// is reports whether b begins with a pattern, in which ? stands for any byte.
func is(b []byte, pattern string) bool {
	if len(b) < len(pattern) {
		return false
	}
	for i := range len(pattern) {
		if pattern[i] != '?' && pattern[i] != b[i] {
			return false
		}
	}
	return true
}

// at returns n bytes of r from off.
func at(r io.ReaderAt, off int64, n int) ([]byte, error) {
	b := make([]byte, n)
	if _, err := r.ReadAt(b, off); err != nil {
		return nil, err
	}
	return b, nil
}

// lasting returns how long count parts take of which there are rate in a second; 0 for what makes no sense.
func lasting(count uint64, rate uint64) time.Duration {
	if rate == 0 || count/rate > 1_000_000 {
		return 0
	}
	return time.Duration(float64(count) / float64(rate) * float64(time.Second))
}

// patch is a part of a file that is kept as something else: the bytes of with, then zeros.
type patch struct {
	from, to int64
	with     string
}

// patched reads a file with its patches.
type patched struct {
	r       *io.SectionReader
	at      int64
	patches []patch
}

func (p *patched) Read(b []byte) (int, error) {
	n, err := p.r.Read(b)
	for _, x := range p.patches {
		for i := max(x.from, p.at); i < min(x.to, p.at+int64(n)); i++ {
			v := byte(0)
			if k := i - x.from; k < int64(len(x.with)) {
				v = x.with[k]
			}
			b[i-p.at] = v
		}
	}
	p.at += int64(n)
	return n, err
}

// readOgg knows sounds of Vorbis, Opus and FLAC by the first packet, and their length by the position that the last page names.
func readOgg(r io.ReaderAt, n int64) (*found, error) {
	page, err := at(r, 0, int(min(n, 27+255+64)))
	if err != nil {
		return nil, err
	}
	if len(page) < 60 || page[5]&2 == 0 { // begin of stream
		return nil, errBroken
	}
	packet := page[27+int(page[26]):]
	var rate, skip uint64
	switch {
	case is(packet, "\x01vorbis\x00\x00\x00\x00") && len(packet) >= 16:
		rate = uint64(binary.LittleEndian.Uint32(packet[12:]))
	case is(packet, "OpusHead\x01") && len(packet) >= 12:
		rate, skip = 48_000, uint64(binary.LittleEndian.Uint16(packet[10:]))
	case is(packet, "\x7fFLAC\x01") && len(packet) >= 30:
		rate = uint64(binary.BigEndian.Uint32(packet[27:]) >> 12)
	default:
		return nil, errBroken
	}
	f := &found{kind: Audio, ending: ".ogg"}
	tail, err := at(r, max(0, n-64<<10), int(min(n, 64<<10)))
	if err != nil {
		return nil, err
	}
	if i := bytes.LastIndex(tail, []byte("OggS\x00")); i >= 0 && i+14 <= len(tail) {
		if pos := binary.LittleEndian.Uint64(tail[i+6:]); pos > skip && pos < 1<<62 {
			f.length = lasting(pos-skip, rate)
		}
	}
	return f, nil
}

func readFLAC(head []byte) (*found, error) {
	if len(head) < 26 || head[4]&0x7f != 0 || binary.BigEndian.Uint32(head[4:])&0xffffff != 34 {
		return nil, errBroken
	}
	bits := binary.BigEndian.Uint64(head[18:]) // 20 bits of rate, 3 of channels, 5 of depth, 36 of how many
	rate := bits >> 44
	if rate == 0 {
		return nil, errBroken
	}
	return &found{kind: Audio, ending: ".flac", length: lasting(bits&(1<<36-1), rate)}, nil
}

func readWAV(r io.ReaderAt, n int64) (*found, error) {
	f := &found{kind: Audio, ending: ".wav"}
	perSecond := uint32(0)
	for off, parts := int64(12), 0; off+8 <= n && parts < 1000; parts++ {
		b, err := at(r, off, 8)
		if err != nil {
			return nil, err
		}
		size := int64(binary.LittleEndian.Uint32(b[4:]))
		switch string(b[:4]) {
		case "fmt ":
			fmt, err := at(r, off+8, 16)
			if err != nil {
				return nil, err
			}
			if perSecond = binary.LittleEndian.Uint32(fmt[8:]); perSecond == 0 {
				return nil, errBroken
			}
		case "data":
			if perSecond == 0 {
				return nil, errBroken
			}
			f.length = lasting(uint64(min(size, n-off-8)), uint64(perSecond))
			return f, nil
		}
		off += 8 + size + size&1
	}
	return nil, errBroken
}
