package preview

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"time"

	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/platform/db"
)

func keyOf(at string) []byte {
	sum := sha256.Sum256([]byte(at))
	return sum[:]
}

// find returns the cards of some pages, and when each of those that were ever looked at was.
func find(ctx context.Context, tx *db.Tx, pages []string) (cards map[string]social.Card, looked map[string]time.Time, err error) {
	cards, looked = map[string]social.Card{}, map[string]time.Time{}
	for _, at := range pages {
		err := tx.Each(ctx, func(r db.Scanner) error {
			var text, picture string
			var when int64
			if err := r.Scan(&text, &picture, &when); err != nil {
				return err
			}
			if looked[at] = time.UnixMicro(when).UTC(); text == "" {
				return nil
			}
			c, err := decoded(text, picture)
			cards[at] = c
			return err
		}, `SELECT card, image, fetched_at FROM preview WHERE url_sha256 = $1`, keyOf(at))
		if err != nil {
			return nil, nil, fmt.Errorf("preview: read the card of a page: %w", err)
		}
	}
	return cards, looked, nil
}

// store notes what a page showed; nil: nothing.
func store(ctx context.Context, tx *db.Tx, at string, c *social.Card, now time.Time) error {
	text, picture := "", ""
	if c != nil {
		if c.Image != nil {
			picture = *c.Image
		}
		b, err := json.Marshal(c)
		if err != nil {
			return fmt.Errorf("preview: encode a card: %w", err)
		}
		text = string(b)
	}
	_, err := tx.Exec(ctx, `INSERT INTO preview (url_sha256, card, image, fetched_at) VALUES ($1, $2, $3, $4)
		ON CONFLICT (url_sha256) DO UPDATE SET card = excluded.card, image = excluded.image, fetched_at = excluded.fetched_at`, keyOf(at), text, picture, now.UnixMicro())
	if err != nil {
		return fmt.Errorf("preview: store a card: %w", err)
	}
	return nil
}

// withPicture returns the keys of cards fetched before a time whose pictures no newer card shows, by picture.
func withPicture(ctx context.Context, tx *db.Tx, before time.Time, limit int) (map[string][]byte, error) {
	out := map[string][]byte{}
	err := tx.Each(ctx, func(r db.Scanner) error {
		var key []byte
		var path string
		err := r.Scan(&key, &path)
		out[path] = key
		return err
	}, `SELECT url_sha256, image FROM preview p WHERE fetched_at < $1 AND image <> '' AND NOT EXISTS
		(SELECT 1 FROM preview q WHERE q.image = p.image AND q.url_sha256 <> p.url_sha256) ORDER BY fetched_at LIMIT $2`, before.UnixMicro(), limit)
	if err != nil {
		return nil, fmt.Errorf("preview: list old pictures: %w", err)
	}
	return out, nil
}

func forgetPicture(ctx context.Context, tx *db.Tx, key []byte) error {
	if _, err := tx.Exec(ctx, `UPDATE preview SET image = '' WHERE url_sha256 = $1`, key); err != nil {
		return fmt.Errorf("preview: forget a picture: %w", err)
	}
	return nil
}

// shows reports whether a card shows a picture.
func shows(ctx context.Context, tx *db.Tx, path string) (bool, error) {
	var n int64
	err := tx.Row(ctx, `SELECT COUNT(*) FROM preview WHERE image = $1`, path).Scan(&n)
	if err != nil {
		return false, fmt.Errorf("preview: look for a picture: %w", err)
	}
	return n > 0, nil
}
