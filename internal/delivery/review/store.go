package review

import (
	"context"
	"embed"
	"fmt"
	"time"

	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/platform/db"
)

// Schema holds the tables review, review_dish and review_figure.
//
//go:embed schema/*.sql
var Schema embed.FS

const columns = `id, order_id, restaurant, account, stars, text, visibility, verified, hidden, status, at, edited_at, answer, answer_status, answered_by, answered_at`

func scan(s db.Scanner) (row, error) {
	r := row{Review: Review{Dishes: []Stars{}, Photos: []Photo{}}}
	var verified, at, edited, answered int64
	err := s.Scan(&r.ID, &r.Order, &r.Restaurant, &r.Account, &r.Stars, &r.Text, &r.Visibility, &verified, &r.hiddenBy, &r.Status, &at, &edited,
		&r.Answer, &r.answerStatus, &r.answeredBy, &answered)
	r.Verified, r.Hidden, r.At, r.Edited, r.Answered = verified != 0, r.hiddenBy != 0, moment(at), moment(edited), moment(answered)
	return r, err
}

// moment is the time that micro stored.
func moment(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(us).UTC()
}

// micro is a time as stored: µs UTC, 0 for the zero time.
func micro(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func flag(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// insert stores a review. It fails with a db.IsUnique error where the order has one.
func insert(ctx context.Context, tx *db.Tx, r *row) error {
	_, err := tx.Exec(ctx, `INSERT INTO review (id, order_id, restaurant, account, stars, text, visibility, verified, hidden, status, at, edited_at, answer, answer_status,
		answered_by, answered_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0, $9, $10, 0, '', 0, 0, 0)`,
		r.ID, r.Order, r.Restaurant, r.Account, r.Stars, r.Text, string(r.Visibility), flag(r.Verified), r.Status, micro(r.At))
	if err != nil {
		return err
	}
	return setDishes(ctx, tx, r)
}

func setDishes(ctx context.Context, tx *db.Tx, r *row) error {
	if _, err := tx.Exec(ctx, `DELETE FROM review_dish WHERE review = $1`, r.ID); err != nil {
		return err
	}
	for _, d := range r.Dishes {
		if _, err := tx.Exec(ctx, `INSERT INTO review_dish (review, item, name, stars) VALUES ($1, $2, $3, $4)`, r.ID, d.Item, d.Name, d.Stars); err != nil {
			return err
		}
	}
	return nil
}

// lock makes changes of one review come one after another, and returns it as it stands then.
func lock(ctx context.Context, tx *db.Tx, review id.ID) (row, error) {
	if _, err := tx.Exec(ctx, `UPDATE review SET stars = stars WHERE id = $1`, review); err != nil {
		return row{}, err
	}
	return byID(ctx, tx, review)
}

// update stores what may change of a review.
func update(ctx context.Context, tx *db.Tx, r *row) error {
	_, err := tx.Exec(ctx, `UPDATE review SET stars = $1, text = $2, hidden = $3, edited_at = $4, answer = $5, answer_status = $6, answered_by = $7, answered_at = $8
		WHERE id = $9`, r.Stars, r.Text, r.hiddenBy, micro(r.Edited), r.Answer, r.answerStatus, r.answeredBy, micro(r.Answered), r.ID)
	if err != nil {
		return err
	}
	return setDishes(ctx, tx, r)
}

func remove(ctx context.Context, tx *db.Tx, review id.ID) error {
	if _, err := tx.Exec(ctx, `DELETE FROM review_dish WHERE review = $1`, review); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `DELETE FROM review WHERE id = $1`, review)
	return err
}

func byID(ctx context.Context, tx *db.Tx, review id.ID) (row, error) {
	return withDishes(ctx, tx)(db.One(ctx, tx, scan, `SELECT `+columns+` FROM review WHERE id = $1`, review))
}

func byOrder(ctx context.Context, tx *db.Tx, order id.ID) (row, error) {
	return withDishes(ctx, tx)(db.One(ctx, tx, scan, `SELECT `+columns+` FROM review WHERE order_id = $1`, order))
}

// withDishes adds the dishes to a row that was read.
func withDishes(ctx context.Context, tx *db.Tx) func(row, error) (row, error) {
	return func(r row, err error) (row, error) {
		if err != nil {
			return r, err
		}
		list := []row{r}
		err = dishes(ctx, tx, list)
		return list[0], err
	}
}

// dishes reads the dishes of reviews.
func dishes(ctx context.Context, tx *db.Tx, list []row) error {
	for i := range list {
		err := tx.Each(ctx, func(s db.Scanner) error {
			var d Stars
			err := s.Scan(&d.Item, &d.Name, &d.Stars)
			list[i].Dishes = append(list[i].Dishes, d)
			return err
		}, `SELECT item, name, stars FROM review_dish WHERE review = $1 ORDER BY item`, list[i].ID)
		if err != nil {
			return fmt.Errorf("review: dishes of %d: %w", list[i].ID, err)
		}
	}
	return nil
}

// The statements that list reviews, newest first. $1 is of whom, $2 below which id, $3 how many.
const (
	ofRestaurant = `SELECT ` + columns + ` FROM review WHERE restaurant = $1 AND id < $2 AND hidden = 0 ORDER BY id DESC LIMIT $3`
	ofAuthor     = `SELECT ` + columns + ` FROM review WHERE account = $1 AND id < $2 ORDER BY id DESC LIMIT $3`
	ofStatus     = `SELECT ` + columns + ` FROM review WHERE status = $1 AND status <> 0 AND id < $2 ORDER BY id DESC LIMIT $3`
	ofAnswer     = `SELECT ` + columns + ` FROM review WHERE answer_status = $1 AND answer_status <> 0 AND id < $2 ORDER BY id DESC LIMIT $3`
)

func list(ctx context.Context, tx *db.Tx, statement string, of, below id.ID, limit int) ([]row, error) {
	if below == 0 {
		below = 1<<63 - 1
	}
	rows, err := db.All(ctx, tx, scan, statement, of, below, limit)
	if err != nil {
		return nil, err
	}
	return rows, dishes(ctx, tx, rows)
}

// forgetAnswerer takes out who wrote a restaurant's answers: they stay the restaurant's.
func forgetAnswerer(ctx context.Context, tx *db.Tx, account id.ID) error {
	_, err := tx.Exec(ctx, `UPDATE review SET answered_by = 0 WHERE answered_by = $1`, account)
	return err
}

func countOf(ctx context.Context, tx *db.Tx, account id.ID) (n int, err error) {
	err = tx.Row(ctx, `SELECT COUNT(*) FROM review WHERE account = $1`, account).Scan(&n)
	return n, err
}

// count moves the figures of a thing by step for some stars.
func count(ctx context.Context, tx *db.Tx, thing, restaurant id.ID, stars int, step int64) error {
	var by [5]int64
	by[stars-1] = step
	_, err := tx.Exec(ctx, `INSERT INTO review_figure (thing, restaurant, one, two, three, four, five) VALUES ($1, $2, $3, $4, $5, $6, $7)
		ON CONFLICT (thing) DO UPDATE SET one = review_figure.one + excluded.one, two = review_figure.two + excluded.two,
		three = review_figure.three + excluded.three, four = review_figure.four + excluded.four, five = review_figure.five + excluded.five`,
		thing, restaurant, by[0], by[1], by[2], by[3], by[4])
	return err
}

// figure is the stars of a thing.
type figure struct {
	thing, restaurant id.ID
	rating            delivery.Rating
}

func scanFigure(s db.Scanner) (figure, error) {
	var f figure
	var e [5]int64
	err := s.Scan(&f.thing, &f.restaurant, &e[0], &e[1], &e[2], &e[3], &e[4])
	f.rating = rating(e)
	return f, err
}

// allFigures returns the stars of every restaurant and dish.
func allFigures(ctx context.Context, tx *db.Tx) ([]figure, error) {
	return db.All(ctx, tx, scanFigure, `SELECT thing, restaurant, one, two, three, four, five FROM review_figure`)
}
