package notification

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/account"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/events"
)

// topic is the prefix of what one profile's pages listen to.
const topic = "profile"

// React has notifications follow what happens, and open pages hear of them.
func (s *Service) React() {
	kinds := []string{
		social.KindPosted, social.KindEdited, social.KindDeleted, social.KindMarked, social.KindPollEnded, social.KindFollowed, social.KindReported,
		social.KindModerated, social.KindNotice, account.KindCreated, delivery.TaskChanged{}.EventKind(), delivery.RefundChanged{}.EventKind(),
	}
	for what := range told {
		kinds = append(kinds, delivery.Order{What: what}.EventKind())
	}
	slices.Sort(kinds)
	s.Log.Subscribe("notification", kinds, s.handle)
	s.Log.Watch(s.watch)
	for _, kind := range []string{social.KindNotified, social.KindNoticesChanged} {
		s.Hub.Route(kind, func(e events.Event) []string { return []string{e.Subject} })
	}
	s.Hub.Allow(topic, func(ctx context.Context, name string) error {
		actor, err := access.Require(ctx)
		if err == nil && name != topic+":"+actor.ID.String() {
			err = errNone
		}
		return err
	})
}

// watch has this node forget what others changed.
func (s *Service) watch(list []events.Event) {
	for _, e := range list {
		switch e.Kind {
		case social.KindNotified, social.KindNoticesChanged:
			var to struct {
				To id.ID `json:"to"`
			}
			if json.Unmarshal(e.Data, &to) == nil {
				s.forget(to.To)
			}
		}
	}
}

// handle makes notifications of an event.
func (s *Service) handle(ctx context.Context, tx *db.Tx, e events.Event) error {
	switch e.Kind {
	case social.KindPosted:
		return read(e, func(p social.Posted) error { return s.posted(ctx, tx, &p.Head) })
	case social.KindEdited:
		return read(e, func(p social.Edited) error { return s.edited(ctx, tx, p) })
	case social.KindDeleted:
		return read(e, func(p social.Deleted) error { return s.deleted(ctx, tx, &p.Head) })
	case social.KindMarked:
		return read(e, func(p social.Marked) error { return s.marked(ctx, tx, p) })
	case social.KindPollEnded:
		return read(e, func(p social.PollEnded) error { return s.pollEnded(ctx, tx, p) })
	case social.KindFollowed:
		return read(e, func(p social.Followed) error { return s.followed(ctx, tx, p) })
	case social.KindNotice:
		return read(e, func(p social.Notice) error { return s.noticed(ctx, tx, p) })
	case social.KindReported:
		return read(e, func(p social.Reported) error {
			return s.toModerators(ctx, tx, Notification{Type: Report, From: p.By, Thing: p.Report})
		})
	case social.KindModerated:
		return read(e, func(p social.Moderated) error { return s.moderated(ctx, tx, p) })
	case account.KindCreated:
		return read(e, func(p account.Created) error {
			return s.toModerators(ctx, tx, Notification{Type: SignUp, From: p.Account})
		})
	case delivery.TaskChanged{}.EventKind():
		return read(e, func(p delivery.TaskChanged) error { return s.rode(ctx, tx, p) })
	case delivery.RefundChanged{}.EventKind():
		return read(e, func(p delivery.RefundChanged) error { return s.refunded(ctx, tx, p) })
	}
	return read(e, func(p delivery.Order) error { return s.ordered(ctx, tx, e.Actor, p) })
}

// read decodes an event's payload and hands it to fn.
func read[T any](e events.Event, fn func(T) error) error {
	var p T
	if err := json.Unmarshal(e.Data, &p); err != nil {
		return fmt.Errorf("notification: decode %s: %w", e.Kind, err)
	}
	return fn(p)
}

// posted tells of a post or a boost: each person once, of what concerns them most.
func (s *Service) posted(ctx context.Context, tx *db.Tx, h *social.Head) error {
	if h.BoostOf != 0 {
		return s.add(ctx, tx, []draft{{Notification: Notification{Account: h.BoostFrom, Type: Reblog, From: h.Account, Status: h.BoostOf}}})
	}
	var drafts []draft
	told := map[id.ID]bool{h.Account: true}
	add := func(to id.ID, kind string) {
		if to == 0 || told[to] {
			return
		}
		told[to] = true
		drafts = append(drafts, draft{
			Notification: Notification{Account: to, Type: kind, From: h.Account, Status: h.ID},
			direct:       h.Visibility == social.Direct, answers: h.ReplyFrom == to, head: h,
		})
	}
	for _, m := range h.Mentions {
		readable, err := s.mayRead(ctx, m, h)
		if err != nil {
			return err
		}
		if readable {
			add(m, Mention)
		}
	}
	add(h.QuoteFrom, Quote)
	if err := s.add(ctx, tx, drafts); err != nil {
		return err
	}
	if h.Visibility == social.Direct || h.Visibility == social.Group || h.ReplyTo != 0 && h.ReplyFrom != h.Account {
		return nil
	}
	for after := id.ID(0); ; {
		list, err := s.Graph.Notifying(ctx, h.Account, after, notifyBatch)
		if err != nil {
			return err
		}
		drafts = nil
		for _, f := range list {
			add(f, Status)
			after = f
		}
		if err := s.add(ctx, tx, drafts); err != nil || len(list) < notifyBatch {
			return err
		}
	}
}

// notifyBatch is how many followers are looked at together.
const notifyBatch = 500

func (s *Service) mayRead(ctx context.Context, reader id.ID, h *social.Head) (bool, error) {
	rel, err := s.Graph.Relations(ctx, reader)
	return err == nil && rel.MayRead(h), err
}

// edited tells those who passed a status on that it says something else now; and those whom it newly mentions.
func (s *Service) edited(ctx context.Context, tx *db.Tx, e social.Edited) error {
	if e.Silent {
		return nil
	}
	boosters, err := s.Statuses.Boosters(ctx, e.ID)
	if err != nil {
		return err
	}
	quotes, err := s.Statuses.Quotes(ctx, e.ID)
	if err != nil {
		return err
	}
	var drafts []draft
	for _, m := range e.Mentions {
		n := Notification{Account: m, Type: Mention, From: e.Account, Status: e.ID}
		known, err := exists(ctx, tx, &n)
		if err != nil {
			return err
		}
		readable, err := s.mayRead(ctx, m, &e.Head)
		if err != nil {
			return err
		}
		if !known && readable && m != e.Account {
			drafts = append(drafts, draft{Notification: n, direct: e.Visibility == social.Direct, answers: e.ReplyFrom == m, head: &e.Head})
		}
	}
	for _, b := range boosters {
		if b != e.Account {
			drafts = append(drafts, draft{Notification: Notification{Account: b, Type: Update, From: e.Account, Status: e.ID}})
		}
	}
	for _, q := range quotes {
		if q.Account != e.Account {
			drafts = append(drafts, draft{Notification: Notification{Account: q.Account, Type: QuotedUpdate, From: e.Account, Status: q.ID}})
		}
	}
	return s.add(ctx, tx, drafts)
}

// deleted takes back what told of a status.
func (s *Service) deleted(ctx context.Context, tx *db.Tx, h *social.Head) error {
	if h.BoostOf != 0 {
		return s.took(ctx, tx)(withdraw(ctx, tx, h.BoostFrom, h.Account, Reblog, h.BoostOf))
	}
	rows, err := dropStatus(ctx, tx, h.ID)
	var whose []id.ID
	for _, g := range rows {
		whose = append(whose, g.account)
		if g.held && err == nil {
			err = noteGone(ctx, tx, g.account, g.sender, h.ID)
		}
	}
	return s.took(ctx, tx)(whose, err)
}

// took tells those from whom something was taken away.
func (s *Service) took(ctx context.Context, tx *db.Tx) func([]id.ID, error) error {
	return func(from []id.ID, err error) error {
		if err != nil {
			return err
		}
		slices.Sort(from)
		for _, a := range slices.Compact(from) {
			if err := s.tell(ctx, tx, a, "removed", 0); err != nil {
				return err
			}
		}
		return nil
	}
}

func (s *Service) marked(ctx context.Context, tx *db.Tx, m social.Marked) error {
	switch {
	case m.Mark != social.Favourite || m.By == m.Author:
		return nil
	case m.Gone:
		return s.took(ctx, tx)(withdraw(ctx, tx, m.Author, m.By, Favourite, m.Status))
	}
	return s.add(ctx, tx, []draft{{Notification: Notification{Account: m.Author, Type: Favourite, From: m.By, Status: m.Status}}})
}

func (s *Service) pollEnded(ctx context.Context, tx *db.Tx, p social.PollEnded) error {
	drafts := []draft{{Notification: Notification{Account: p.Author, Type: Poll, From: p.Author, Status: p.Status}}}
	for _, v := range p.Voters {
		if v != p.Author {
			drafts = append(drafts, draft{Notification: Notification{Account: v, Type: Poll, From: p.Author, Status: p.Status}})
		}
	}
	return s.add(ctx, tx, drafts)
}

func (s *Service) followed(ctx context.Context, tx *db.Tx, f social.Followed) error {
	if f.To == 0 {
		return nil
	}
	switch {
	case f.Tie == social.TieFollow && f.Gone:
		return s.took(ctx, tx)(withdraw(ctx, tx, f.To, f.From, Follow, 0))
	case f.Tie == social.TieFollow:
		if err := s.took(ctx, tx)(withdraw(ctx, tx, f.To, f.From, FollowRequest, 0)); err != nil {
			return err
		}
		return s.add(ctx, tx, []draft{{Notification: Notification{Account: f.To, Type: Follow, From: f.From}}})
	case f.Tie == social.TieRequest && f.Gone:
		return s.took(ctx, tx)(withdraw(ctx, tx, f.To, f.From, FollowRequest, 0))
	case f.Tie == social.TieRequest:
		return s.add(ctx, tx, []draft{{Notification: Notification{Account: f.To, Type: FollowRequest, From: f.From}}})
	case f.Tie == social.TieBlock && !f.Gone:
		a, err := dropBetween(ctx, tx, f.From, f.To)
		if err != nil {
			return err
		}
		b, err := dropBetween(ctx, tx, f.To, f.From)
		return s.took(ctx, tx)(append(a, b...), err)
	}
	return nil
}

// noticed tells what other slices ask to have told.
func (s *Service) noticed(ctx context.Context, tx *db.Tx, p social.Notice) error {
	drafts := make([]draft, len(p.To))
	for i, to := range p.To {
		drafts[i].Notification = Notification{
			Account: to, Type: Own + "." + p.Type, From: p.From, Status: p.Status, Thing: p.Thing, Data: &Data{Title: p.Title, URL: p.URL},
		}
	}
	return s.add(ctx, tx, drafts)
}

func (s *Service) toModerators(ctx context.Context, tx *db.Tx, n Notification) error {
	list, err := s.Moderators(ctx)
	if err != nil {
		return err
	}
	var drafts []draft
	for _, m := range list {
		if m != n.From {
			n.Account = m
			drafts = append(drafts, draft{Notification: n})
		}
	}
	return s.add(ctx, tx, drafts)
}

func (s *Service) moderated(ctx context.Context, tx *db.Tx, p social.Moderated) error {
	if p.Action == "undo" || p.Action == "delete" {
		return nil
	}
	return s.add(ctx, tx, []draft{{Notification: Notification{Account: p.Profile, Type: Warning, From: p.Profile, Thing: p.Strike, Data: &Data{What: p.Action}}}})
}

// told are the events of an order that somebody hears of.
var told = map[string]bool{
	delivery.OrderConfirmed: true, delivery.OrderReady: true, delivery.OrderPickedUp: true, delivery.OrderArrived: true, delivery.OrderDelivered: true,
	delivery.OrderCancelled: true, delivery.OrderDelayed: true, delivery.OrderFailed: true, delivery.OrderRestored: true, delivery.OrderDue: true,
}

// ordered tells the customer what became of an order, unless they did it themselves, and the kitchen that one waits for its word.
func (s *Service) ordered(ctx context.Context, tx *db.Tx, actor id.ID, o delivery.Order) error {
	if o.What == delivery.OrderDue {
		return s.kitchenLate(ctx, tx, o)
	}
	if err := s.kitchenAnswered(ctx, tx, o); err != nil {
		return err
	}
	if o.Customer == 0 || actor == o.Customer {
		return nil
	}
	if o.What == delivery.OrderReady && o.Mode != delivery.Pickup {
		return nil // its courier hears of that; the customer when it is on its way
	}
	return s.add(ctx, tx, []draft{{Notification: Notification{
		Account: o.Customer, Type: Order, From: o.Restaurant, Thing: o.Order, Data: &Data{What: o.What, Code: o.Code, URL: "/orders/" + o.Code},
	}}})
}

// refunded is what a notification of an order says where something of it was given back.
const refunded = "refunded"

// refunded tells the customer that something was given back, once the money has gone.
func (s *Service) refunded(ctx context.Context, tx *db.Tx, r delivery.RefundChanged) error {
	if r.Customer == 0 || r.State != "done" {
		return nil
	}
	return s.add(ctx, tx, []draft{{Notification: Notification{
		Account: r.Customer, Type: Order, From: r.Restaurant, Thing: r.Order,
		Data: &Data{What: refunded, Code: r.Code, URL: "/orders/" + r.Code, Amount: r.Amount, Currency: r.Currency},
	}}})
}

func (s *Service) kitchenLate(ctx context.Context, tx *db.Tx, o delivery.Order) error {
	staff, err := s.Staff(ctx, o.Restaurant)
	if err != nil {
		return err
	}
	_, slug, err := s.Shop(ctx, o.Restaurant)
	if err != nil {
		return err
	}
	drafts := make([]draft, len(staff))
	for i, who := range staff {
		drafts[i].Notification = Notification{
			Account: who, Type: Kitchen, From: o.Restaurant, Thing: o.Order, Data: &Data{What: o.What, Code: o.Code, URL: "/kitchen/" + slug},
		}
	}
	return s.add(ctx, tx, drafts)
}

// kitchenAnswered takes the reminders back once the order is no longer waiting.
func (s *Service) kitchenAnswered(ctx context.Context, tx *db.Tx, o delivery.Order) error {
	if o.What != delivery.OrderConfirmed && o.What != delivery.OrderCancelled {
		return nil
	}
	return s.took(ctx, tx)(withdrawAll(ctx, tx, Kitchen, o.Order))
}

// rode tells a courier of an offer, and takes it back when it is over.
func (s *Service) rode(ctx context.Context, tx *db.Tx, t delivery.TaskChanged) error {
	if t.Stop != "pickup" {
		return nil
	}
	switch t.State {
	case "OFFERED":
		return s.add(ctx, tx, []draft{{Notification: Notification{
			Account: t.Courier, Type: Offer, From: t.Courier, Thing: t.Order, Data: &Data{What: "offered", URL: "/courier"},
		}}})
	case "WITHDRAWN":
		return s.took(ctx, tx)(withdrawThing(ctx, tx, t.Before, Offer, t.Order))
	}
	return s.took(ctx, tx)(withdrawAll(ctx, tx, Offer, t.Order))
}
