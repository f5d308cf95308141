// Package review is what customers think of what they ordered: one review for each delivered order, with stars for the restaurant and for
// dishes, which is a post at the same time. Only verified reviews count: of the author's own delivered order, and not of a restaurant
// where they work. Figures are kept in the transaction of the review itself.
package review

import (
	"math"
	"strings"
	"time"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/text"
	"github.com/stoa-town/stoa/internal/contract/delivery"
	"github.com/stoa-town/stoa/internal/contract/social"
)

// Bounds.
const (
	MaxText   = 2000 // characters
	MaxAnswer = 1000
	MaxPhotos = 4
)

// Stars are what a dish got.
type Stars struct {
	Item  id.ID  `json:"item"`
	Name  string `json:"name,omitempty" doc:"Ignored where it is sent."`
	Stars int    `json:"stars" minimum:"1" maximum:"5"`
}

// Input is what a customer says. In a change, what is left out stays.
type Input struct {
	Stars      *int              `json:"stars,omitempty" minimum:"1" maximum:"5" doc:"For the restaurant. Needed in a new review."`
	Text       *string           `json:"text,omitempty" maxLength:"2000"`
	Dishes     *[]Stars          `json:"dishes,omitempty" maxItems:"60" doc:"Stars for dishes of the order."`
	Media      []id.ID           `json:"media_ids,omitempty" maxItems:"4" doc:"Photos, uploaded as for any post. Only in a new review."`
	Visibility social.Visibility `json:"visibility,omitempty" enum:"public,unlisted,town" doc:"Of the post; public where left out. Reviews for the town show their text to nobody else. Only in a new review."`
	Lang       string            `json:"language,omitempty" maxLength:"35"`
}

// Review is a review as somebody sees it.
type Review struct {
	ID         id.ID             `json:"id"`
	Order      id.ID             `json:"order_id,omitzero" doc:"Only for its author."`
	Restaurant id.ID             `json:"restaurant_id"`
	Account    id.ID             `json:"account_id,omitzero"`
	Handle     string            `json:"handle" doc:"Empty where strangers don't see who wrote it."`
	Name       string            `json:"name"`
	Avatar     string            `json:"avatar"`
	Stars      int               `json:"stars"`
	Text       string            `json:"text"`
	Dishes     []Stars           `json:"dishes"`
	Photos     []Photo           `json:"photos"`
	Visibility social.Visibility `json:"visibility"`
	Verified   bool              `json:"verified" doc:"It counts towards the stars: the author's own order was delivered."`
	Hidden     bool              `json:"hidden,omitempty" doc:"By moderators. Only its author and they see it."`
	Status     id.ID             `json:"status_id,omitzero" doc:"The review as a post."`
	At         time.Time         `json:"created_at"`
	Edited     time.Time         `json:"edited_at,omitzero"`
	Answer     string            `json:"answer,omitempty" doc:"The restaurant's."`
	Answered   time.Time         `json:"answered_at,omitzero"`
	Mine       bool              `json:"mine"`
}

// Photo is a picture of a review.
type Photo struct {
	URL     string `json:"url"`
	Preview string `json:"preview_url"`
	Alt     string `json:"description"`
}

// Purchase is a delivered order as a review needs it.
type Purchase struct {
	Order      id.ID
	Code       string
	Customer   id.ID
	Restaurant id.ID
	State      delivery.State
	Placed     time.Time
	Lines      []Line
}

// Line is a dish of an order.
type Line struct {
	Item id.ID
	Name string
}

// row is a stored review.
type row struct {
	Review
	hiddenBy     int64 // bits: byModerator, bySuspension
	answerStatus id.ID
	answeredBy   id.ID
}

// Why a review is hidden.
const (
	byModerator  = 1
	bySuspension = 2 // its author is suspended
)

// hide sets or clears one reason why the review is hidden.
func (r *row) hide(why int64, on bool) {
	r.hiddenBy &^= why
	if on {
		r.hiddenBy |= why
	}
	r.Hidden = r.hiddenBy != 0
}

// counts reports whether the review moves the figures.
func (r *row) counts() bool { return r.Verified && !r.Hidden }

// lines cleans a text of several lines.
func lines(s string, most int) string {
	out := strings.Split(strings.ReplaceAll(s, "\r\n", "\n"), "\n")
	for i := range out {
		out[i] = text.Clean(out[i], most)
	}
	s = strings.TrimSpace(strings.Join(out, "\n"))
	if r := []rune(s); len(r) > most {
		s = string(r[:most])
	}
	return s
}

// apply puts what was said into a review of an order with these lines. It returns an Invalid error that names what is wrong.
func (in *Input) apply(r *Review, bought []Line) error {
	var wrong []errs.Field
	if in.Stars != nil {
		r.Stars = *in.Stars
	}
	if r.Stars < 1 || r.Stars > 5 {
		wrong = append(wrong, errs.FieldOf("body.stars", "Give one to five stars."))
	}
	if in.Text != nil {
		r.Text = lines(*in.Text, MaxText)
	}
	if in.Dishes != nil {
		r.Dishes = []Stars{}
		names := map[id.ID]string{}
		for _, l := range bought {
			names[l.Item] = l.Name
		}
		for _, d := range *in.Dishes {
			name, was := names[d.Item]
			switch {
			case !was:
				wrong = append(wrong, errs.FieldOf("body.dishes", "Only dishes of this order, each once."))
			case d.Stars < 1 || d.Stars > 5:
				wrong = append(wrong, errs.FieldOf("body.dishes", "Give one to five stars."))
			default:
				r.Dishes = append(r.Dishes, Stars{d.Item, name, d.Stars})
				delete(names, d.Item)
			}
		}
	}
	switch in.Visibility {
	case "", social.Public, social.Unlisted, social.Town:
	default:
		wrong = append(wrong, errs.FieldOf("body.visibility", "A review is public, unlisted or for the town."))
	}
	if len(in.Media) > MaxPhotos {
		wrong = append(wrong, errs.FieldOf("body.media_ids", "A review has %d photos at most.", MaxPhotos))
	}
	if len(wrong) > 0 {
		return errs.InvalidFields(wrong)
	}
	return nil
}

// rating makes a Rating of how often there were one star, two and so on.
func rating(each [5]int64) delivery.Rating {
	r := delivery.Rating{Each: each}
	for i, n := range each {
		r.Count += n
		r.Sum += int64(i+1) * n
	}
	if r.Count > 0 {
		r.Mean = math.Round(10*float64(r.Sum)/float64(r.Count)) / 10
	}
	return r
}

// card returns what statuses show of a review.
func (r *Review) card(shop social.ShopCard) *social.ReviewCard {
	c := &social.ReviewCard{ID: r.ID, Stars: r.Stars, Verified: r.Verified, Restaurant: shop, Dishes: []social.DishMark{}}
	for _, d := range r.Dishes {
		c.Dishes = append(c.Dishes, social.DishMark{Item: d.Item, Name: d.Name, Stars: d.Stars})
	}
	return c
}
