package main

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"fmt"
	"path/filepath"
	"strings"
	"time"
)

// The large town. Its first accounts are the readers, the first of whom the next thousand follow; the rest write.
const (
	accounts  = 100_000
	following = 5000 // whom each reader follows
	readers   = 16
	listening = 1000
	firstID   = 1000 // id of the first account
)

// epoch is when ids begin, in ms.
const epoch = 1735689600000

// began is when the large towns' first status was posted.
var began = time.Now().Add(-90*24*time.Hour).UnixMilli() - epoch

// statusID returns the id of status n of so many, spread over ninety days.
func statusID(of, n int) int64 {
	return (began + int64(n)*(90*24*3600*1000-60_000)/int64(of)) << 22
}

// fill makes a large town straight in its database, and returns the tokens of its readers and of those who listen.
func fill(bin, data string, statuses int) (tokens []string, err error) {
	p, err := serve(bin, data) // makes the tables
	if err != nil {
		return nil, err
	}
	p.stop()
	d, err := sql.Open("sqlite", "file:"+filepath.Join(data, "stoa.db")+"?_pragma=journal_mode(WAL)&_pragma=synchronous(OFF)&_pragma=cache_size(-262144)&_pragma=temp_store(MEMORY)")
	if err != nil {
		return nil, err
	}
	defer d.Close()
	d.SetMaxOpenConns(1)
	step := (90*24*3600*1000 - 60_000) // ms over all statuses
	numbers := func(n int) string {
		return fmt.Sprintf("WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < %d) ", n-1)
	}
	now := time.Now().UnixMicro()
	list := []string{
		numbers(accounts) + fmt.Sprintf(`INSERT INTO account (id, handle, name, email, password_hash, lang, tz, state, created_at, changed_at)
			SELECT %d + i, 'town_' || i, 'Neighbour ' || i, 'town' || i || '@example.org', '', 'en', 'UTC', 'active', %d, %d FROM n`, firstID, now, now),
		numbers(accounts) + fmt.Sprintf(`INSERT INTO social_profile (id, kind, handle, name, note, statuses, followers, following, indexed, created_at, changed_at)
			SELECT %d + i, 'person', 'town_' || i, 'Neighbour ' || i, 'Lives here and likes soup.', 10, 5, 5, TRUE, %d, %d FROM n`, firstID, now, now),
		// Each reader follows every so-maniest of those who write; 7 and 19 have nothing in common with their number.
		numbers(readers*following) + fmt.Sprintf(`INSERT INTO social_follow (follower, followee, id, pending, boosts, notify, langs, created_at)
			SELECT %d + i / %d, %d + ((i %% %d) * 19 + (i / %d) * 7) %% %d, i + 1, FALSE, TRUE, FALSE, '', %d FROM n`,
			firstID, following, firstID+readers+listening, following, following, accounts-readers-listening, now),
		numbers(listening) + fmt.Sprintf(`INSERT INTO social_follow (follower, followee, id, pending, boosts, notify, langs, created_at)
			SELECT %d + i, %d, 10000000 + i, FALSE, TRUE, FALSE, '', %d FROM n`, firstID+readers, firstID, now),
		numbers(statuses) + fmt.Sprintf(`INSERT INTO status (id, account, written_by, visibility, at, edited_at, boost_of, boost_from, reply_to, reply_from, thread, quote_of,
			quote_from, quote_state, quote_policy, reply_policy, group_id, closed, mentions, tags, media, lang, sensitive, spoiler, source, content, app_name, app_url, extra_kind,
			extra_id, poll, replies, boosts, favourites, quotes)
			SELECT (%[1]d + i * %[2]d / %[3]d) << 22, %[4]d + (i * 7919) %% %[5]d, %[4]d + (i * 7919) %% %[5]d, 'public', (%[1]d + i * %[2]d / %[3]d + %[6]d) * 1000, 0, 0, 0, 0, 0,
			(%[1]d + i * %[2]d / %[3]d) << 22, 0, 0, '', 'public', 'everybody', 0, FALSE, '', CASE WHEN i %% 10 = 0 THEN 'market' ELSE '' END, 0, 'en', FALSE, '',
			'Post ' || i || ': the market opens at nine, bring a bag, and tell those next door.', '<p>Post ' || i || ': the market opens at nine, bring a bag, and tell those next door.</p>',
			'', '', '', 0, 0, 0, 0, 0, 0 FROM n`, began, step, statuses, firstID+readers+listening, accounts-readers-listening, int64(epoch)),
		`INSERT INTO status_tag (tag, status) SELECT 'market', id FROM status WHERE tags = 'market'`,
		`ANALYZE`,
	}
	ctx := context.Background()
	for _, q := range list {
		if _, err := d.ExecContext(ctx, q); err != nil {
			return nil, fmt.Errorf("%.60s: %w", strings.TrimSpace(q[max(0, strings.Index(q, "INSERT")):]), err)
		}
	}
	for i := range readers + listening {
		sum := sha256.Sum256(fmt.Appendf(nil, "bench %d", i))
		token := base64.RawURLEncoding.EncodeToString(sum[:])
		digest := sha256.Sum256([]byte(token))
		if _, err := d.ExecContext(ctx, `INSERT INTO account_session (token_sha256, id, account, kind, device, scopes, created_at, seen_at, expires_at)
			VALUES (?, ?, ?, 'token', 'bench', NULL, ?, ?, 0)`, digest[:], i+1, firstID+i, now, now); err != nil {
			return nil, err
		}
		tokens = append(tokens, token)
	}
	_, err = d.ExecContext(ctx, `PRAGMA wal_checkpoint(TRUNCATE)`)
	return tokens, err
}
