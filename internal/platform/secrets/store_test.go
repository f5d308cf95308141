package secrets_test

import (
	"errors"
	"path/filepath"
	"testing"

	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/db/dbtest"
	"github.com/stoa-town/stoa/internal/platform/secrets"
)

func TestNodesOfOneDatabaseHaveOneKey(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		agree := func(dir string) error {
			b, err := secrets.Open(dir)
			if err != nil {
				t.Fatal(err)
			}
			return d.Write(t.Context(), func(tx *db.Tx) error { return b.Agree(t.Context(), tx) })
		}
		first, second := t.TempDir(), t.TempDir()
		for _, step := range []struct {
			dir  string
			want error
		}{{first, nil}, {first, nil}, {second, secrets.ErrOtherKey}, {first, nil}} {
			if err := agree(step.dir); !errors.Is(err, step.want) {
				t.Errorf("%v; want %v", err, step.want)
			}
		}
		if _, err := secrets.Rotate(filepath.Join(first, secrets.FileName)); err != nil {
			t.Fatal(err)
		}
		if err := agree(first); err != nil {
			t.Errorf("after a rotation: %v", err)
		}
	}, secrets.Schema)
}
