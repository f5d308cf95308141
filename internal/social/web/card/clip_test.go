package card

import (
	"context"
	"testing"

	"github.com/stoa-town/stoa/internal/base/i18n"
	"github.com/stoa-town/stoa/internal/contract/social"
)

func TestAClipSaysWhatItIs(t *testing.T) {
	url := func(s string) *string { return &s }
	for _, c := range []struct {
		lang string
		in   social.Attachment
		want string
	}{
		{"en", social.Attachment{Type: "video", Meta: social.Meta{Original: &social.Size{Duration: 41.6, Bitrate: 625_000}}}, "Film · 0:42 · 3.1 MB"},
		{"de", social.Attachment{Type: "video", Meta: social.Meta{Original: &social.Size{Duration: 41.6, Bitrate: 625_000}}}, "Film · 0:42 · 3,1 MB"},
		{"en", social.Attachment{Type: "audio", Meta: social.Meta{Original: &social.Size{Duration: 3723, Bitrate: 64_000}}}, "Sound · 1:02:03 · 28 MB"},
		{"en", social.Attachment{Type: "audio", Meta: social.Meta{Original: &social.Size{Duration: 0.4, Bitrate: 64_000}}}, "Sound · 0:01 · 0.1 MB"},
		{"en", social.Attachment{Type: "gifv"}, "Film"},
		{"en", social.Attachment{Type: "image", URL: url("https://a.example/media/b.gif")}, "GIF"},
		{"en", social.Attachment{Type: "image", URL: url("https://a.example/media/b.png")}, ""},
	} {
		if got := clipKind(i18n.With(context.Background(), c.lang), &c.in); got != c.want {
			t.Errorf("clipKind(%+v) in %s = %q; want %q", c.in, c.lang, got, c.want)
		}
	}
}
