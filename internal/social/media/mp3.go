package media

import (
	"bytes"
	"encoding/binary"
	"io"
)

// frame is the head of a frame of MPEG audio, layer III.
type frame struct {
	rate    int // samples in a second
	bits    int // in a second
	size    int // bytes of the frame
	samples int // of the frame
	side    int // bytes between the head and the data
}

var mp3Bits = [2][16]int{
	{0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 0},
	{0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160, 0},
}

func frameOf(b []byte) (frame, bool) {
	h := binary.BigEndian.Uint32(b)
	version, layer, bits, rate := h>>19&3, h>>17&3, h>>12&15, h>>10&3
	if h>>21 != 0x7ff || version == 1 || layer != 1 || bits == 0 || bits == 15 || rate == 3 {
		return frame{}, false
	}
	f := frame{rate: []int{44100, 48000, 32000}[rate], samples: 1152, side: 32}
	mono := h>>6&3 == 3
	table := 0
	if version != 3 {
		f.rate, f.samples, f.side, table = f.rate/2, 576, 17, 1
		if version == 0 {
			f.rate /= 2
		}
		if mono {
			f.side = 9
		}
	} else if mono {
		f.side = 17
	}
	f.bits = mp3Bits[table][bits] * 1000
	f.size = f.samples/8*f.bits/f.rate + int(h>>9&1)
	return f, f.size > 4
}

// readMP3 wants two frames one after the other behind the tags: two bytes alone are in every other file. The length is what the first frame
// says of the whole (Xing, Info), else what the size makes of its bits in a second.
func readMP3(r io.ReaderAt, n int64) (*found, error) {
	off := int64(0)
	for {
		tag, err := at(r, off, 10)
		if err != nil {
			return nil, err
		}
		if string(tag[:3]) != "ID3" {
			break
		}
		size := int64(0)
		for _, c := range tag[6:10] {
			if c > 127 {
				return nil, errBroken
			}
			size = size<<7 | int64(c)
		}
		off += 10 + size
	}
	// Some programs leave zeros between the tag and the first frame.
	look, err := at(r, off, int(min(4096, n-off)))
	if err != nil {
		return nil, err
	}
	for len(look) > 4 && look[0] == 0 {
		look, off = look[1:], off+1
	}
	if len(look) < 4 {
		return nil, errBroken
	}
	first, ok := frameOf(look)
	if !ok {
		return nil, errBroken
	}
	next, err := at(r, off+int64(first.size), 4)
	if err != nil {
		return nil, err
	}
	if _, ok := frameOf(next); !ok {
		return nil, errBroken
	}
	f := &found{kind: Audio, ending: ".mp3", length: lasting(uint64(n-off)*8, uint64(first.bits))}
	if k := 4 + first.side; len(look) >= k+12 && (bytes.HasPrefix(look[k:], []byte("Xing")) || bytes.HasPrefix(look[k:], []byte("Info"))) && look[k+7]&1 != 0 {
		f.length = lasting(uint64(binary.BigEndian.Uint32(look[k+8:]))*uint64(first.samples), uint64(first.rate))
	}
	return f, nil
}
