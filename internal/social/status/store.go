package status

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/markup"
	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/platform/db"
)

// row is a stored status.
type row struct {
	social.Head
	writtenBy   id.ID
	editedAt    int64
	quoteState  string
	quotePolicy string
	replyPolicy string
	sensitive   bool
	spoiler     string
	source      string
	content     string
	appName     string
	appURL      string
	extraKind   string
	extraID     id.ID
	poll        id.ID
	replies     int64
	boosts      int64
	favourites  int64
	quotes      int64
}

// The states of a quote that are stored; others come of the reader and of what became of the quoted status.
const (
	quoteAccepted = "accepted"
	quoteRevoked  = "revoked"
)

const (
	headColumns = `id, account, visibility, at, boost_of, boost_from, reply_to, reply_from, thread, quote_of, quote_from, group_id, closed, mentions, tags, media, lang`
	rowColumns  = headColumns + `, written_by, edited_at, quote_state, quote_policy, reply_policy, sensitive, spoiler, source, content, app_name, app_url,
		extra_kind, extra_id, poll, replies, boosts, favourites, quotes`
)

func micros(us int64) time.Time { return time.UnixMicro(us).UTC() }

// idList reads ids with a space between.
func idList(s string) []id.ID {
	if s == "" {
		return nil
	}
	fields := strings.Fields(s)
	out := make([]id.ID, 0, len(fields))
	for _, f := range fields {
		if n, err := id.Parse(f); err == nil {
			out = append(out, n)
		}
	}
	return out
}

func joinIDs(ids []id.ID) string {
	var b []byte
	for i, n := range ids {
		if i > 0 {
			b = append(b, ' ')
		}
		b = strconv.AppendInt(b, int64(n), 10)
	}
	return string(b)
}

// raw holds what needs work after scanning.
type raw struct {
	at, media      int64
	visibility     string
	mentions, tags string
}

func (x *raw) into(h *social.Head) {
	h.At, h.Media, h.Visibility = micros(x.at), x.media > 0, social.Visibility(x.visibility)
	h.Mentions = idList(x.mentions)
	if x.tags != "" {
		h.Tags = strings.Fields(x.tags)
	}
}

func headDest(h *social.Head, x *raw) []any {
	return []any{
		(*int64)(&h.ID), (*int64)(&h.Account), &x.visibility, &x.at, (*int64)(&h.BoostOf), (*int64)(&h.BoostFrom), (*int64)(&h.ReplyTo),
		(*int64)(&h.ReplyFrom), (*int64)(&h.Thread), (*int64)(&h.QuoteOf), (*int64)(&h.QuoteFrom), (*int64)(&h.Group), &h.Closed,
		&x.mentions, &x.tags, &x.media, &h.Lang,
	}
}

func scanHead(s db.Scanner) (h social.Head, err error) {
	var x raw
	if err = s.Scan(headDest(&h, &x)...); err != nil {
		return h, err
	}
	x.into(&h)
	return h, nil
}

func scanRow(s db.Scanner) (*row, error) {
	r := &row{}
	var x raw
	dest := append(headDest(&r.Head, &x), (*int64)(&r.writtenBy), &r.editedAt, &r.quoteState, &r.quotePolicy, &r.replyPolicy, &r.sensitive, &r.spoiler,
		&r.source, &r.content, &r.appName, &r.appURL, &r.extraKind, (*int64)(&r.extraID), (*int64)(&r.poll), &r.replies, &r.boosts,
		&r.favourites, &r.quotes)
	if err := s.Scan(dest...); err != nil {
		return nil, err
	}
	x.into(&r.Head)
	return r, nil
}

// in returns "$from, …" for a list of ids, and the ids as arguments. Lists are filled up with their last id to a few lengths, so that
// there are few different statements.
func in(from int, ids []id.ID) (string, []any) {
	n := 1
	for _, size := range []int{1, 4, 10, 20, 40, 100, 250, 500} {
		if n = size; size >= len(ids) {
			break
		}
	}
	n = max(n, len(ids))
	args := make([]any, n)
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteByte('$')
		b.WriteString(strconv.Itoa(from + i))
		args[i] = int64(ids[min(i, len(ids)-1)])
	}
	return b.String(), args
}

// chunk is how many ids one statement names at most.
const chunk = 500

func headsOf(ctx context.Context, tx *db.Tx, ids []id.ID) (map[id.ID]social.Head, error) {
	out := make(map[id.ID]social.Head, len(ids))
	for part := range slices.Chunk(ids, chunk) {
		list, args := in(1, part)
		err := tx.Each(ctx, func(s db.Scanner) error {
			h, err := scanHead(s)
			out[h.ID] = h
			return err
		}, `SELECT `+headColumns+` FROM status WHERE id IN (`+list+`)`, args...)
		if err != nil {
			return nil, fmt.Errorf("status: read heads: %w", err)
		}
	}
	return out, nil
}

func rowsOf(ctx context.Context, tx *db.Tx, ids []id.ID) (map[id.ID]*row, error) {
	out := make(map[id.ID]*row, len(ids))
	for part := range slices.Chunk(ids, chunk) {
		list, args := in(1, part)
		err := tx.Each(ctx, func(s db.Scanner) error {
			r, err := scanRow(s)
			if err == nil {
				out[r.ID] = r
			}
			return err
		}, `SELECT `+rowColumns+` FROM status WHERE id IN (`+list+`)`, args...)
		if err != nil {
			return nil, fmt.Errorf("status: read: %w", err)
		}
	}
	return out, nil
}

func rowOf(ctx context.Context, tx *db.Tx, status id.ID) (*row, error) {
	rows, err := rowsOf(ctx, tx, []id.ID{status})
	if err == nil && rows[status] == nil {
		err = errGone
	}
	return rows[status], err
}

// recent returns heads below an id, newest first.
func recent(ctx context.Context, tx *db.Tx, before id.ID, limit int) ([]social.Head, error) {
	return db.All(ctx, tx, scanHead, `SELECT `+headColumns+` FROM status WHERE id < $1 ORDER BY id DESC LIMIT $2`, int64(before), limit)
}

func byAuthor(ctx context.Context, tx *db.Tx, author, before id.ID, limit int) ([]social.Head, error) {
	return db.All(ctx, tx, scanHead, `SELECT `+headColumns+` FROM status WHERE account = $1 AND id < $2 ORDER BY id DESC LIMIT $3`,
		int64(author), int64(before), limit)
}

func quotesOf(ctx context.Context, tx *db.Tx, status, before id.ID, limit int) ([]social.Head, error) {
	return db.All(ctx, tx, scanHead, `SELECT `+headColumns+` FROM status WHERE quote_of = $1 AND quote_of <> 0 AND id < $2 AND quote_state = 'accepted'
		ORDER BY id DESC LIMIT $3`, int64(status), int64(before), limit)
}

func boostsOf(ctx context.Context, tx *db.Tx, status id.ID, limit int) ([]social.Head, error) {
	return db.All(ctx, tx, scanHead, `SELECT `+headColumns+` FROM status WHERE boost_of = $1 AND boost_of <> 0 ORDER BY id LIMIT $2`, int64(status), limit)
}

// inThread returns the answers of a conversation, oldest first.
func inThread(ctx context.Context, tx *db.Tx, thread id.ID, limit int) ([]social.Head, error) {
	return db.All(ctx, tx, scanHead, `SELECT `+headColumns+` FROM status WHERE thread = $1 AND reply_to <> 0 ORDER BY id LIMIT $2`, int64(thread), limit)
}

func insert(ctx context.Context, tx *db.Tx, r *row, media int) error {
	_, err := tx.Exec(ctx, `INSERT INTO status (`+rowColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17,
		$18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, $31, 0, 0, 0, 0)`,
		int64(r.ID), int64(r.Account), string(r.Visibility), r.At.UnixMicro(), int64(r.BoostOf), int64(r.BoostFrom), int64(r.ReplyTo), int64(r.ReplyFrom),
		int64(r.Thread), int64(r.QuoteOf), int64(r.QuoteFrom), int64(r.Group), r.Closed, joinIDs(r.Mentions), strings.Join(r.Tags, " "), media, r.Lang,
		int64(r.writtenBy), r.editedAt, r.quoteState, r.quotePolicy, r.replyPolicy, r.sensitive, r.spoiler, r.source, r.content, r.appName, r.appURL,
		r.extraKind, int64(r.extraID), int64(r.poll))
	if err != nil {
		return fmt.Errorf("status: insert: %w", err)
	}
	return nil
}

// maxPages is to how many pages a status can link for them to be found by.
const maxPages = 16

// link stores the hashtags and mentions of a status, and for a public one the pages that it links to.
func link(ctx context.Context, tx *db.Tx, h *social.Head, links []string) error {
	for _, t := range h.Tags {
		if _, err := tx.Exec(ctx, `INSERT INTO status_tag (tag, status) VALUES ($1, $2) ON CONFLICT DO NOTHING`, t, int64(h.ID)); err != nil {
			return fmt.Errorf("status: insert a hashtag: %w", err)
		}
	}
	for _, m := range h.Mentions {
		if _, err := tx.Exec(ctx, `INSERT INTO status_mention (account, status) VALUES ($1, $2) ON CONFLICT DO NOTHING`, int64(m), int64(h.ID)); err != nil {
			return fmt.Errorf("status: insert a mention: %w", err)
		}
	}
	if h.Visibility != social.Public {
		return nil
	}
	for _, l := range links[:min(len(links), maxPages)] {
		page, ok := markup.Page(l)
		if !ok {
			continue
		}
		if _, err := tx.Exec(ctx, `INSERT INTO status_link (page, status) VALUES ($1, $2) ON CONFLICT DO NOTHING`, pageKey(page), int64(h.ID)); err != nil {
			return fmt.Errorf("status: insert a link: %w", err)
		}
	}
	return nil
}

// pageKey is what a page is stored as: addresses may be longer than an index takes.
func pageKey(page string) []byte {
	sum := sha256.Sum256([]byte(page))
	return sum[:]
}

func unlink(ctx context.Context, tx *db.Tx, status id.ID) error {
	for _, q := range []string{
		`DELETE FROM status_tag WHERE status = $1`, `DELETE FROM status_mention WHERE status = $1`, `DELETE FROM status_link WHERE status = $1`,
	} {
		if _, err := tx.Exec(ctx, q, int64(status)); err != nil {
			return fmt.Errorf("status: drop hashtags, mentions and links: %w", err)
		}
	}
	return nil
}

// counter is a column that counts.
type counter int

const (
	countReplies counter = iota
	countBoosts
	countFavourites
	countQuotes
)

// bumps are fixed texts: an SQL statement is never put together of input.
var bumps = map[counter]string{
	countReplies:    `UPDATE status SET replies = replies + $1 WHERE id = $2`,
	countBoosts:     `UPDATE status SET boosts = boosts + $1 WHERE id = $2`,
	countFavourites: `UPDATE status SET favourites = favourites + $1 WHERE id = $2`,
	countQuotes:     `UPDATE status SET quotes = quotes + $1 WHERE id = $2`,
}

// bump counts up or down, and reports whether the status is there.
func bump(ctx context.Context, tx *db.Tx, c counter, status id.ID, by int) (bool, error) {
	n, err := tx.Exec(ctx, bumps[c], by, int64(status))
	if err != nil {
		return false, fmt.Errorf("status: count: %w", err)
	}
	return n > 0, nil
}

func update(ctx context.Context, tx *db.Tx, r *row, media int) error {
	_, err := tx.Exec(ctx, `UPDATE status SET edited_at = $1, quote_policy = $2, mentions = $3, tags = $4, media = $5, lang = $6, sensitive = $7, spoiler = $8,
		source = $9, content = $10, poll = $11 WHERE id = $12`,
		r.editedAt, r.quotePolicy, joinIDs(r.Mentions), strings.Join(r.Tags, " "), media, r.Lang, r.sensitive, r.spoiler, r.source, r.content, int64(r.poll), int64(r.ID))
	if err != nil {
		return fmt.Errorf("status: update: %w", err)
	}
	return nil
}

// lock takes a status' row until the transaction ends, and reports whether it is there.
func lock(ctx context.Context, tx *db.Tx, status id.ID) (bool, error) {
	return bump(ctx, tx, countReplies, status, 0)
}

// setSensitive reports whether the status is there, no boost, and was otherwise before.
func setSensitive(ctx context.Context, tx *db.Tx, status id.ID, yes bool) (bool, error) {
	n, err := tx.Exec(ctx, `UPDATE status SET sensitive = $1 WHERE id = $2 AND sensitive <> $1 AND boost_of = 0`, yes, int64(status))
	return n > 0, err
}

func setPolicy(ctx context.Context, tx *db.Tx, status id.ID, policy string) error {
	_, err := tx.Exec(ctx, `UPDATE status SET quote_policy = $1 WHERE id = $2`, policy, int64(status))
	return err
}

// revoke ends a quote, and reports whether it stood until now.
func revoke(ctx context.Context, tx *db.Tx, quoting, quoted id.ID) (bool, error) {
	n, err := tx.Exec(ctx, `UPDATE status SET quote_state = 'revoked' WHERE id = $1 AND quote_of = $2 AND quote_state = 'accepted'`, int64(quoting), int64(quoted))
	return n > 0, err
}

// remove deletes a status and what hangs on it but boosts; it reports whether it was there.
func remove(ctx context.Context, tx *db.Tx, status id.ID) (bool, error) {
	n, err := tx.Exec(ctx, `DELETE FROM status WHERE id = $1`, int64(status))
	if err != nil || n == 0 {
		return false, err
	}
	for _, q := range []string{
		`DELETE FROM status_edit WHERE status = $1`,
		`DELETE FROM status_mark WHERE status = $1 AND kind <> 'boost'`, // those go with the boosts themselves
		`DELETE FROM poll_choice WHERE poll IN (SELECT id FROM poll WHERE status = $1)`,
		`DELETE FROM poll WHERE status = $1`,
	} {
		if _, err := tx.Exec(ctx, q, int64(status)); err != nil {
			return false, fmt.Errorf("status: delete: %w", err)
		}
	}
	return true, unlink(ctx, tx, status)
}

// version is a status as it was.
type version struct {
	at        int64
	sensitive bool
	spoiler   string
	source    string
	content   string
	media     string // JSON
	poll      string // JSON: the options
}

// keepVersion stores what a status was. The caller has locked it.
func keepVersion(ctx context.Context, tx *db.Tx, status id.ID, v version) error {
	var n int64
	if err := tx.Row(ctx, `SELECT COALESCE(MAX(version), 0) FROM status_edit WHERE status = $1`, int64(status)).Scan(&n); err != nil {
		return fmt.Errorf("status: number a version: %w", err)
	}
	if n >= MaxEdits {
		return errTooOften
	}
	_, err := tx.Exec(ctx, `INSERT INTO status_edit (status, version, at, sensitive, spoiler, source, content, media, poll)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`, int64(status), n+1, v.at, v.sensitive, v.spoiler, v.source, v.content, v.media, v.poll)
	if err != nil {
		return fmt.Errorf("status: keep a version: %w", err)
	}
	return nil
}

func versions(ctx context.Context, tx *db.Tx, status id.ID) ([]version, error) {
	return db.All(ctx, tx, func(s db.Scanner) (v version, err error) {
		err = s.Scan(&v.at, &v.sensitive, &v.spoiler, &v.source, &v.content, &v.media, &v.poll)
		return v, err
	}, `SELECT at, sensitive, spoiler, source, content, media, poll FROM status_edit WHERE status = $1 ORDER BY version LIMIT $2`, int64(status), MaxEdits)
}

func countOf(ctx context.Context, tx *db.Tx, account id.ID) (n int, err error) {
	err = tx.Row(ctx, `SELECT COUNT(*) FROM status WHERE account = $1`, int64(account)).Scan(&n)
	return n, err
}

// forgetLinks takes out who somebody was from what stays: what others wrote about them, and what they wrote for restaurants.
func forgetLinks(ctx context.Context, tx *db.Tx, account id.ID) error {
	for _, q := range []string{
		`DELETE FROM status_mention WHERE account = $1`,
		`UPDATE status SET written_by = account WHERE written_by = $1 AND written_by <> account`,
	} {
		if _, err := tx.Exec(ctx, q, int64(account)); err != nil {
			return fmt.Errorf("status: forget %s: %w", account, err)
		}
	}
	return nil
}

// worthReading is inRange for all statuses of which some are worth reading: a few columns of each tell.
func worthReading(ctx context.Context, tx *db.Tx, r social.Range) (out social.Stretch, err error) {
	var ids []id.ID
	var h social.Head
	var tags string
	dest := []any{(*int64)(&h.ID), (*int64)(&h.Account), (*int64)(&h.Group), &tags}
	err = tx.Each(ctx, func(s db.Scanner) error {
		if err := s.Scan(dest...); err != nil {
			return err
		}
		if h.Tags = nil; tags != "" {
			h.Tags = strings.Fields(tags)
		}
		out.Looked, out.Last = out.Looked+1, h.ID
		if r.Worth(&h) {
			ids = append(ids, h.ID)
		}
		if r.Enough > 0 && len(ids) == r.Enough {
			return errEnough
		}
		return nil
	}, `SELECT id, account, group_id, tags FROM status WHERE id > $1 AND id < $2 ORDER BY id `+order(r)+` LIMIT $3`, int64(r.Above), int64(below(r.Below)), r.Limit)
	if err != nil && !errors.Is(err, errEnough) {
		return out, fmt.Errorf("status: look through a stretch: %w", err)
	}
	out.More = err != nil || out.Looked == r.Limit
	heads, err := headsOf(ctx, tx, ids)
	for _, n := range ids {
		out.Heads = append(out.Heads, heads[n])
	}
	return out, err
}

// errEnough ends a query whose other rows nobody needs.
var errEnough = errors.New("status: enough was read")

func order(r social.Range) string {
	if r.Up {
		return "ASC"
	}
	return "DESC"
}

// inRange returns the heads of a stretch in the order asked for.
func inRange(ctx context.Context, tx *db.Tx, r social.Range) (out social.Stretch, err error) {
	order := order(r)
	args := []any{int64(r.Above), int64(below(r.Below)), r.Limit}
	var q string
	switch {
	case r.Tag != "":
		q = `SELECT ` + headColumns + ` FROM status WHERE id IN
			(SELECT status FROM status_tag WHERE tag = $4 AND status > $1 AND status < $2 ORDER BY status ` + order + ` LIMIT $3) ORDER BY id ` + order
		args = append(args, r.Tag)
	case r.Page != "":
		q = `SELECT ` + headColumns + ` FROM status WHERE id IN
			(SELECT status FROM status_link WHERE page = $4 AND status > $1 AND status < $2 ORDER BY status ` + order + ` LIMIT $3) ORDER BY id ` + order
		args = append(args, pageKey(r.Page))
	case r.Group != 0:
		q = `SELECT ` + headColumns + ` FROM status WHERE group_id = $4 AND group_id <> 0 AND id > $1 AND id < $2 ORDER BY id ` + order + ` LIMIT $3`
		args = append(args, int64(r.Group))
	case r.Account != 0:
		q = `SELECT ` + headColumns + ` FROM status WHERE account = $4 AND id > $1 AND id < $2 ORDER BY id ` + order + ` LIMIT $3`
		args = append(args, int64(r.Account))
	default:
		q = `SELECT ` + headColumns + ` FROM status WHERE id > $1 AND id < $2 ORDER BY id ` + order + ` LIMIT $3`
	}
	if out.Heads, err = db.All(ctx, tx, scanHead, q, args...); err != nil {
		return out, fmt.Errorf("status: read a stretch: %w", err)
	}
	if out.Looked = len(out.Heads); out.Looked > 0 {
		out.Last = out.Heads[out.Looked-1].ID
	}
	out.More = out.Looked == r.Limit
	return out, nil
}
