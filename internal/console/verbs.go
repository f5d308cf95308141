package console

import (
	"context"
	"slices"
	"strings"

	"github.com/stoa-town/stoa/internal/base/i18n"
	"github.com/stoa-town/stoa/internal/web/ui"
)

// words say a verb of the audit log after the name of who did it. self is said where people did it to themselves, or where nobody else is
// known; other, whose %s is the thing, where somebody did it to somebody or something. Either may be empty.
type words struct{ self, other string }

// verbs are the words of every verb that is written.
var verbs = map[string]words{
	"account.approve":                       {"", i18n.Key("let %s join")},
	"account.reject":                        {"", i18n.Key("turned %s away")},
	"account.freeze":                        {"", i18n.Key("kept %s out of their account")},
	"account.thaw":                          {"", i18n.Key("let %s into their account again")},
	"account.confirm":                       {i18n.Key("confirmed who they are"), ""},
	"account.create":                        {i18n.Key("got an account"), i18n.Key("made an account for %s")},
	"account.decide":                        {"", i18n.Key("decided whether %s may join")},
	"account.email":                         {i18n.Key("changed their e-mail address"), i18n.Key("changed the e-mail address of %s")},
	"account.erase":                         {i18n.Key("was erased"), i18n.Key("erased %s")},
	"account.export":                        {i18n.Key("asked for a copy of their data"), i18n.Key("asked for a copy of the data of %s")},
	"account.grant":                         {i18n.Key("got a role"), i18n.Key("gave a role to %s")},
	"account.leave":                         {i18n.Key("asked for their account to be deleted"), i18n.Key("asked for the account of %s to be deleted")},
	"account.link":                          {i18n.Key("had a sign-in link sent to themselves"), i18n.Key("had a sign-in link sent to %s")},
	"account.note":                          {i18n.Key("wrote a note about themselves"), i18n.Key("wrote a note about %s")},
	"account.password":                      {i18n.Key("changed their password"), i18n.Key("changed the password of %s")},
	"account.password_reset":                {i18n.Key("chose a new password by a letter"), i18n.Key("chose a new password for %s")},
	"account.reinstate":                     {i18n.Key("was let in again"), i18n.Key("let %s in again")},
	"account.revoke":                        {i18n.Key("lost a role"), i18n.Key("took a role back from %s")},
	"account.sign_in":                       {i18n.Key("signed in"), i18n.Key("signed in as %s")},
	"account.sign_in_failed":                {i18n.Key("did not get in: the password was wrong"), i18n.Key("did not get in as %s: the password was wrong")},
	"account.sign_out":                      {i18n.Key("signed out"), i18n.Key("signed %s out")},
	"account.stay":                          {i18n.Key("stays after all"), i18n.Key("kept the account of %s after all")},
	"account.suspend":                       {i18n.Key("was suspended"), i18n.Key("suspended %s")},
	"announcement.add":                      {"", i18n.Key("announced %s")},
	"announcement.change":                   {"", i18n.Key("changed the announcement %s")},
	"announcement.remove":                   {"", i18n.Key("took back the announcement %s")},
	"app.authorize":                         {"", i18n.Key("let %s use their account")},
	"app.code_reused":                       {"", i18n.Key("saw a code of %s used twice, and ended what it had opened")},
	"app.revoke":                            {i18n.Key("shut an app out of their account"), i18n.Key("shut an app out of the account of %s")},
	"block.add":                             {"", i18n.Key("shut out %s")},
	"block.change":                          {"", i18n.Key("changed the bar %s")},
	"block.remove":                          {"", i18n.Key("let in again what %s shut out")},
	"credit.give":                           {i18n.Key("gave themselves credit"), i18n.Key("gave credit to %s")},
	"gift.end":                              {"", i18n.Key("ended the gift codes %s")},
	"gift.make":                             {"", i18n.Key("made the gift codes %s")},
	"identity.add":                          {i18n.Key("connected another sign-in"), i18n.Key("connected another sign-in to %s")},
	"identity.estrange":                     {i18n.Key("lost sign-ins that were connected lately"), i18n.Key("took off what was connected lately to %s")},
	"identity.remove":                       {i18n.Key("disconnected a sign-in"), i18n.Key("disconnected a sign-in of %s")},
	"invite.create":                         {"", i18n.Key("made the invitation %s")},
	"invite.revoke":                         {"", i18n.Key("took back the invitation %s")},
	"job.discard":                           {"", i18n.Key("gave up the job %s")},
	"job.retry":                             {"", i18n.Key("had the job %s tried again")},
	"mail.retry":                            {"", i18n.Key("had the letter %s tried again")},
	"mail.test":                             {i18n.Key("had a test letter sent"), i18n.Key("had a test letter sent to %s")},
	"moderation.appeal":                     {"", i18n.Key("appealed against what moderators did to %s")},
	"moderation.appeal_no":                  {"", i18n.Key("turned an appeal of %s down")},
	"moderation.appeal_yes":                 {"", i18n.Key("allowed an appeal of %s")},
	"moderation.delete_statuses":            {"", i18n.Key("deleted posts of %s")},
	"moderation.disable":                    {"", i18n.Key("shut %s out of their account")},
	"moderation.mark_statuses_as_sensitive": {"", i18n.Key("hid posts of %s behind a warning")},
	"moderation.none":                       {"", i18n.Key("warned %s")},
	"moderation.note":                       {"", i18n.Key("noted something for moderators about %s")},
	"moderation.sensitive":                  {"", i18n.Key("put all media of %s behind a warning")},
	"moderation.silence":                    {"", i18n.Key("took %s out of public lists")},
	"moderation.suspend":                    {"", i18n.Key("suspended %s in the social network")},
	"moderation.undo":                       {"", i18n.Key("took back what moderators did to %s")},
	"passkey.add":                           {i18n.Key("added a passkey"), i18n.Key("added a passkey to %s")},
	"passkey.cloned":                        {i18n.Key("showed a passkey that may be a copy"), i18n.Key("showed a passkey of %s that may be a copy")},
	"passkey.estrange":                      {i18n.Key("lost passkeys that were added lately"), i18n.Key("took off the passkeys added lately to %s")},
	"passkey.remove":                        {i18n.Key("removed a passkey"), i18n.Key("removed a passkey of %s")},
	"payment.incident":                      {"", i18n.Key("saw to the incident %s of a payment")},
	"payout.approve":                        {"", i18n.Key("sent the payout %s")},
	"payout.bank":                           {"", i18n.Key("changed the bank account of %s")},
	"payout.discard":                        {"", i18n.Key("discarded the payout %s")},
	"payout.draft":                          {"", i18n.Key("drafted the payout %s")},
	"payout.exclude":                        {"", i18n.Key("left somebody out of the payout %s, or took them in again")},
	"payout.fail":                           {"", i18n.Key("noted that money of the payout %s came back")},
	"promotion.change":                      {"", i18n.Key("changed the promotion %s")},
	"promotion.create":                      {"", i18n.Key("made the promotion %s")},
	"report.assign":                         {"", i18n.Key("took the report %s on")},
	"report.reopen":                         {"", i18n.Key("opened the report %s again")},
	"report.resolve":                        {"", i18n.Key("closed the report %s")},
	"report.unassign":                       {"", i18n.Key("gave the report %s back to all moderators")},
	"restaurant.deal":                       {"", i18n.Key("changed the deal with %s")},
	"report.update":                         {"", i18n.Key("changed the report %s")},
	"schedule.run":                          {"", i18n.Key("ran the schedule %s")},
	"settings.change":                       {"", i18n.Key("changed the setting %s")},
	"setup.finish":                          {i18n.Key("set the town up"), i18n.Key("set the town up for %s")},
	"token.create":                          {i18n.Key("made a token"), i18n.Key("made a token for %s")},
	"token.revoke":                          {i18n.Key("took back a token"), i18n.Key("took back a token of %s")},
	"trend.review":                          {"", i18n.Key("decided whether %s may be a trend")},
	"two_step.codes":                        {i18n.Key("made new recovery codes"), i18n.Key("made new recovery codes for %s")},
	"two_step.off":                          {i18n.Key("turned the second step off"), i18n.Key("turned the second step of %s off")},
	"two_step.on":                           {i18n.Key("turned the second step on"), i18n.Key("turned the second step of %s on")},
	"two_step.recovery":                     {i18n.Key("signed in with a recovery code"), i18n.Key("signed in with a recovery code of %s")},
	"two_step.wrong":                        {i18n.Key("typed a wrong code at the second step"), i18n.Key("typed a wrong code at the second step of %s")},
}

// toOthers are the verbs that somebody mostly does to somebody else.
var toOthers = []string{
	"account.create", "account.erase", "account.grant", "account.link", "account.note", "account.reinstate", "account.revoke", "account.suspend",
}

// verbText says a verb by itself: "signed in", "suspended …". One without words is said as it is.
func verbText(ctx context.Context, verb string) string {
	w, ok := verbs[verb]
	switch {
	case !ok:
		return verb
	case w.self != "" && !slices.Contains(toOthers, verb):
		return i18n.T(ctx, w.self)
	}
	return strings.Replace(i18n.T(ctx, w.other), "%s", "…", 1)
}

// verbOptions are the verbs to choose from, in the order of their words. chosen is among them, whether the book has it or not.
func verbOptions(ctx context.Context, list []string, chosen string) []ui.Option {
	var out []ui.Option
	if chosen != "" && !slices.Contains(list, chosen) {
		list = append(slices.Clone(list), chosen)
	}
	for _, v := range list {
		out = append(out, ui.Option{Value: v, Label: verbText(ctx, v)})
	}
	slices.SortFunc(out, func(a, b ui.Option) int { return strings.Compare(a.Label, b.Label) })
	return append([]ui.Option{{Label: i18n.T(ctx, "any")}}, out...)
}
