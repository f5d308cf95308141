package card

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/stoa-town/stoa/internal/base/i18n"
	"github.com/stoa-town/stoa/internal/contract/social"
)

// plays reports whether an attachment is a film or a sound.
func plays(a *social.Attachment) bool {
	return a.Type == "video" || a.Type == "gifv" || a.Type == "audio"
}

// moves reports whether a picture moves: a list shows a still of it.
func moves(a *social.Attachment) bool {
	return a.Type == "image" && strings.HasSuffix(text(a.URL), ".gif")
}

// clipKind says in a few words what waits behind a still picture: "Film · 0:42 · 3.1 MB", "GIF"; nothing for pictures that stand still.
func clipKind(ctx context.Context, a *social.Attachment) string {
	if moves(a) {
		return i18n.T(ctx, "GIF")
	}
	if !plays(a) {
		return ""
	}
	parts := []string{clipWord(ctx, a)}
	if o := a.Meta.Original; o != nil && o.Duration > 0 {
		parts = append(parts, length(o.Duration), megabytes(ctx, o.Duration*float64(o.Bitrate)/8))
	}
	return strings.Join(parts, " · ")
}

func clipWord(ctx context.Context, a *social.Attachment) string {
	if a.Type == "audio" {
		return i18n.T(ctx, "Sound")
	}
	return i18n.T(ctx, "Film")
}

func clipIcon(a *social.Attachment) string {
	if a.Type == "audio" {
		return "volume-2"
	}
	return "play"
}

// bare is a picture of a size with nothing on it. Without a poster, players draw a dark sheet.
func bare(w, h string) string {
	return "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' width='" + w + "' height='" + h + "'/%3E"
}

// clipName is what screen readers call a player.
func clipName(ctx context.Context, a *social.Attachment) string {
	if d := text(a.Description); d != "" {
		return clipWord(ctx, a) + ": " + d
	}
	return clipWord(ctx, a)
}

func altTitle(ctx context.Context, a *social.Attachment) string {
	if plays(a) {
		return i18n.T(ctx, "What one sees or hears, in words")
	}
	return i18n.T(ctx, "What the picture shows, in words")
}

// length writes seconds as players do: "0:42", "1:02:03".
func length(seconds float64) string {
	d := time.Duration(seconds * float64(time.Second)).Round(time.Second)
	d = max(d, time.Second)
	m, s := int(d.Minutes()), int(d.Seconds())%60
	if m < 60 {
		return fmt.Sprintf("%d:%02d", m, s)
	}
	return fmt.Sprintf("%d:%02d:%02d", m/60, m%60, s)
}

// megabytes writes a size as people read it: "12 MB", "3.1 MB", in German "3,1 MB", and at least "0.1 MB".
func megabytes(ctx context.Context, bytes float64) string {
	mb := max(bytes/(1<<20), 0.1)
	if mb >= 10 {
		return fmt.Sprintf("%.0f MB", mb)
	}
	out := fmt.Sprintf("%.1f MB", mb)
	if i18n.Lang(ctx) == "de" {
		out = strings.Replace(out, ".", ",", 1)
	}
	return out
}
