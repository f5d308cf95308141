package dispatch

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/platform/db"
)

// Schema holds the tables trip and task.
//
//go:embed schema/*.sql
var Schema embed.FS

// ridesOf returns the orders that a courier handed over between two times.
func ridesOf(ctx context.Context, tx *db.Tx, courier id.ID, from, to time.Time) ([]delivery.Ride, error) {
	return db.All(ctx, tx, func(s db.Scanner) (r delivery.Ride, err error) {
		var at int64
		err = s.Scan(&r.Order, &at)
		r.At = timeOf(at)
		return r, err
	}, `SELECT order_id, closed_at FROM trip WHERE courier = $1 AND closed_at >= $2 AND closed_at < $3 AND state = 'done' ORDER BY closed_at`, courier, us(from), us(to))
}

// us returns a time as stored; the zero time is 0.
func us(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func timeOf(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(us).UTC()
}

func idsText(list []id.ID) (string, error) {
	if len(list) == 0 {
		return "[]", nil
	}
	b, err := json.Marshal(list)
	return string(b), err
}

// scanTrip reads a row of tripColumns: a trip with both its tasks.
func scanTrip(s db.Scanner) (*Trip, error) {
	var t Trip
	var offerUntil, ready, promise, assign, closed int64
	var declined, known string
	p, d := newTaskRow(&t.Pickup), newTaskRow(&t.Dropoff)
	dest := []any{
		&t.Order, &t.Code, &t.Restaurant, &t.State, &t.Courier, &t.OfferedTo, &offerUntil, &declined, &known, &t.FailedBy, &ready, &promise,
		&assign, &t.Tip, &t.Due, &t.Currency, &closed,
	}
	dest = append(dest, p.dest()...)
	dest = append(dest, d.dest()...)
	if err := s.Scan(dest...); err != nil {
		return nil, err
	}
	p.fill()
	d.fill()
	t.OfferUntil, t.ReadyAt, t.PromiseTo, t.AssignAt, t.ClosedAt = timeOf(offerUntil), timeOf(ready), timeOf(promise), timeOf(assign), timeOf(closed)
	if err := json.Unmarshal([]byte(declined), &t.Declined); err != nil {
		return nil, fmt.Errorf("dispatch: declined of trip %s: %w", t.Order, err)
	}
	if err := json.Unmarshal([]byte(known), &t.Known); err != nil {
		return nil, fmt.Errorf("dispatch: known of trip %s: %w", t.Order, err)
	}
	return &t, nil
}

// taskRow is where a task's columns are read to.
type taskRow struct {
	k     *Task
	times [7]int64
}

func newTaskRow(k *Task) *taskRow { return &taskRow{k: k} }

func (r *taskRow) dest() []any {
	k, t := r.k, &r.times
	return []any{
		&k.ID, &k.Stop, &k.State, &k.Courier, &k.Point.Lat, &k.Point.Lon, &k.Place, &k.Street,
		&t[0], &t[1], &t[2], &t[3], &t[4], &t[5], &t[6], &k.Reason, &k.Note, &k.Photo,
	}
}

func (r *taskRow) fill() {
	t := r.times
	r.k.Planned = timeOf(t[0])
	r.k.Started = Moment{timeOf(t[1]), timeOf(t[2])}
	r.k.Arrived = Moment{timeOf(t[3]), timeOf(t[4])}
	r.k.Ended = Moment{timeOf(t[5]), timeOf(t[6])}
}

// selectTrip reads trips with their tasks; a condition follows.
const selectTrip = `SELECT t.order_id, t.code, t.restaurant, t.state, t.courier, t.offered_to, t.offer_until, t.declined, t.known, t.failed_by,
	t.ready_at, t.promise_to, t.assign_at, t.tip, t.due, t.currency, t.closed_at,
	p.id, p.stop, p.state, p.courier, p.lat, p.lon, p.place, p.street, p.planned_at, p.started_at, p.started_heard, p.arrived_at, p.arrived_heard, p.ended_at, p.ended_heard, p.reason, p.note, p.photo,
	d.id, d.stop, d.state, d.courier, d.lat, d.lon, d.place, d.street, d.planned_at, d.started_at, d.started_heard, d.arrived_at, d.arrived_heard, d.ended_at, d.ended_heard, d.reason, d.note, d.photo
	FROM trip t JOIN task p ON p.order_id = t.order_id AND p.stop = 'pickup' JOIN task d ON d.order_id = t.order_id AND d.stop = 'dropoff' `

// lock takes a trip for the rest of the transaction and returns it as it stands; NotFound where there is none.
func lock(ctx context.Context, tx *db.Tx, order id.ID) (*Trip, error) {
	n, err := tx.Exec(ctx, `UPDATE trip SET version = version + 1 WHERE order_id = $1`, order)
	if err != nil {
		return nil, fmt.Errorf("dispatch: lock trip %s: %w", order, err)
	}
	if n == 0 {
		return nil, errNoTrip
	}
	return byOrder(ctx, tx, order)
}

func byOrder(ctx context.Context, tx *db.Tx, order id.ID) (*Trip, error) {
	t, err := db.One(ctx, tx, scanTrip, selectTrip+`WHERE t.order_id = $1`, order)
	if errors.Is(err, db.ErrNoRow) {
		return nil, errNoTrip
	}
	if err != nil {
		return nil, fmt.Errorf("dispatch: load trip %s: %w", order, err)
	}
	return t, nil
}

// orderOf returns the order that a task belongs to, or errNoTask.
func orderOf(ctx context.Context, tx *db.Tx, task id.ID) (id.ID, error) {
	var order id.ID
	err := tx.Row(ctx, `SELECT order_id FROM task WHERE id = $1`, task).Scan(&order)
	if errors.Is(err, db.ErrNoRow) {
		return 0, errNoTask
	}
	return order, err
}

func openTrips(ctx context.Context, tx *db.Tx) ([]*Trip, error) {
	return db.All(ctx, tx, scanTrip, selectTrip+`WHERE t.state IN ('unassigned', 'offered', 'assigned') ORDER BY t.promise_to, t.order_id`)
}

func openTripsOf(ctx context.Context, tx *db.Tx, courier id.ID) ([]*Trip, error) {
	return db.All(ctx, tx, scanTrip, selectTrip+`WHERE t.courier = $1 AND t.closed_at = 0 AND t.state = 'assigned' ORDER BY t.promise_to, t.order_id`, courier)
}

func offersTo(ctx context.Context, tx *db.Tx, courier id.ID) ([]*Trip, error) {
	return db.All(ctx, tx, scanTrip, selectTrip+`WHERE t.offered_to = $1 AND t.state = 'offered'`, courier)
}

// failedSince returns the trips whose hand-over failed and about which nothing was decided yet.
func failedSince(ctx context.Context, tx *db.Tx, since time.Time) ([]*Trip, error) {
	return db.All(ctx, tx, scanTrip, selectTrip+`WHERE t.state = 'failed' AND t.closed_at >= $1 ORDER BY t.closed_at`, us(since))
}

// doneSince returns a courier's finished trips, newest first.
func doneSince(ctx context.Context, tx *db.Tx, courier id.ID, since time.Time) ([]*Trip, error) {
	return db.All(ctx, tx, scanTrip, selectTrip+`WHERE t.courier = $1 AND t.closed_at >= $2 AND t.state IN ('done', 'failed') ORDER BY t.closed_at DESC LIMIT 100`, courier, us(since))
}

// waiting returns the orders for which a courier is looked for by now, the most urgent first, and those whose offer has run out.
func waiting(ctx context.Context, tx *db.Tx, now time.Time) ([]id.ID, error) {
	return db.All(ctx, tx, scanID, `SELECT order_id FROM trip WHERE state = 'unassigned' AND assign_at <= $1 OR state = 'offered' AND offer_until <= $1
		ORDER BY promise_to, order_id LIMIT 500`, us(now))
}

func scanID(s db.Scanner) (v id.ID, err error) {
	err = s.Scan(&v)
	return v, err
}

// busy returns the couriers who carry something or think about an offer.
func busy(ctx context.Context, tx *db.Tx) (map[id.ID]int, error) {
	out := map[id.ID]int{}
	err := tx.Each(ctx, func(s db.Scanner) error {
		var courier, offered id.ID
		err := s.Scan(&courier, &offered)
		for _, c := range []id.ID{courier, offered} {
			if c != 0 {
				out[c]++
			}
		}
		return err
	}, `SELECT courier, offered_to FROM trip WHERE state IN ('offered', 'assigned')`)
	return out, err
}

// lastClosed returns when couriers ended their last trip, for those who did since a time.
func lastClosed(ctx context.Context, tx *db.Tx, since time.Time) (map[id.ID]time.Time, error) {
	out := map[id.ID]time.Time{}
	err := tx.Each(ctx, func(s db.Scanner) error {
		var courier id.ID
		var at int64
		err := s.Scan(&courier, &at)
		out[courier] = timeOf(at)
		return err
	}, `SELECT courier, MAX(closed_at) FROM trip WHERE closed_at >= $1 AND courier > 0 GROUP BY courier`, us(since))
	return out, err
}

func countOpen(ctx context.Context, tx *db.Tx, courier id.ID) (int, error) {
	var n int
	err := tx.Row(ctx, `SELECT COUNT(*) FROM trip WHERE courier = $1 AND closed_at = 0 AND state = 'assigned'`, courier).Scan(&n)
	return n, err
}

// heading is a courier on the way to an order's customer.
type heading struct{ courier, order id.ID }

func headings(ctx context.Context, tx *db.Tx) ([]heading, error) {
	return db.All(ctx, tx, func(s db.Scanner) (h heading, err error) {
		err = s.Scan(&h.courier, &h.order)
		return h, err
	}, `SELECT t.courier, t.order_id FROM trip t JOIN task d ON d.order_id = t.order_id AND d.stop = 'dropoff'
		WHERE t.state = 'assigned' AND d.state IN ('DOING', 'ARRIVED')`)
}

func insertTrip(ctx context.Context, tx *db.Tx, t *Trip) error {
	declined, err := idsText(t.Declined)
	if err != nil {
		return err
	}
	known, err := idsText(t.Known)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `INSERT INTO trip (order_id, version, code, restaurant, state, courier, offered_to, offer_until, declined, known, failed_by, ready_at,
		promise_to, assign_at, tip, due, currency, closed_at) VALUES ($1, 1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)`,
		t.Order, t.Code, t.Restaurant, string(t.State), t.Courier, t.OfferedTo, us(t.OfferUntil), declined, known, t.FailedBy, us(t.ReadyAt),
		us(t.PromiseTo), us(t.AssignAt), t.Tip, t.Due, t.Currency, us(t.ClosedAt))
	if err != nil {
		return err
	}
	for _, k := range []*Task{&t.Pickup, &t.Dropoff} {
		if _, err := tx.Exec(ctx, `INSERT INTO task (id, order_id, stop, state, courier, lat, lon, place, street, planned_at, started_at, started_heard,
			arrived_at, arrived_heard, ended_at, ended_heard, reason, note, photo) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 0, 0, 0, 0, 0, 0, '', '', '')`,
			k.ID, t.Order, string(k.Stop), string(k.State), k.Courier, k.Point.Lat, k.Point.Lon, k.Place, k.Street, us(k.Planned)); err != nil {
			return err
		}
	}
	return nil
}

// saveTrip stores a trip that the transaction has locked, and those of its tasks that differ from before.
func saveTrip(ctx context.Context, tx *db.Tx, t, before *Trip) error {
	declined, err := idsText(t.Declined)
	if err != nil {
		return err
	}
	known, err := idsText(t.Known)
	if err != nil {
		return err
	}
	if n, err := tx.Exec(ctx, `UPDATE trip SET state = $1, courier = $2, offered_to = $3, offer_until = $4, declined = $5, known = $6, failed_by = $7,
		ready_at = $8, promise_to = $9, assign_at = $10, closed_at = $11, code = $12 WHERE order_id = $13 AND state = $14`,
		string(t.State), t.Courier, t.OfferedTo, us(t.OfferUntil), declined, known, t.FailedBy, us(t.ReadyAt), us(t.PromiseTo), us(t.AssignAt),
		us(t.ClosedAt), t.Code, t.Order, string(before.State)); err != nil || n != 1 {
		return errors.Join(err, lost(n))
	}
	if t.Pickup != before.Pickup {
		if err := saveTask(ctx, tx, &t.Pickup, before.Pickup.State); err != nil {
			return err
		}
	}
	if t.Dropoff != before.Dropoff {
		return saveTask(ctx, tx, &t.Dropoff, before.Dropoff.State)
	}
	return nil
}

func saveTask(ctx context.Context, tx *db.Tx, k *Task, was TaskState) error {
	n, err := tx.Exec(ctx, `UPDATE task SET state = $1, courier = $2, planned_at = $3, started_at = $4, started_heard = $5, arrived_at = $6,
		arrived_heard = $7, ended_at = $8, ended_heard = $9, reason = $10, note = $11, photo = $12 WHERE id = $13 AND state = $14`,
		string(k.State), k.Courier, us(k.Planned), us(k.Started.At), us(k.Started.Heard), us(k.Arrived.At), us(k.Arrived.Heard), us(k.Ended.At),
		us(k.Ended.Heard), k.Reason, k.Note, k.Photo, k.ID, string(was))
	return errors.Join(err, lost(n))
}

// lost is the error of a change that met another state than the locked row had, which cannot be.
func lost(n int64) error {
	if n == 1 {
		return nil
	}
	return errors.New("dispatch: a locked trip was changed by somebody else")
}

// forgetWay takes door, notes and photos out of a trip that is over.
func forgetWay(ctx context.Context, tx *db.Tx, order id.ID) error {
	_, err := tx.Exec(ctx, `UPDATE task SET note = '', photo = '', lat = CASE WHEN stop = 'dropoff' THEN 0 ELSE lat END, lon = CASE WHEN stop = 'dropoff' THEN 0 ELSE lon END,
		place = CASE WHEN stop = 'dropoff' THEN '' ELSE place END, street = CASE WHEN stop = 'dropoff' THEN '' ELSE street END WHERE order_id = $1`, order)
	return err
}

// countTrips returns how many trips a courier has made or makes.
func countTrips(ctx context.Context, tx *db.Tx, courier id.ID) (n int, err error) {
	err = tx.Row(ctx, `SELECT COUNT(*) FROM trip WHERE courier = $1`, courier).Scan(&n)
	return n, err
}

// tripsOf returns a courier's trips by rising order, those above one.
func tripsOf(ctx context.Context, tx *db.Tx, courier, above id.ID, limit int) ([]*Trip, error) {
	return db.All(ctx, tx, scanTrip, selectTrip+`WHERE t.courier = $1 AND t.order_id > $2 ORDER BY t.order_id LIMIT $3`, courier, above, limit)
}

// dropNotes takes out what a courier wrote on their trips.
func dropNotes(ctx context.Context, tx *db.Tx, courier id.ID) error {
	_, err := tx.Exec(ctx, `UPDATE task SET note = '' WHERE courier = $1 AND note <> '' AND order_id IN (SELECT order_id FROM trip WHERE courier = $1)`, courier)
	return err
}
