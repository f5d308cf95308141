package media

import (
	"bytes"
	"encoding/binary"
)

// Limits of a GIF that moves: what every browser unpacks again and again.
const (
	maxFrames     = 3000
	maxGIFPixels  = 16_000_000    // of one picture
	maxGIFPainted = 4_000_000_000 // of all
)

// rebuildGIF walks through the blocks of a GIF and puts it together anew of its pictures, their times and how often they repeat: comments,
// texts, what programs noted, and whatever follows the end are left out. It returns how many pictures there are, and errBroken where a
// block is not whole or a picture reaches out of its frame.
func rebuildGIF(b []byte) (out []byte, frames int, err error) {
	if len(b) < 13 || string(b[:6]) != "GIF87a" && string(b[:6]) != "GIF89a" {
		return nil, 0, errBroken
	}
	wide, high := int(binary.LittleEndian.Uint16(b[6:])), int(binary.LittleEndian.Uint16(b[8:]))
	if wide*high == 0 || wide*high > maxGIFPixels {
		return nil, 0, errBroken
	}
	i, painted := 13+colours(b[10]), 0
	if i > len(b) {
		return nil, 0, errBroken
	}
	out = append(make([]byte, 0, len(b)), b[:i]...)
	copy(out, "GIF89a")
	for i < len(b) {
		switch start := i; b[i] {
		case 0x3b:
			if frames == 0 {
				return nil, 0, errBroken
			}
			return append(out, 0x3b), frames, nil
		case 0x21:
			if i+3 > len(b) {
				return nil, 0, errBroken
			}
			end := blocks(b, i+2)
			if end < 0 {
				return nil, 0, errBroken
			}
			part := b[start:end]
			control := part[1] == 0xf9 && len(part) == 8 && part[2] == 4
			repeats := part[1] == 0xff && len(part) == 19 && (bytes.HasPrefix(part[3:], []byte("NETSCAPE2.0\x03\x01")) || bytes.HasPrefix(part[3:], []byte("ANIMEXTS1.0\x03\x01")))
			if control || repeats {
				out = append(out, part...)
			}
			i = end
		case 0x2c:
			if i+11 > len(b) {
				return nil, 0, errBroken
			}
			x, y := int(binary.LittleEndian.Uint16(b[i+1:])), int(binary.LittleEndian.Uint16(b[i+3:]))
			w, h := int(binary.LittleEndian.Uint16(b[i+5:])), int(binary.LittleEndian.Uint16(b[i+7:]))
			data := i + 10 + colours(b[i+9])
			if w*h == 0 || x+w > wide || y+h > high || data >= len(b) || b[data] < 2 || b[data] > 8 {
				return nil, 0, errBroken
			}
			frames, painted = frames+1, painted+w*h
			end := blocks(b, data+1)
			if end < 0 || end == data+2 || frames > maxFrames || painted > maxGIFPainted {
				return nil, 0, errBroken
			}
			out = append(out, b[start:end]...)
			i = end
		default:
			return nil, 0, errBroken
		}
	}
	return nil, 0, errBroken
}

// colours returns how many bytes of colours follow flags.
func colours(flags byte) int {
	if flags&0x80 == 0 {
		return 0
	}
	return 3 << (flags&7 + 1)
}

// blocks returns where the blocks end that begin at i, -1 where they do not.
func blocks(b []byte, i int) int {
	for i < len(b) {
		n := int(b[i])
		i++
		if n == 0 {
			return i
		}
		i += n
	}
	return -1
}
