#!/usr/bin/env bash
# Writes the skeleton of a slice: tools/slice.sh APP NAME, such as: delivery tip. What a slice does not need is deleted by whoever fills it.
set -euo pipefail
cd "$(dirname "$0")/.."
app=${1:-} name=${2:-}
if [[ ! $app =~ ^(delivery|social)$ || ! $name =~ ^[a-z]+$ ]]; then
  echo "usage: make slice app=delivery name=tip   (app: delivery or social; name: small letters)" >&2
  exit 2
fi
dir=internal/$app/$name
if [ -e "$dir" ]; then
  echo "$dir is there already" >&2
  exit 1
fi
type=${name^}
mkdir -p "$dir/schema"
cat > "$dir/$name.go" <<GO
// Package $name is one slice of the town: say here what it is for.
package $name

import (
	"time"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/text"
)

// MaxNote is the longest note, in characters.
const MaxNote = 300

// $type is what this slice keeps.
type $type struct {
	ID        id.ID     \`json:"id"\`
	Account   id.ID     \`json:"account"\`
	Note      string    \`json:"note"\`
	CreatedAt time.Time \`json:"created_at"\`
}

// New returns a $type, or an Invalid error that names what is wrong.
func New(number, account id.ID, note string, now time.Time) ($type, error) {
	note = text.Clean(note, MaxNote)
	if note == "" {
		return $type{}, errs.InvalidField("note", "Write something.")
	}
	return $type{ID: number, Account: account, Note: note, CreatedAt: now}, nil
}
GO
cat > "$dir/store.go" <<GO
package $name

import (
	"context"
	"embed"
	"time"

	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/db"
)

// Schema holds the slice's tables.
//
//go:embed schema/*.sql
var Schema embed.FS

func insert(ctx context.Context, tx *db.Tx, v $type) error {
	_, err := tx.Exec(ctx, \`INSERT INTO $name (id, account, note, created_at) VALUES (\$1, \$2, \$3, \$4)\`, v.ID, v.Account, v.Note, v.CreatedAt.UnixMicro())
	return err
}

func ofAccount(ctx context.Context, tx *db.Tx, account id.ID, limit int) ([]$type, error) {
	return db.All(ctx, tx, func(s db.Scanner) ($type, error) {
		var v $type
		var created int64
		err := s.Scan(&v.ID, &v.Account, &v.Note, &created)
		v.CreatedAt = time.UnixMicro(created).UTC()
		return v, err
	}, \`SELECT id, account, note, created_at FROM $name WHERE account = \$1 ORDER BY id DESC LIMIT \$2\`, account, limit)
}
GO
cat > "$dir/service.go" <<GO
package $name

import (
	"context"
	"fmt"

	"github.com/stoa-town/stoa/internal/base/clock"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/page"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/db"
)

// Service is what can be done here. Safe for concurrent use.
type Service struct {
	db  *db.DB
	ids *id.Source
	now clock.Func
}

// NewService returns a Service.
func NewService(d *db.DB, ids *id.Source, now clock.Func) *Service {
	return &Service{db: d, ids: ids, now: now}
}

// Add keeps a note of the person who asks. It returns an Unauthenticated or an Invalid error.
func (s *Service) Add(ctx context.Context, note string) ($type, error) {
	actor, err := access.Require(ctx)
	if err != nil {
		return $type{}, err
	}
	v, err := New(s.ids.Next(), actor.ID, note, s.now())
	if err != nil {
		return $type{}, err
	}
	err = s.db.Write(ctx, func(tx *db.Tx) error { return insert(ctx, tx, v) })
	if err != nil {
		return $type{}, fmt.Errorf("$name: add: %w", err)
	}
	return v, nil
}

// Mine returns the newest notes of the person who asks.
func (s *Service) Mine(ctx context.Context) (out []$type, err error) {
	actor, err := access.Require(ctx)
	if err != nil {
		return nil, err
	}
	err = s.db.Read(ctx, func(tx *db.Tx) error {
		out, err = ofAccount(ctx, tx, actor.ID, page.MaxLimit)
		return err
	})
	return out, err
}
GO
cat > "$dir/http.go" <<GO
package $name

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/stoa-town/stoa/internal/platform/httpx"
)

type addRequest struct {
	Body struct {
		Note string \`json:"note" maxLength:"300"\`
	}
}

type reply struct{ Body $type }

type listReply struct{ Body []$type }

// Routes registers what the slice serves.
func (s *Service) Routes(rt *httpx.Router) {
	httpx.Operation(rt, huma.Operation{Method: http.MethodPost, Path: "/${name}s", Summary: "Add one", Tags: []string{"$type"}, DefaultStatus: http.StatusCreated},
		func(ctx context.Context, in *addRequest) (*reply, error) {
			v, err := s.Add(ctx, in.Body.Note)
			return &reply{v}, err
		})
	httpx.Operation(rt, huma.Operation{Method: http.MethodGet, Path: "/${name}s", Summary: "Mine, newest first", Tags: []string{"$type"}},
		func(ctx context.Context, _ *struct{}) (*listReply, error) {
			list, err := s.Mine(ctx)
			return &listReply{list}, err
		})
}
GO
cat > "$dir/schema/$(date +%Y-%m-%d)-$name.sql" <<SQL
CREATE TABLE $name (
    id         BIGINT PRIMARY KEY,
    account    BIGINT NOT NULL,
    note       TEXT NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE INDEX ${name}_account ON $name (account, id);
SQL
cat > "$dir/${name}_test.go" <<GO
package $name

import (
	"testing"
	"time"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/db/dbtest"
)

func TestNotesAreTheirOwnersAlone(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		s := NewService(d, id.NewSource(0), time.Now)
		anna := access.With(t.Context(), access.Actor{ID: 1, Name: "Anna"})
		ben := access.With(t.Context(), access.Actor{ID: 2, Name: "Ben"})
		if _, err := s.Add(anna, "hello"); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Add(anna, " "); !errs.Is(err, errs.Invalid) {
			t.Errorf("an empty note: %v; want an invalid error", err)
		}
		if _, err := s.Add(t.Context(), "hello"); !errs.Is(err, errs.Unauthenticated) {
			t.Errorf("nobody's note: %v; want unauthenticated", err)
		}
		mine, err := s.Mine(anna)
		if err != nil || len(mine) != 1 || mine[0].Note != "hello" {
			t.Fatalf("Mine(anna) = %v, %v", mine, err)
		}
		if others, err := s.Mine(ben); err != nil || len(others) != 0 {
			t.Fatalf("Mine(ben) = %v, %v; want none", others, err)
		}
	}, Schema)
}
GO
gofmt -l "$dir"
echo "$dir is written. Register it in internal/app/slices.go (a field, its Schema, its Routes) and name it in docs/design.md."
