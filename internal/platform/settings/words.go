package settings

import (
	"context"

	"github.com/stoa-town/stoa/internal/base/i18n"
)

// groupTitle returns the heading of a group.
func groupTitle(ctx context.Context, group string) string {
	switch group {
	case "town":
		return i18n.T(ctx, "Town")
	case "signup":
		return i18n.T(ctx, "Sign-up")
	case "social":
		return i18n.T(ctx, "Social network")
	case "mail":
		return i18n.T(ctx, "Mail")
	case "retention":
		return i18n.T(ctx, "How long things are kept")
	case "delivery":
		return i18n.T(ctx, "Delivery")
	case "terms":
		return i18n.T(ctx, "Deal with restaurants")
	case "payments":
		return i18n.T(ctx, "Payments")
	case "pay":
		return i18n.T(ctx, "Pay of couriers")
	case "limits":
		return i18n.T(ctx, "Limits")
	}
	return group
}

// describe returns the label and the help text of a setting.
func describe(ctx context.Context, name string) (label, help string) {
	switch name {
	case "town.name":
		return i18n.T(ctx, "Name of the town"), i18n.T(ctx, "Stands at the top of every page and in every letter.")
	case "town.lang":
		return i18n.T(ctx, "Language"), i18n.T(ctx, "For visitors whose browser asks for none that Stoa speaks.")
	case "town.accent_hue":
		return i18n.T(ctx, "Accent colour"), i18n.T(ctx, "The hue of buttons and links, 0 to 360: 30 is orange, 150 green, 250 blue.")
	case "signup.mode":
		return i18n.T(ctx, "Who may join"), i18n.T(ctx, "An invitation spares the admin's yes.")
	case "signup.confirm":
		return i18n.T(ctx, "Confirm addresses by letter"), i18n.T(ctx, "Without letters accounts are made at once, and nobody knows whose address it is.")
	case "signup.rules":
		return i18n.T(ctx, "Rules of the town"), i18n.T(ctx, "Everybody who joins agrees to them. Empty lines part paragraphs.")
	case "mail.from":
		return i18n.T(ctx, "Sender of letters"), i18n.T(ctx, "As food@example.org, or Our Town <food@example.org>.")
	case "delivery.confirm_within":
		return i18n.T(ctx, "Refuse unanswered orders after"), i18n.T(ctx, "A restaurant that has not confirmed by then loses the order, and the customer pays nothing.")
	case "delivery.warn_before":
		return i18n.T(ctx, "Warn the restaurant before that"), i18n.T(ctx, "How long before an unanswered order is refused the kitchen hears of it once more.")
	case "delivery.restore_within":
		return i18n.T(ctx, "Bring back cancelled orders within"), i18n.T(ctx, "How long somebody who cancelled by mistake can undo it.")
	case "delivery.offer_for":
		return i18n.T(ctx, "Time to answer an offer"), i18n.T(ctx, "How long a courier may think about an offer before the next one is asked.")
	case "delivery.courier_kmh":
		return i18n.T(ctx, "Speed of couriers, km/h"), i18n.T(ctx, "For first estimates of when food arrives.")
	}
	return describeMoney(ctx, name)
}

func describeMoney(ctx context.Context, name string) (label, help string) {
	switch name {
	case "terms.commission":
		return i18n.T(ctx, "Commission on deliveries, %"), i18n.T(ctx, "Of the food's value, from restaurants that have no deal of their own.")
	case "terms.commission_flat":
		return i18n.T(ctx, "For each delivery besides"), i18n.T(ctx, "In the smallest coin: 250 is 2.50 euros.")
	case "terms.pickup_commission":
		return i18n.T(ctx, "Commission on pickup, %"), i18n.T(ctx, "For orders that customers collect.")
	case "terms.pickup_flat":
		return i18n.T(ctx, "For each pickup besides"), i18n.T(ctx, "In the smallest coin: 250 is 2.50 euros.")
	case "terms.card_fee":
		return i18n.T(ctx, "Who bears the fee for cards"), i18n.T(ctx, "What the provider takes of a card payment.")
	case "terms.fee_to":
		return i18n.T(ctx, "Whose the delivery fee is"), i18n.T(ctx, "The restaurant's where its own people deliver.")
	case "payments.capture":
		return i18n.T(ctx, "Charge cards on"), i18n.T(ctx, "When the restaurant confirms, or when the food is delivered. Until then the amount is only held.")
	case "payments.act_within":
		return i18n.T(ctx, "Time to confirm at the bank"), i18n.T(ctx, "An order whose customer has not confirmed the payment at their bank by then is cancelled.")
	case "payments.cash_limit":
		return i18n.T(ctx, "Ask couriers for their cash from"), i18n.T(ctx, "In the smallest coin: 20000 is 200 euros. 0 is never.")
	case "payments.statement":
		return i18n.T(ctx, "Statements for"), i18n.T(ctx, "Restaurants and couriers get one for each week or month. After a change the next one goes on where the last one ended.")
	case "pay.per_order":
		return i18n.T(ctx, "For each order"), i18n.T(ctx, "In the smallest coin. Tips are the courier's besides.")
	case "pay.per_km":
		return i18n.T(ctx, "For each kilometre"), i18n.T(ctx, "From counter to door, as the crow flies.")
	case "pay.hourly_floor":
		return i18n.T(ctx, "An hour on duty brings at least"), i18n.T(ctx, "What is missing is added when the duty ends; tips do not count. 0 is no floor.")
	}
	return describeRetention(ctx, name)
}

func describeRetention(ctx context.Context, name string) (label, help string) {
	switch name {
	case "retention.positions":
		return i18n.T(ctx, "Last places of couriers"), i18n.T(ctx, "Of those who fell silent while on duty; going off duty forgets them at once.")
	case "retention.way":
		return i18n.T(ctx, "The way to the door"), i18n.T(ctx, "The door to which an order went, and the photo taken there. 0s is for ever.")
	case "retention.orders":
		return i18n.T(ctx, "Who ordered"), i18n.T(ctx, "Name, phone number and notes of an order; dishes and amounts stay. 0s is for ever.")
	case "retention.carts":
		return i18n.T(ctx, "Carts"), i18n.T(ctx, "That nobody touches.")
	case "retention.sign_ins":
		return i18n.T(ctx, "Where people signed in"), i18n.T(ctx, "Address and browser of a sign-in.")
	case "retention.audit":
		return i18n.T(ctx, "The audit log"), i18n.T(ctx, "Who did what with power. A day at least.")
	case "social.trends":
		return i18n.T(ctx, "What may trend"), i18n.T(ctx, "Moderators say yes or no at Moderation, Trends.")
	case "social.person_files":
		return i18n.T(ctx, "Files of one person"), i18n.T(ctx, "How much room the pictures, films and sounds in one person's posts may take, such as 2 GB.")
	case "social.all_files":
		return i18n.T(ctx, "Files of all people"), i18n.T(ctx, "How much room the files of all posts may take together, such as 100 GB.")
	case "retention.copies":
		return i18n.T(ctx, "Copies of one's data"), i18n.T(ctx, "How long a copy that somebody had made can be fetched.")
	case "retention.leaving":
		return i18n.T(ctx, "Time to come back"), i18n.T(ctx, "How long somebody who deletes their account can change their mind.")
	}
	return describeLimit(ctx, name)
}

// ChoiceLabel returns what a choice of a setting is called.
func ChoiceLabel(ctx context.Context, key, choice string) string {
	switch key + " " + choice {
	case "town.lang en":
		return "English"
	case "town.lang de":
		return "Deutsch"
	case "signup.mode open":
		return i18n.T(ctx, "Everybody")
	case "signup.mode approval":
		return i18n.T(ctx, "Whom an admin says yes to")
	case "signup.mode invite":
		return i18n.T(ctx, "Who has an invitation")
	case "signup.confirm auto":
		return i18n.T(ctx, "Where letters are sent")
	case "signup.confirm mail":
		return i18n.T(ctx, "Always")
	case "signup.confirm none":
		return i18n.T(ctx, "Never")
	case "terms.card_fee platform", "terms.fee_to platform":
		return i18n.T(ctx, "The town")
	case "terms.card_fee restaurant", "terms.fee_to restaurant":
		return i18n.T(ctx, "The restaurant")
	case "payments.capture confirm":
		return i18n.T(ctx, "Confirmation")
	case "payments.capture delivery":
		return i18n.T(ctx, "Delivery")
	case "payments.statement week":
		return i18n.T(ctx, "Each week")
	case "payments.statement month":
		return i18n.T(ctx, "Each month")
	case "social.trends open":
		return i18n.T(ctx, "Whatever many talk about")
	case "social.trends reviewed":
		return i18n.T(ctx, "What a moderator has said yes to")
	case "limits.rate on":
		return i18n.T(ctx, "On")
	case "limits.rate off":
		return i18n.T(ctx, "Off")
	}
	return choice
}

func describeLimit(ctx context.Context, name string) (label, help string) {
	const rate = "How many in which time, such as 300/5m; 0 is no limit."
	switch name {
	case "limits.rate":
		return i18n.T(ctx, "Count requests"), i18n.T(ctx, "Off lets everybody ask as much as they like: for tests behind closed doors only.")
	case "limits.api":
		return i18n.T(ctx, "Requests of apps"), i18n.T(ctx, rate)
	case "limits.pages":
		return i18n.T(ctx, "Pages"), i18n.T(ctx, rate)
	case "limits.quotes":
		return i18n.T(ctx, "Prices asked for"), i18n.T(ctx, rate)
	case "limits.orders":
		return i18n.T(ctx, "Orders"), i18n.T(ctx, rate)
	case "limits.uploads":
		return i18n.T(ctx, "Files sent"), i18n.T(ctx, rate)
	case "limits.sign_ups":
		return i18n.T(ctx, "Sign-ups from one address"), i18n.T(ctx, "How many in which time, such as 300/5m; 0 is no limit.")
	case "limits.anonymous":
		return i18n.T(ctx, "Guests at one address"), i18n.T(ctx, "An address has so many times as much as an account for all of its people who are not signed in.")
	}
	return name, ""
}
