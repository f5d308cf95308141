package order

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/money"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/platform/db"
)

// row is a stored order.
type row struct {
	id         id.ID
	rev        int64
	code       string
	secret     string // the rest of the tracking token
	account    id.ID
	restaurant id.ID
	courier    id.ID
	mode       delivery.Mode
	state      delivery.State
	before     delivery.State
	announced  bool
	warned     bool
	flagged    bool // handed over without the customer's code
	method     delivery.Method
	total      money.Amount
	credit     money.Amount // of it, paid from the customer's credit
	currency   string

	pickupCode, handoverCode, capacity, idemKey string
	reason, liable, note, proof                 string

	placedAt, confirmBy, readyAt, promiseFrom, promiseTo, movedAt time.Time
	headingAt, arrivedAt, eta                                     time.Time

	snapshot string
}

// standing returns what the machine looks at.
func (r *row) standing() Standing { return Standing{State: r.state, Before: r.before, Mode: r.mode} }

// due returns what is to be collected at the door or the counter.
func (r *row) due() money.Amount {
	if r.method != delivery.PayOnDelivery {
		return 0
	}
	return r.total - r.credit
}

// bought returns the snapshot.
func (r *row) bought() (*Snapshot, error) {
	var s Snapshot
	if err := json.Unmarshal([]byte(r.snapshot), &s); err != nil {
		return nil, fmt.Errorf("order: decode the snapshot of %d: %w", r.id, err)
	}
	return &s, nil
}

// micro is a time as stored: µs UTC, 0 for the zero time.
func micro(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// at is the time that micro stored.
func at(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(us).UTC()
}

func insert(ctx context.Context, tx *db.Tx, r *row) error {
	_, err := tx.Exec(ctx, `INSERT INTO orders (id, code, secret, account, restaurant, mode, state, announced, open, method, total, credit,
		currency, pickup_code, handover_code, capacity, idem_key, placed_at, confirm_by, ready_at, promise_from, promise_to, moved_at, snapshot)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24)`,
		int64(r.id), r.code, r.secret, int64(r.account), int64(r.restaurant), string(r.mode), string(r.state), r.announced, r.announced,
		string(r.method), r.total, r.credit, r.currency, r.pickupCode, r.handoverCode, r.capacity, r.idemKey, micro(r.placedAt), micro(r.confirmBy),
		micro(r.readyAt), micro(r.promiseFrom), micro(r.promiseTo), micro(r.movedAt), r.snapshot)
	if err != nil {
		return fmt.Errorf("order: store %d: %w", r.id, err)
	}
	return nil
}

// update stores what may change of an order, if nobody has changed it since old was read, and reports whether it did.
func update(ctx context.Context, tx *db.Tx, old, r *row) (bool, error) {
	n, err := tx.Exec(ctx, `UPDATE orders SET rev = rev + 1, courier = $1, state = $2, before = $3, announced = $4, open = $5, warned = $6, flagged = $7,
		reason = $8, liable = $9, note = $10, proof = $11, confirm_by = $12, ready_at = $13, promise_from = $14, promise_to = $15, moved_at = $16,
		heading_at = $17, arrived_at = $18, eta = $19 WHERE id = $20 AND state = $21 AND rev = $22`,
		int64(r.courier), string(r.state), string(r.before), r.announced, r.announced && Open(r.state), r.warned, r.flagged, r.reason, r.liable, r.note,
		r.proof, micro(r.confirmBy), micro(r.readyAt), micro(r.promiseFrom), micro(r.promiseTo), micro(r.movedAt), micro(r.headingAt),
		micro(r.arrivedAt), micro(r.eta), int64(r.id), string(old.state), old.rev)
	if err != nil {
		return false, fmt.Errorf("order: change %d: %w", r.id, err)
	}
	r.rev = old.rev + 1
	return n == 1, nil
}

const columns = `id, rev, code, secret, account, restaurant, courier, mode, state, before, announced, warned, flagged, method, total, credit, currency,
	pickup_code, handover_code, capacity, idem_key, reason, liable, note, proof, placed_at, confirm_by, ready_at, promise_from, promise_to,
	moved_at, heading_at, arrived_at, eta, snapshot`

func scan(s db.Scanner) (row, error) {
	var r row
	var mode, state, before, method string
	var oid, account, restaurant, courier, placed, confirm, ready, from, to, moved, heading, arrived, eta int64
	err := s.Scan(&oid, &r.rev, &r.code, &r.secret, &account, &restaurant, &courier, &mode, &state, &before, &r.announced, &r.warned, &r.flagged,
		&method, &r.total, &r.credit, &r.currency, &r.pickupCode, &r.handoverCode, &r.capacity, &r.idemKey, &r.reason, &r.liable, &r.note, &r.proof,
		&placed, &confirm, &ready, &from, &to, &moved, &heading, &arrived, &eta, &r.snapshot)
	r.id, r.account, r.restaurant, r.courier = id.ID(oid), id.ID(account), id.ID(restaurant), id.ID(courier)
	r.mode, r.state, r.before, r.method = delivery.Mode(mode), delivery.State(state), delivery.State(before), delivery.Method(method)
	r.placedAt, r.confirmBy, r.readyAt, r.promiseFrom, r.promiseTo = at(placed), at(confirm), at(ready), at(from), at(to)
	r.movedAt, r.headingAt, r.arrivedAt, r.eta = at(moved), at(heading), at(arrived), at(eta)
	return r, err
}

var errNotFound = errs.New(errs.NotFound, "There is no such order here.")

func one(ctx context.Context, tx *db.Tx, query string, arg any) (row, error) {
	r, err := db.One(ctx, tx, scan, query, arg)
	if errors.Is(err, db.ErrNoRow) {
		return row{}, errNotFound
	}
	if err != nil {
		return row{}, fmt.Errorf("order: read %v: %w", arg, err)
	}
	return r, nil
}

// load returns an order, or a NotFound error.
func load(ctx context.Context, tx *db.Tx, order id.ID) (row, error) {
	return one(ctx, tx, `SELECT `+columns+` FROM orders WHERE id = $1`, int64(order))
}

func loadByCode(ctx context.Context, tx *db.Tx, code string) (row, error) {
	return one(ctx, tx, `SELECT `+columns+` FROM orders WHERE code = $1`, code)
}

// loadByKey returns the order by card that a request of an account made.
func loadByKey(ctx context.Context, tx *db.Tx, account id.ID, key string) (row, error) {
	r, err := db.One(ctx, tx, scan, `SELECT `+columns+` FROM orders WHERE account = $1 AND idem_key = $2 ORDER BY id DESC LIMIT 1`, int64(account), key)
	if errors.Is(err, db.ErrNoRow) {
		return row{}, errNotFound
	}
	if err != nil {
		return row{}, fmt.Errorf("order: read that of a key: %w", err)
	}
	return r, nil
}

// A list's filter is one of these; each has the index that serves it.
const (
	listOfAccount        = `SELECT ` + columns + ` FROM orders WHERE account = $1 AND id < $2 ORDER BY id DESC LIMIT $3`
	listOfAccountState   = `SELECT ` + columns + ` FROM orders WHERE account = $1 AND id < $2 AND state = $4 ORDER BY id DESC LIMIT $3`
	listOfAccountOpen    = `SELECT ` + columns + ` FROM orders WHERE account = $1 AND id < $2 AND open ORDER BY id DESC LIMIT $3`
	listOfKitchen        = `SELECT ` + columns + ` FROM orders WHERE restaurant = $1 AND id < $2 AND announced ORDER BY id DESC LIMIT $3`
	listOfKitchenState   = `SELECT ` + columns + ` FROM orders WHERE restaurant = $1 AND id < $2 AND announced AND state = $4 ORDER BY id DESC LIMIT $3`
	listOfKitchenOpen    = `SELECT ` + columns + ` FROM orders WHERE restaurant = $1 AND id < $2 AND open ORDER BY id DESC LIMIT $3`
	listOfKitchenCurrent = `SELECT ` + columns + ` FROM orders WHERE restaurant = $1 AND open ORDER BY id`
)

// filter chooses orders: "" all, "open", or a state.
func list(ctx context.Context, tx *db.Tx, all, open, inState, filter string, of id.ID, below id.ID, limit int) ([]row, error) {
	if below == 0 {
		below = math.MaxInt64
	}
	args := []any{int64(of), int64(below), limit}
	query := all
	switch filter {
	case "":
	case "open":
		query = open
	default:
		query = inState
		args = append(args, filter)
	}
	rows, err := db.All(ctx, tx, scan, query, args...)
	if err != nil {
		return nil, fmt.Errorf("order: list: %w", err)
	}
	return rows, nil
}

// openRows returns every order that somebody has to work on, oldest first.
func openRows(ctx context.Context, tx *db.Tx) ([]row, error) {
	rows, err := db.All(ctx, tx, scan, `SELECT `+columns+` FROM orders WHERE open ORDER BY id`)
	if err != nil {
		return nil, fmt.Errorf("order: list what is open: %w", err)
	}
	return rows, nil
}

// rowsAfter returns orders with ids above after, in their order, at most limit.
func rowsAfter(ctx context.Context, tx *db.Tx, after id.ID, limit int) ([]row, error) {
	rows, err := db.All(ctx, tx, scan, `SELECT `+columns+` FROM orders WHERE id > $1 ORDER BY id LIMIT $2`, int64(after), limit)
	if err != nil {
		return nil, fmt.Errorf("order: list for the books: %w", err)
	}
	return rows, nil
}

// kitchenRows returns a restaurant's open orders, oldest first.
func kitchenRows(ctx context.Context, tx *db.Tx, restaurant id.ID) ([]row, error) {
	rows, err := db.All(ctx, tx, scan, listOfKitchenCurrent, int64(restaurant))
	if err != nil {
		return nil, fmt.Errorf("order: list a kitchen's: %w", err)
	}
	return rows, nil
}

// endedRows returns a restaurant's newest orders that ended after since, newest first, at most limit.
func endedRows(ctx context.Context, tx *db.Tx, restaurant id.ID, since time.Time, limit int) ([]row, error) {
	rows, err := db.All(ctx, tx, scan, `SELECT `+columns+` FROM (SELECT `+columns+`, open FROM orders WHERE restaurant = $1 AND announced ORDER BY id DESC LIMIT 300) AS newest
		WHERE NOT open AND moved_at > $2 ORDER BY moved_at DESC LIMIT $3`, int64(restaurant), micro(since), limit)
	if err != nil {
		return nil, fmt.Errorf("order: list a kitchen's ended: %w", err)
	}
	return rows, nil
}

// Step is one thing that happened to an order after it was placed.
type Step struct {
	At     time.Time      `json:"at"`
	What   string         `json:"what" doc:"As in the events: confirmed, preparing, ready, assigned, picked_up, delivered, cancelled, delayed and so on."`
	State  delivery.State `json:"state"`
	Reason string         `json:"reason,omitempty"`
	Note   string         `json:"note,omitempty"`
}

func addStep(ctx context.Context, tx *db.Tx, key, order, actor id.ID, s Step) error {
	_, err := tx.Exec(ctx, `INSERT INTO order_history (order_id, id, at, actor, what, state, reason, note) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		int64(order), int64(key), micro(s.At), int64(actor), s.What, string(s.State), s.Reason, s.Note)
	if err != nil {
		return fmt.Errorf("order: note a step of %d: %w", order, err)
	}
	return nil
}

func steps(ctx context.Context, tx *db.Tx, order id.ID) ([]Step, error) {
	out, err := db.All(ctx, tx, func(s db.Scanner) (Step, error) {
		var st Step
		var us int64
		var state string
		err := s.Scan(&us, &st.What, &state, &st.Reason, &st.Note)
		st.At, st.State = at(us), delivery.State(state)
		return st, err
	}, `SELECT at, what, state, reason, note FROM order_history WHERE order_id = $1 ORDER BY id LIMIT 200`, int64(order))
	if err != nil {
		return nil, fmt.Errorf("order: read the story of %d: %w", order, err)
	}
	return out, nil
}

// figures are a kitchen's day in numbers.
type figures struct {
	orders    int // taken, without those that were cancelled
	delivered int
	onTime    int // of those: before their promise was over
}

// figuresOf returns a restaurant's numbers since a time, from its newest 500 orders.
func figuresOf(ctx context.Context, tx *db.Tx, restaurant id.ID, since time.Time) (figures, error) {
	f, err := db.One(ctx, tx, func(s db.Scanner) (figures, error) {
		var f figures
		err := s.Scan(&f.orders, &f.delivered, &f.onTime)
		return f, err
	}, `SELECT COUNT(*), CAST(COALESCE(SUM(CASE WHEN h.at IS NULL THEN 0 ELSE 1 END), 0) AS BIGINT),
		CAST(COALESCE(SUM(CASE WHEN h.at <= o.promise_to THEN 1 ELSE 0 END), 0) AS BIGINT)
		FROM (SELECT id, state, placed_at, promise_to FROM orders WHERE restaurant = $1 AND announced ORDER BY id DESC LIMIT 500) AS o
		LEFT JOIN order_history AS h ON h.order_id = o.id AND h.what = 'delivered'
		WHERE o.placed_at >= $2 AND o.state <> 'CANCELLED'`, int64(restaurant), micro(since))
	if err != nil {
		return figures{}, fmt.Errorf("order: sum up a kitchen's day: %w", err)
	}
	return f, nil
}

// How much of an order is forgotten, in its column forgot.
const (
	keptWhole   = 0
	forgotWay   = 1 // where it was handed over and how that was shown
	forgotBuyer = 2 // everything about a person; what was bought, when, where and for how much stays
)

// forgettable returns closed orders of which less is forgotten than level, oldest first: those of an account, or for 0 those of anybody
// that were placed before a time.
func forgettable(ctx context.Context, tx *db.Tx, account id.ID, before time.Time, level, limit int) ([]row, error) {
	const closed = `NOT open AND state IN ('DELIVERED', 'CONCLUDED', 'CANCELLED')`
	if account != 0 {
		rows, err := db.All(ctx, tx, scan, `SELECT `+columns+` FROM orders WHERE account = $1 AND forgot < $2 AND `+closed+` ORDER BY id LIMIT $3`,
			int64(account), level, limit)
		if err != nil {
			return nil, fmt.Errorf("order: list an account's to be forgotten: %w", err)
		}
		return rows, nil
	}
	for is := range level { // one by one, so that the index leads straight to the oldest of each
		rows, err := db.All(ctx, tx, scan, `SELECT `+columns+` FROM orders WHERE forgot = $1 AND placed_at < $2 AND `+closed+` ORDER BY placed_at LIMIT $3`,
			is, micro(before), limit)
		if err != nil {
			return nil, fmt.Errorf("order: list what is to be forgotten: %w", err)
		}
		if len(rows) > 0 {
			return rows, nil
		}
	}
	return nil, nil
}

// storeForgotten stores what is left of a closed order.
func storeForgotten(ctx context.Context, tx *db.Tx, r *row, level int) error {
	_, err := tx.Exec(ctx, `UPDATE orders SET rev = rev + 1, forgot = $1, secret = $2, idem_key = $3, note = $4, proof = $5, snapshot = $6 WHERE id = $7 AND NOT open`,
		level, r.secret, r.idemKey, r.note, r.proof, r.snapshot, int64(r.id))
	if err == nil && level == forgotBuyer {
		_, err = tx.Exec(ctx, `UPDATE order_history SET note = '' WHERE order_id = $1 AND note <> ''`, int64(r.id))
	}
	if err != nil {
		return fmt.Errorf("order: forget %d: %w", r.id, err)
	}
	return nil
}

// written is a note that somebody wrote about an order.
type written struct {
	order id.ID
	step  id.ID
	note  string
}

// notesBy returns notes that an account wrote about orders, whosever they are.
func notesBy(ctx context.Context, tx *db.Tx, account id.ID, limit int) ([]written, error) {
	out, err := db.All(ctx, tx, func(s db.Scanner) (w written, err error) {
		err = s.Scan(&w.order, &w.step, &w.note)
		return w, err
	}, `SELECT order_id, id, note FROM order_history WHERE actor = $1 AND note <> '' ORDER BY order_id, id LIMIT $2`, int64(account), limit)
	if err != nil {
		return nil, fmt.Errorf("order: list notes: %w", err)
	}
	return out, nil
}

// dropNote takes a note out of an order and its story.
func dropNote(ctx context.Context, tx *db.Tx, w written) error {
	if _, err := tx.Exec(ctx, `UPDATE order_history SET note = '' WHERE order_id = $1 AND id = $2`, int64(w.order), int64(w.step)); err != nil {
		return fmt.Errorf("order: drop a note: %w", err)
	}
	if _, err := tx.Exec(ctx, `UPDATE orders SET rev = rev + 1, note = '' WHERE id = $1 AND note = $2`, int64(w.order), w.note); err != nil {
		return fmt.Errorf("order: drop a note: %w", err)
	}
	return nil
}

// countOf returns how many orders an account has placed, and how many of them are not over.
func countOf(ctx context.Context, tx *db.Tx, account id.ID) (all, running int, err error) {
	err = tx.Row(ctx, `SELECT COUNT(*), CAST(COALESCE(SUM(CASE WHEN state IN ('DELIVERED', 'CONCLUDED', 'CANCELLED') THEN 0 ELSE 1 END), 0) AS BIGINT)
		FROM orders WHERE account = $1`, int64(account)).Scan(&all, &running)
	if err != nil {
		return 0, 0, fmt.Errorf("order: count an account's: %w", err)
	}
	return all, running, nil
}

// ordered reports whether an account has an order of a restaurant (0: of any) that was not cancelled.
func ordered(ctx context.Context, tx *db.Tx, account, restaurant id.ID) (bool, error) {
	return tx.Exists(ctx, `SELECT 1 FROM orders WHERE account = $1 AND state <> 'CANCELLED' AND ($2 = CAST(0 AS BIGINT) OR restaurant = $2) LIMIT 1`, account, restaurant)
}
