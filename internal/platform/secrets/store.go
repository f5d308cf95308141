package secrets

import (
	"context"
	"embed"
	"encoding/hex"
	"errors"

	"github.com/stoa-town/stoa/internal/platform/db"
)

// Schema is the table that notes with which master key a database is used.
//
//go:embed schema/*.sql
var Schema embed.FS

// ErrOtherKey is returned by Agree where the database is used with a master key that is not in the file.
var ErrOtherKey = errors.New("secrets: this database is used with another master key: copy master.key from the data folder of the first node, or name its file with master_key; if it is lost, see docs/operate.md")

// Agree sees to it that all nodes of a database have the same master key, for what one seals the others must open. The first to come leaves
// the mark of its key; it returns ErrOtherKey where none of the keys here has left the mark.
func (b *Box) Agree(ctx context.Context, tx *db.Tx) error {
	if _, err := tx.Exec(ctx, `INSERT INTO secrets_key (one, mark) VALUES (1, $1) ON CONFLICT (one) DO NOTHING`, b.keys[0].mark()); err != nil {
		return err
	}
	var mark string
	if err := tx.Row(ctx, `SELECT mark FROM secrets_key WHERE one = 1`).Scan(&mark); err != nil {
		return err
	}
	for i := range b.keys {
		if b.keys[i].mark() == mark {
			return nil
		}
	}
	return ErrOtherKey
}

// mark tells keys apart and tells nothing of them.
func (k *key) mark() string { return hex.EncodeToString(k.derive("mark", "", 16)) }
