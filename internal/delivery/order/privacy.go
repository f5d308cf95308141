package order

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/stoa-town/stoa/internal/base/i18n"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/events"
	"github.com/stoa-town/stoa/internal/platform/personal"
)

// Keep says how long what orders tell of people is kept; 0 is for ever. Internal/app fills it in from the settings.
type Keep struct {
	Way   func() time.Duration // where an order was handed over, and the photo of that
	Buyer func() time.Duration // who bought it
	// Way forgets, in tx, what other slices store of the way of an order that is over, and returns the pictures nothing refers to then.
	ForgetWay func(ctx context.Context, tx *db.Tx, order id.ID) ([]string, error)
	// ForgetCard forgets the token of the card that paid an order.
	ForgetCard func(ctx context.Context, tx *db.Tx, order id.ID) error
	// Unlink has pictures deleted once tx is on disk.
	Unlink func(ctx context.Context, tx *db.Tx, paths []string) error
}

// forgetBatch is how many orders one transaction forgets.
const forgetBatch = 100

// Personal says what orders hold of people.
func (s *Service) Personal(keep Keep) personal.Part {
	sweep := func(level int) func(context.Context, time.Time) error {
		return func(ctx context.Context, before time.Time) error {
			return personal.Batches(ctx, s.DB, forgetBatch, func(tx *db.Tx) (int64, error) {
				n, paths, err := s.strip(ctx, tx, keep, 0, before, level)
				if err != nil {
					return 0, err
				}
				return int64(n), keep.Unlink(ctx, tx, paths)
			})
		}
	}
	return personal.Part{
		Name: "orders",
		Tables: []personal.Table{
			{
				Name: "orders", Personal: "secret idem_key note proof snapshot", Link: "account courier",
				Plain: `id rev code restaurant mode state before announced open warned flagged method total credit currency pickup_code handover_code capacity reason
					liable placed_at confirm_by ready_at promise_from promise_to moved_at heading_at arrived_at eta forgot`,
			},
			{Name: "order_history", Personal: "note", Link: "actor", Plain: "order_id id at what state reason"},
		},
		About: func(ctx context.Context) personal.About {
			return personal.About{
				Title: i18n.T(ctx, "Orders"),
				What:  i18n.T(ctx, "What you ordered, where and when, what it cost, how it was paid, and what happened to it; your name, phone number, address and notes for it; a photo from your door where the courier had to take one."),
				Why:   i18n.T(ctx, "So that it is cooked, brought and paid, and can be looked up when something was wrong. The restaurant has to keep its sales for the tax office."),
				Kept: i18n.T(ctx, "Photos and the way to your door: %s. Who ordered: %s. After that, and when you delete your account, only the sale itself is left: restaurant, dishes, amounts, tax and times.",
					personal.Span(ctx, keep.Way()), personal.Span(ctx, keep.Buyer())),
			}
		},
		Count: func(ctx context.Context, account id.ID) (n int, err error) {
			err = s.DB.Read(ctx, func(tx *db.Tx) error {
				n, _, err = countOf(ctx, tx, account)
				return err
			})
			return n, err
		},
		Export: s.exportMine,
		Erase: func(ctx context.Context, tx *db.Tx, account id.ID) (personal.Erased, error) {
			return s.erase(ctx, tx, keep, account)
		},
		Blocks: s.blocks,
		Rules: []personal.Rule{
			{Name: "orders.way", Keep: keep.Way, Sweep: sweep(forgotWay)},
			{Name: "orders.buyer", Keep: keep.Buyer, Sweep: sweep(forgotBuyer)},
		},
	}
}

// strip forgets up to level of closed orders, of an account or of those before a time. It returns how many it did and the pictures that
// nothing refers to then.
func (s *Service) strip(ctx context.Context, tx *db.Tx, keep Keep, account id.ID, before time.Time, level int) (int, []string, error) {
	rows, err := forgettable(ctx, tx, account, before, level, forgetBatch)
	if err != nil {
		return 0, nil, err
	}
	var paths []string
	for i := range rows {
		gone, err := s.stripOne(ctx, tx, keep, &rows[i], level)
		if err != nil {
			return 0, nil, err
		}
		paths = append(paths, gone...)
	}
	return len(rows), paths, nil
}

func (s *Service) stripOne(ctx context.Context, tx *db.Tx, keep Keep, r *row, level int) ([]string, error) {
	paths, err := keep.ForgetWay(ctx, tx, r.id)
	if err != nil {
		return nil, err
	}
	if r.proof != "" {
		paths = append(paths, r.proof)
		r.proof = ""
	}
	if level == forgotBuyer {
		b, err := r.bought()
		if err != nil {
			return nil, err
		}
		b.forget()
		text, err := json.Marshal(b)
		if err != nil {
			return nil, fmt.Errorf("order: encode what is left of %d: %w", r.id, err)
		}
		r.snapshot, r.note, r.idemKey = string(text), "", ""
		r.secret = id.Secret()[:secretLength] // the old tracking link leads nowhere
		if err := keep.ForgetCard(ctx, tx, r.id); err != nil {
			return nil, err
		}
		if err := events.Redact(ctx, tx, "order:"+r.id.String(), withoutNote(0)); err != nil {
			return nil, err
		}
	}
	return paths, storeForgotten(ctx, tx, r, level)
}

// withoutNote takes the notes out of an order's events: all, or those that one person wrote.
func withoutNote(by id.ID) func(events.Event, map[string]json.RawMessage) bool {
	return func(e events.Event, fields map[string]json.RawMessage) bool {
		if _, ok := fields["note"]; !ok || by != 0 && e.Actor != by {
			return false
		}
		delete(fields, "note")
		return true
	}
}

// forget takes everything about a person out of what was bought. The distance goes too: several of them would tell where somebody lives.
func (s *Snapshot) forget() {
	s.To, s.Name, s.Phone, s.Note, s.DistM = nil, "", "", "", 0
	for i := range s.Lines {
		s.Lines[i].Note = ""
	}
}

// erase takes a person out of their orders, and out of others' orders what they wrote about them.
func (s *Service) erase(ctx context.Context, tx *db.Tx, keep Keep, account id.ID) (personal.Erased, error) {
	n, paths, err := s.strip(ctx, tx, keep, account, time.Time{}, forgotBuyer)
	if err != nil {
		return personal.Erased{}, err
	}
	notes, err := notesBy(ctx, tx, account, forgetBatch)
	if err != nil {
		return personal.Erased{}, err
	}
	for _, w := range notes {
		if err := dropNote(ctx, tx, w); err != nil {
			return personal.Erased{}, err
		}
		if err := events.Redact(ctx, tx, "order:"+w.order.String(), withoutNote(account)); err != nil {
			return personal.Erased{}, err
		}
	}
	return personal.Erased{More: n == forgetBatch || len(notes) == forgetBatch, Files: paths}, nil
}

// blocks says which orders have to end first.
func (s *Service) blocks(ctx context.Context, account id.ID) (out []personal.Obstacle, err error) {
	var running int
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		_, running, err = countOf(ctx, tx, account)
		return err
	})
	if err != nil || running == 0 {
		return nil, err
	}
	return []personal.Obstacle{{
		Text:  i18n.N(ctx, running, "%d order of yours is still on its way. Wait until it is there, or cancel it.", "%d orders of yours are still on their way. Wait until they are there, or cancel them."),
		Href:  "/orders",
		Label: i18n.T(ctx, "Your orders"),
	}}, nil
}

// exportMine writes all orders of an account, each as its customer sees it with its story.
func (s *Service) exportMine(ctx context.Context, account id.ID, to personal.Archive) error {
	out := []*View{}
	for below := id.ID(0); ; {
		rows, err := s.exportPage(ctx, account, below, &out)
		if err != nil {
			return err
		}
		if len(rows) < forgetBatch {
			break
		}
		below = rows[len(rows)-1].id
	}
	for _, v := range out {
		if v.Proof == "" {
			continue
		}
		if err := to.Picture(v.Proof, i18n.T(ctx, "A courier's photo of order %s", v.Code)); err != nil {
			return err
		}
	}
	var notes []writtenNote
	err := s.DB.Read(ctx, func(tx *db.Tx) error {
		list, err := notesBy(ctx, tx, account, exportNotes)
		for _, w := range list {
			notes = append(notes, writtenNote{w.order, w.note})
		}
		return err
	})
	if err != nil {
		return err
	}
	if len(notes) > 0 {
		if err := to.JSON("order-notes.json", i18n.T(ctx, "What you wrote about orders as courier, kitchen or dispatcher"), notes); err != nil {
			return err
		}
	}
	return to.JSON("orders.json", i18n.T(ctx, "Your orders with everything that happened to them"), out)
}

// exportNotes is how many notes about others' orders a copy holds at most.
const exportNotes = 20_000

type writtenNote struct {
	Order id.ID  `json:"order"`
	Note  string `json:"note"`
}

// exportPage adds the orders below an id to out.
func (s *Service) exportPage(ctx context.Context, account, below id.ID, out *[]*View) (rows []row, err error) {
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		if rows, err = list(ctx, tx, listOfAccount, "", "", "", account, below, forgetBatch); err != nil {
			return err
		}
		for i := range rows {
			v, err := s.whole(ctx, tx, &rows[i], Customer)
			if err != nil {
				return err
			}
			*out = append(*out, v)
		}
		return nil
	})
	return rows, err
}
