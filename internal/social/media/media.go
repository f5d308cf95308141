// Package media keeps what statuses carry: pictures, films and sounds. What a file is, its content says, never its name. Pictures are decoded,
// scaled and encoded anew; GIFs that move are rebuilt of their pictures alone; films and sounds stay as they are, but for what phones write
// into them about where they were taken.
//
// A file belongs to nobody's status at first. What is attached to none for a day is deleted. Names of files are of chance, so that those of
// statuses that not everybody may read are found by nobody else.
package media

import (
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/contract/social"
)

// What may be sent, and how much of it.
const (
	MaxPicture     = 16 << 20 // bytes of a picture, also one that moves
	MaxFilm        = 40 << 20 // bytes of a film or a sound
	MaxPixels      = 24_000_000
	MaxFilmPixels  = 3840 * 2304
	MaxRate        = 120  // pictures of a film in a second
	MaxDescription = 1500 // characters
	MaxAttached    = 8    // files of a status

	largeSide = 2560
	smallSide = 640

	// Loose is how long a file is kept that no status carries.
	Loose = 24 * time.Hour
)

// Types are the media types that may be sent, as an instance names them.
var Types = []string{
	"image/jpeg", "image/png", "image/gif", "image/webp", "video/mp4", "video/quicktime", "video/webm",
	"audio/mpeg", "audio/mp3", "audio/ogg", "audio/vorbis", "audio/opus", "audio/flac", "audio/x-flac", "audio/wav", "audio/wave", "audio/x-wav", "audio/mp4", "audio/m4a", "audio/x-m4a", "audio/webm",
}

// The kinds of attachments. A Gifv is a film without a sound, which plays over and over.
const (
	Image = "image"
	Gifv  = "gifv"
	Video = "video"
	Audio = "audio"
)

// found is what a look into a file has found.
type found struct {
	kind          string // of the four; moving GIFs are an Image
	ending        string // of the stored file, with its dot; empty for pictures that are encoded anew
	width, height int
	length        time.Duration // 0: unknown
	rate          float64       // pictures in a second, 0: unknown
	patches       []patch       // what is not kept of it
}

var (
	errContent = errs.InvalidField("file", "Validation failed: this is no picture, film or sound that can be shown. Send JPEG, PNG, GIF, WebP, MP4, WebM, MP3, Ogg, FLAC, WAV or M4A.")
	errNoFile  = errs.InvalidField("file", "Validation failed: there is no file.")
)

// ParseFocus reads "x,y" with both from -1 to 1. An empty text is no focus.
func ParseFocus(s string) (*social.Focus, error) {
	if strings.TrimSpace(s) == "" {
		return nil, nil //nolint:nilnil // no focus is an answer
	}
	a, b, ok := strings.Cut(s, ",")
	x, errX := strconv.ParseFloat(strings.TrimSpace(a), 64)
	y, errY := strconv.ParseFloat(strings.TrimSpace(b), 64)
	if !ok || errX != nil || errY != nil || math.IsNaN(x) || math.IsNaN(y) {
		return nil, errs.InvalidField("focus", "Validation failed: a focus is two numbers from -1 to 1, with a comma.")
	}
	return &social.Focus{X: min(max(x, -1), 1), Y: min(max(y, -1), 1)}, nil
}

// checkDescription returns what somebody wrote for those who do not see the picture, without spaces around it.
func checkDescription(s string) (string, error) {
	s = strings.TrimSpace(s)
	if utf8.RuneCountInString(s) > MaxDescription {
		return "", errs.InvalidField("description", "Validation failed: a description has at most %d characters.", MaxDescription)
	}
	return s, nil
}

// allowed returns why a file that was found is not taken.
func (f *found) allowed() error {
	if f.width*f.height > MaxFilmPixels || f.width > 7680 || f.height > 7680 {
		return errs.InvalidField("file", "Validation failed: %d × %d pixels are too many for a film; send at most 3840 × 2304.", f.width, f.height)
	}
	if f.rate > MaxRate {
		return errs.InvalidField("file", "Validation failed: a film has at most %d pictures in a second.", MaxRate)
	}
	return nil
}

// aspect is width / height to two digits, 0 where there is no picture.
func aspect(w, h int) float64 {
	if w == 0 || h == 0 {
		return 0
	}
	return math.Round(float64(w)/float64(h)*10000) / 10000
}

func size(w, h int) *social.Size {
	if w == 0 || h == 0 {
		return nil
	}
	return &social.Size{Width: w, Height: h, Size: strconv.Itoa(w) + "x" + strconv.Itoa(h), Aspect: aspect(w, h)}
}
