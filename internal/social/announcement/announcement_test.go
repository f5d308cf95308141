package announcement

import (
	"testing"
	"time"

	"github.com/stoa-town/stoa/internal/base/errs"
)

func TestEmojiAreTold(t *testing.T) {
	for _, s := range []string{"🎉", "👍🏽", "❤️", "❤", "👨‍👩‍👧‍👦", "🇩🇪", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "1️⃣", "☕", "✅", "™️"} {
		if !emoji(s) {
			t.Errorf("%q is none", s)
		}
	}
	for _, s := range []string{"", "a", "1", "12", "#", "🎉 party", "ü", "<b>", "\u200d", "\ufe0f", "🎉🎉🎉🎉🎉🎉🎉🎉🎉", "中"} {
		if emoji(s) {
			t.Errorf("%q is one", s)
		}
	}
}

func TestAnnouncementsAreChecked(t *testing.T) {
	now := time.Date(2026, 11, 22, 18, 0, 0, 0, time.UTC)
	for field, a := range map[string]Announcement{
		"text":    {Text: " \n ", PublishAt: now},
		"ends_at": {Text: "x", PublishAt: now, StartsAt: now.Add(2 * time.Hour), EndsAt: now.Add(time.Hour)},
	} {
		err := a.check()
		if e := errs.As(err); e == nil || len(e.Fields) != 1 || e.Fields[0].Path != field {
			t.Errorf("%s: %v", field, err)
		}
	}
	over := Announcement{Text: "x", PublishAt: now, EndsAt: now.Add(-time.Hour)}
	if errs.As(over.check()) == nil {
		t.Error("one that nobody would see is taken")
	}
	good := Announcement{Text: " Market\r\non Saturday ", PublishAt: now, EndsAt: now.Add(time.Hour)}
	if err := good.check(); err != nil || good.Text != "Market\non Saturday" {
		t.Errorf("%q, %v", good.Text, err)
	}
	for at, want := range map[time.Time]bool{now.Add(-time.Second): false, now: true, now.Add(59 * time.Minute): true, now.Add(time.Hour): false} {
		if good.Shown(at) != want {
			t.Errorf("shown at %v: %v", at, !want)
		}
	}
}
