package courier

import (
	"context"
	"embed"
	"errors"
	"time"

	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/platform/db"
)

// Schema holds the tables courier and courier_shift.
//
//go:embed schema/*.sql
var Schema embed.FS

func scanState(s db.Scanner) (State, error) {
	var st State
	var since, posAt int64
	err := s.Scan(&st.Courier, &st.Name, &st.Vehicle, &st.OnDuty, &since, &st.Point.Lat, &st.Point.Lon, &st.Heading, &posAt)
	st.Since, st.PosAt = timeOf(since), timeOf(posAt)
	return st, err
}

// timeOf reads a stored time; 0 stands for none.
func timeOf(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(us).UTC()
}

func load(ctx context.Context, tx *db.Tx, courier id.ID) (State, error) {
	return db.One(ctx, tx, scanState, `SELECT account, name, vehicle, on_duty, duty_since, lat, lon, heading, pos_at FROM courier WHERE account = $1`, courier)
}

func loadOnDuty(ctx context.Context, tx *db.Tx) ([]State, error) {
	return db.All(ctx, tx, scanState, `SELECT account, name, vehicle, on_duty, duty_since, lat, lon, heading, pos_at FROM courier WHERE on_duty ORDER BY account`)
}

// register makes the row of a courier who is new, or takes the row of one who is not.
func register(ctx context.Context, tx *db.Tx, courier id.ID, name string) error {
	_, err := tx.Exec(ctx, `INSERT INTO courier (account, name, vehicle, on_duty, duty_since, lat, lon, heading, pos_at) VALUES ($1, $2, $3, FALSE, 0, 0, 0, 0, 0)
		ON CONFLICT (account) DO UPDATE SET name = excluded.name`, courier, name, string(delivery.Bike))
	return err
}

// goOn starts a duty; false where it had begun already.
func goOn(ctx context.Context, tx *db.Tx, courier id.ID, at time.Time) (bool, error) {
	n, err := tx.Exec(ctx, `UPDATE courier SET on_duty = TRUE, duty_since = $1 WHERE account = $2 AND NOT on_duty`, at.UnixMicro(), courier)
	return n == 1, err
}

// goOff ends a duty and forgets where the courier was; false where there was none.
func goOff(ctx context.Context, tx *db.Tx, courier id.ID) (bool, error) {
	n, err := tx.Exec(ctx, `UPDATE courier SET on_duty = FALSE, duty_since = 0, lat = 0, lon = 0, heading = 0, pos_at = 0 WHERE account = $1 AND on_duty`, courier)
	return n == 1, err
}

func setVehicle(ctx context.Context, tx *db.Tx, courier id.ID, v delivery.Vehicle) error {
	_, err := tx.Exec(ctx, `UPDATE courier SET vehicle = $1 WHERE account = $2`, string(v), courier)
	return err
}

// setPosition stores a position; false where the courier is off duty or a newer one is stored.
func setPosition(ctx context.Context, tx *db.Tx, courier id.ID, f Fix) (bool, error) {
	n, err := tx.Exec(ctx, `UPDATE courier SET lat = $1, lon = $2, heading = $3, pos_at = $4 WHERE account = $5 AND on_duty AND pos_at < $4`,
		f.Point.Lat, f.Point.Lon, f.Heading, f.At.UnixMicro(), courier)
	return n == 1, err
}

// remove deletes what is known of a courier.
func remove(ctx context.Context, tx *db.Tx, courier id.ID) error {
	if _, err := tx.Exec(ctx, `DELETE FROM courier_shift WHERE account = $1`, courier); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `DELETE FROM courier WHERE account = $1`, courier)
	return err
}

// forgetPlaces forgets where couriers on duty were before a time, and how many those were.
func forgetPlaces(ctx context.Context, tx *db.Tx, before time.Time) (int64, error) {
	return tx.Exec(ctx, `UPDATE courier SET lat = 0, lon = 0, heading = 0, pos_at = 0 WHERE pos_at > 0 AND pos_at < $1`, before.UnixMicro())
}

func scanShift(s db.Scanner) (x Shift, err error) {
	var began, ended int64
	err = s.Scan(&x.ID, &began, &ended, &x.Floor)
	x.Began, x.Ended = timeOf(began), timeOf(ended)
	return x, err
}

func openShift(ctx context.Context, tx *db.Tx, shift, courier id.ID, currency string, now time.Time) error {
	_, err := tx.Exec(ctx, `INSERT INTO courier_shift (id, account, began_at, ended_at, floor, currency) VALUES ($1, $2, $3, 0, 0, $4)`, shift, courier, now.UnixMicro(), currency)
	return err
}

// presentShift returns the shift of a courier that lasts, and whether there is one.
func presentShift(ctx context.Context, tx *db.Tx, courier id.ID) (Shift, bool, error) {
	x, err := db.One(ctx, tx, scanShift, `SELECT id, began_at, ended_at, floor FROM courier_shift WHERE account = $1 AND ended_at = 0`, courier)
	if errors.Is(err, db.ErrNoRow) {
		return x, false, nil
	}
	return x, err == nil, err
}

// closeShift ends a shift; false where somebody else did.
func closeShift(ctx context.Context, tx *db.Tx, x Shift) (bool, error) {
	n, err := tx.Exec(ctx, `UPDATE courier_shift SET ended_at = $1, floor = $2 WHERE id = $3 AND ended_at = 0`, x.Ended.UnixMicro(), x.Floor, x.ID)
	return n == 1, err
}

// shifts returns the shifts of a courier that began between two times, newest first, at most 200 of them.
func shifts(ctx context.Context, tx *db.Tx, courier id.ID, from, to time.Time) ([]Shift, error) {
	return db.All(ctx, tx, scanShift, `SELECT id, began_at, ended_at, floor FROM courier_shift WHERE account = $1 AND began_at >= $2 AND began_at < $3
		ORDER BY began_at DESC LIMIT 200`, courier, from.UnixMicro(), to.UnixMicro())
}

func allShifts(ctx context.Context, tx *db.Tx, courier id.ID) ([]Shift, error) {
	return db.All(ctx, tx, scanShift, `SELECT id, began_at, ended_at, floor FROM courier_shift WHERE account = $1 ORDER BY began_at`, courier)
}
