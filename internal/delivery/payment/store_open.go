package payment

import (
	"context"
	"fmt"
	"time"

	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/db"
)

// unclearWhere is what a provider owes an answer to. A payment that waits for its customer is among it: it may have been decided at the bank.
const unclearWhere = `method = 'card' AND updated_at < $1 AND (asking <> '' OR state IN ('new', 'action_required') OR refunding > 0
	OR aim = 'release' AND state IN ('authorised', 'captured', 'refunded_partially', 'capture_failed') OR aim = 'capture' AND state = 'authorised')`

func unclearRows(ctx context.Context, tx *db.Tx, before time.Time, most int) ([]row, error) {
	out, err := db.All(ctx, tx, scan, `SELECT `+columns+` FROM payment WHERE `+unclearWhere+` ORDER BY updated_at LIMIT $2`, before.UnixMicro(), most)
	if err != nil {
		return nil, fmt.Errorf("payment: list what is unclear: %w", err)
	}
	return out, nil
}

func refusedRows(ctx context.Context, tx *db.Tx, most int) ([]row, error) {
	out, err := db.All(ctx, tx, scan, `SELECT `+columns+` FROM payment WHERE state IN ('refund_failed', 'capture_failed') AND (state = 'refund_failed' OR aim <> 'release')
		ORDER BY updated_at LIMIT $1`, most)
	if err != nil {
		return nil, fmt.Errorf("payment: list what was refused: %w", err)
	}
	return out, nil
}

func gauge(ctx context.Context, tx *db.Tx, before time.Time) (map[string]float64, error) {
	var unclear, refused, incidents int64
	if err := tx.Row(ctx, `SELECT COUNT(*) FROM payment WHERE `+unclearWhere, before.UnixMicro()).Scan(&unclear); err != nil {
		return nil, fmt.Errorf("payment: count what is unclear: %w", err)
	}
	err := tx.Row(ctx, `SELECT (SELECT COUNT(*) FROM payment WHERE state IN ('refund_failed', 'capture_failed')), (SELECT COUNT(*) FROM payment_incident WHERE closed_at = 0)`).
		Scan(&refused, &incidents)
	if err != nil {
		return nil, fmt.Errorf("payment: count what was refused: %w", err)
	}
	return map[string]float64{"unclear": float64(unclear), "refused": float64(refused), "incidents": float64(incidents)}, nil
}

func addIncident(ctx context.Context, tx *db.Tx, i Incident) error {
	_, err := tx.Exec(ctx, `INSERT INTO payment_incident (id, order_id, provider, ref, kind, detail, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		int64(i.ID), int64(i.Order), i.Provider, i.Ref, i.Kind, i.Detail, i.At.UnixMicro())
	return wrapped(err, "store an incident of order", i.Order)
}

func openIncidents(ctx context.Context, tx *db.Tx, most int) ([]Incident, error) {
	out, err := db.All(ctx, tx, func(s db.Scanner) (i Incident, err error) {
		var no, order, at int64
		err = s.Scan(&no, &order, &i.Provider, &i.Ref, &i.Kind, &i.Detail, &at)
		i.ID, i.Order, i.At = id.ID(no), id.ID(order), time.UnixMicro(at).UTC()
		return i, err
	}, `SELECT id, order_id, provider, ref, kind, detail, created_at FROM payment_incident WHERE closed_at = 0 ORDER BY id DESC LIMIT $1`, most)
	if err != nil {
		return nil, fmt.Errorf("payment: list incidents: %w", err)
	}
	return out, nil
}

func closeIncident(ctx context.Context, tx *db.Tx, incident, by id.ID, now time.Time) (bool, error) {
	n, err := tx.Exec(ctx, `UPDATE payment_incident SET closed_at = $1, closed_by = $2 WHERE id = $3 AND closed_at = 0`, now.UnixMicro(), int64(by), int64(incident))
	return n == 1, wrapped(err, "close incident", incident)
}
