package menu

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/db"
)

// Schema holds the slice's tables.
//
//go:embed schema/*.sql
var Schema embed.FS

// bump takes the card's version row and returns the new version.
func bump(ctx context.Context, tx *db.Tx, restaurant id.ID) (version int64, err error) {
	err = tx.Row(ctx, `INSERT INTO menu_version (restaurant, version) VALUES ($1, 1)
		ON CONFLICT (restaurant) DO UPDATE SET version = menu_version.version + 1 RETURNING version`, restaurant).Scan(&version)
	return version, err
}

// versionOf returns the card's version, 0 where it never changed.
func versionOf(ctx context.Context, tx *db.Tx, restaurant id.ID) (version int64, err error) {
	err = tx.Row(ctx, `SELECT version FROM menu_version WHERE restaurant = $1`, restaurant).Scan(&version)
	if errors.Is(err, db.ErrNoRow) {
		return 0, nil
	}
	return version, err
}

// holdVersion is versionOf, and keeps others from changing the card until tx ends. SQLite has one writer and needs nothing for that.
func holdVersion(ctx context.Context, tx *db.Tx, restaurant id.ID) (version int64, err error) {
	if tx.Dialect() == db.SQLite {
		return versionOf(ctx, tx, restaurant)
	}
	err = tx.Row(ctx, `SELECT version FROM menu_version WHERE restaurant = $1 FOR SHARE`, restaurant).Scan(&version)
	if errors.Is(err, db.ErrNoRow) {
		return 0, nil
	}
	return version, err
}

// loadCard reads a whole card.
func loadCard(ctx context.Context, tx *db.Tx, restaurant id.ID) (*Card, error) {
	c := &Card{Restaurant: restaurant}
	var err error
	if c.Version, err = versionOf(ctx, tx, restaurant); err != nil {
		return nil, err
	}
	if c.Stock, err = loadStock(ctx, tx, restaurant); err != nil {
		return nil, err
	}
	c.Menus, err = db.All(ctx, tx, func(s db.Scanner) (*Menu, error) {
		m := &Menu{}
		return m, s.Scan(&m.ID, &m.Name, &m.Hours)
	}, `SELECT id, name, hours FROM menu WHERE restaurant = $1 AND deleted_at = 0 ORDER BY position, id`, restaurant)
	if err != nil {
		return nil, err
	}
	menus := map[id.ID]*Menu{}
	for _, m := range c.Menus {
		menus[m.ID] = m
	}
	sections := map[id.ID]*Section{}
	err = tx.Each(ctx, func(r db.Scanner) error {
		s := &Section{}
		if err := r.Scan(&s.ID, &s.Menu, &s.Name, &s.Note, &s.Hours); err != nil {
			return err
		}
		if m := menus[s.Menu]; m != nil {
			m.Sections = append(m.Sections, s)
			sections[s.ID] = s
		}
		return nil
	}, `SELECT id, menu, name, note, hours FROM menu_section WHERE restaurant = $1 AND deleted_at = 0 ORDER BY position, id`, restaurant)
	if err != nil {
		return nil, err
	}
	if c.Groups, err = loadGroups(ctx, tx, restaurant); err != nil {
		return nil, err
	}
	err = tx.Each(ctx, func(r db.Scanner) error {
		it, err := scanItem(r)
		if err != nil {
			return err
		}
		if s := sections[it.Section]; s != nil {
			s.Items = append(s.Items, it)
		}
		return nil
	}, `SELECT `+itemColumns+` FROM menu_item WHERE restaurant = $1 AND deleted_at = 0 ORDER BY position, id`, restaurant)
	return c, err
}

const itemColumns = `id, section, name, description, price, tax, photo, allergens, diets, group_ids, hidden, out_until, position`

func scanItem(r db.Scanner) (*Item, error) {
	it := &Item{}
	var allergens, diets, groups string
	var out int64
	err := r.Scan(&it.ID, &it.Section, &it.Name, &it.Description, &it.Price, &it.Tax, &it.Photo, &allergens, &diets, &groups, &it.Hidden, &out, &it.position)
	if err != nil {
		return nil, err
	}
	it.OutUntil = fromMicro(out)
	for _, l := range []struct {
		text string
		to   any
	}{{allergens, &it.Allergens}, {diets, &it.Diets}, {groups, &it.Groups}} {
		if err := json.Unmarshal([]byte(l.text), l.to); err != nil {
			return nil, fmt.Errorf("menu: lists of item %d: %w", it.ID, err)
		}
	}
	return it, nil
}

func loadItem(ctx context.Context, tx *db.Tx, restaurant, item id.ID) (*Item, error) {
	return db.One(ctx, tx, scanItem, `SELECT `+itemColumns+` FROM menu_item WHERE id = $1 AND restaurant = $2 AND deleted_at = 0`, item, restaurant)
}

func loadGroups(ctx context.Context, tx *db.Tx, restaurant id.ID) ([]*Group, error) {
	byID := map[id.ID]*Group{}
	groups, err := db.All(ctx, tx, func(r db.Scanner) (*Group, error) {
		g := &Group{}
		err := r.Scan(&g.ID, &g.Name, &g.Min, &g.Max, &g.Rule)
		byID[g.ID] = g
		return g, err
	}, `SELECT id, name, min_count, max_count, rule FROM menu_group WHERE restaurant = $1 AND deleted_at = 0 ORDER BY id`, restaurant)
	if err != nil {
		return nil, err
	}
	return groups, tx.Each(ctx, func(r db.Scanner) error {
		o := &Option{}
		var out int64
		if err := r.Scan(&o.ID, &o.Group, &o.Name, &o.Price, &out); err != nil {
			return err
		}
		o.OutUntil = fromMicro(out)
		if g := byID[o.Group]; g != nil {
			g.Options = append(g.Options, o)
		}
		return nil
	}, `SELECT id, group_id, name, price, out_until FROM menu_option WHERE restaurant = $1 ORDER BY position, id`, restaurant)
}

func loadStock(ctx context.Context, tx *db.Tx, restaurant id.ID) (map[id.ID]int64, error) {
	stock := map[id.ID]int64{}
	err := tx.Each(ctx, func(r db.Scanner) error {
		var k id.ID
		var n int64
		err := r.Scan(&k, &n)
		stock[k] = n
		return err
	}, `SELECT id, left_ FROM menu_stock WHERE restaurant = $1`, restaurant)
	return stock, err
}

// takeStock takes n portions where so many are left, and returns how many are left after it. ok is false where there are fewer: then left
// is how many there are, or -1 where the thing is not counted.
func takeStock(ctx context.Context, tx *db.Tx, restaurant, thing id.ID, n int64) (left int64, ok bool, err error) {
	err = tx.Row(ctx, `UPDATE menu_stock SET left_ = left_ - $1 WHERE id = $2 AND restaurant = $3 AND left_ >= $1 RETURNING left_`,
		n, thing, restaurant).Scan(&left)
	if !errors.Is(err, db.ErrNoRow) {
		return left, err == nil, err
	}
	err = tx.Row(ctx, `SELECT left_ FROM menu_stock WHERE id = $1 AND restaurant = $2`, thing, restaurant).Scan(&left)
	if errors.Is(err, db.ErrNoRow) {
		return -1, false, nil
	}
	return left, false, err
}

// giveStock adds n portions to a counted thing and returns how many there are now, -1 where it is not counted.
func giveStock(ctx context.Context, tx *db.Tx, restaurant, thing id.ID, n int64) (left int64, err error) {
	err = tx.Row(ctx, `UPDATE menu_stock SET left_ = left_ + $1 WHERE id = $2 AND restaurant = $3 RETURNING left_`, n, thing, restaurant).Scan(&left)
	if errors.Is(err, db.ErrNoRow) {
		return -1, nil
	}
	return left, err
}

// setStock counts a thing from now on, or sets its count.
func setStock(ctx context.Context, tx *db.Tx, restaurant, thing id.ID, left int64) error {
	_, err := tx.Exec(ctx, `INSERT INTO menu_stock (id, restaurant, left_) VALUES ($1, $2, $3)
		ON CONFLICT (id) DO UPDATE SET left_ = excluded.left_`, thing, restaurant, left)
	return err
}

// moveStock adds delta to a count, which does not go below 0.
func moveStock(ctx context.Context, tx *db.Tx, restaurant, thing id.ID, delta int64) (int64, error) {
	return tx.Exec(ctx, `UPDATE menu_stock SET left_ = CASE WHEN left_ + $1 < 0 THEN 0 ELSE left_ + $1 END WHERE id = $2 AND restaurant = $3`,
		delta, thing, restaurant)
}

func dropStock(ctx context.Context, tx *db.Tx, restaurant, thing id.ID) error {
	_, err := tx.Exec(ctx, `DELETE FROM menu_stock WHERE id = $1 AND restaurant = $2`, thing, restaurant)
	return err
}

// dropEmptyStock stops counting a thing of which nothing is left.
func dropEmptyStock(ctx context.Context, tx *db.Tx, restaurant, thing id.ID) error {
	_, err := tx.Exec(ctx, `DELETE FROM menu_stock WHERE id = $1 AND restaurant = $2 AND left_ = 0`, thing, restaurant)
	return err
}

// setOut says until when an item or option is sold out and returns how many rows that was.
func setOut(ctx context.Context, tx *db.Tx, restaurant, thing id.ID, until time.Time) (int64, error) {
	n, err := tx.Exec(ctx, `UPDATE menu_item SET out_until = $1 WHERE id = $2 AND restaurant = $3 AND deleted_at = 0`, micro(until), thing, restaurant)
	if n > 0 || err != nil {
		return n, err
	}
	return tx.Exec(ctx, `UPDATE menu_option SET out_until = $1 WHERE id = $2 AND restaurant = $3`, micro(until), thing, restaurant)
}

// hasThing reports whether an item or option of the restaurant has this id.
func hasThing(ctx context.Context, tx *db.Tx, restaurant, thing id.ID) (bool, error) {
	return tx.Exists(ctx, `SELECT id FROM menu_item WHERE id = $1 AND restaurant = $2 AND deleted_at = 0
		UNION ALL SELECT id FROM menu_option WHERE id = $1 AND restaurant = $2`, thing, restaurant)
}

func micro(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func fromMicro(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(us).UTC()
}

// list is a JSON list for a TEXT column, never null.
func list[T any](l []T) string {
	if len(l) == 0 {
		return "[]"
	}
	b, _ := json.Marshal(l) // strings and ids always encode
	return string(b)
}

// raiseOut has a thing sold out until at least the given time.
func raiseOut(ctx context.Context, tx *db.Tx, restaurant, thing id.ID, until time.Time) error {
	if _, err := tx.Exec(ctx, `UPDATE menu_item SET out_until = $1 WHERE id = $2 AND restaurant = $3 AND out_until < $1`, micro(until), thing, restaurant); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `UPDATE menu_option SET out_until = $1 WHERE id = $2 AND restaurant = $3 AND out_until < $1`, micro(until), thing, restaurant)
	return err
}

// table is where a part of the card is kept. Names of tables and columns come from here alone, never from outside.
type table struct {
	name   string
	parent string // column that names what it stands in; empty: parts that have no order
	above  Part   // what that is
}

var tables = map[Part]table{
	PartMenu:    {name: "menu", parent: "restaurant"},
	PartSection: {name: "menu_section", parent: "menu", above: PartMenu},
	PartItem:    {name: "menu_item", parent: "section", above: PartSection},
	PartGroup:   {name: "menu_group"},
}

func has(ctx context.Context, tx *db.Tx, part Part, restaurant, thing id.ID) (bool, error) {
	return tx.Exists(ctx, `SELECT id FROM `+tables[part].name+` WHERE id = $1 AND restaurant = $2 AND deleted_at = 0`, thing, restaurant)
}

func count(ctx context.Context, tx *db.Tx, part Part, restaurant id.ID) (n int, err error) {
	err = tx.Row(ctx, `SELECT COUNT(*) FROM `+tables[part].name+` WHERE restaurant = $1 AND deleted_at = 0`, restaurant).Scan(&n)
	return n, err
}

func scanID(r db.Scanner) (id.ID, error) {
	var k id.ID
	err := r.Scan(&k)
	return k, err
}

// siblings returns the ids of the parts below parent, in order. Groups all stand below the restaurant.
func siblings(ctx context.Context, tx *db.Tx, part Part, restaurant, parent id.ID) ([]id.ID, error) {
	t := tables[part]
	if t.parent == "" {
		return db.All(ctx, tx, scanID, `SELECT id FROM `+t.name+` WHERE restaurant = $1 AND deleted_at = 0 ORDER BY id`, restaurant)
	}
	return db.All(ctx, tx, scanID, `SELECT id FROM `+t.name+` WHERE restaurant = $1 AND `+t.parent+` = $2 AND deleted_at = 0 ORDER BY position, id`, restaurant, parent)
}

func parentOf(ctx context.Context, tx *db.Tx, part Part, restaurant, thing id.ID) (parent id.ID, err error) {
	t := tables[part]
	err = tx.Row(ctx, `SELECT `+t.parent+` FROM `+t.name+` WHERE id = $1 AND restaurant = $2 AND deleted_at = 0`, thing, restaurant).Scan(&parent)
	return parent, err
}

// reparent puts a part below another parent, behind the last one there.
func reparent(ctx context.Context, tx *db.Tx, part Part, restaurant, thing, parent id.ID) error {
	at, err := behind(ctx, tx, part, restaurant, parent)
	if err != nil {
		return err
	}
	t := tables[part]
	_, err = tx.Exec(ctx, `UPDATE `+t.name+` SET `+t.parent+` = $1, position = $2 WHERE id = $3 AND restaurant = $4`, parent, at, thing, restaurant)
	return err
}

// behind returns the position after the last part below parent.
func behind(ctx context.Context, tx *db.Tx, part Part, restaurant, parent id.ID) (at int64, err error) {
	t := tables[part]
	err = tx.Row(ctx, `SELECT COALESCE(MAX(position), 0) + 1 FROM `+t.name+` WHERE restaurant = $1 AND `+t.parent+` = $2`, restaurant, parent).Scan(&at)
	return at, err
}

// place numbers parts in the given order.
func place(ctx context.Context, tx *db.Tx, part Part, restaurant id.ID, ids []id.ID) error {
	for i, k := range ids {
		if err := setPosition(ctx, tx, part, restaurant, k, int64(i+1)); err != nil {
			return err
		}
	}
	return nil
}

func setPosition(ctx context.Context, tx *db.Tx, part Part, restaurant, thing id.ID, at int64) error {
	_, err := tx.Exec(ctx, `UPDATE `+tables[part].name+` SET position = $1 WHERE id = $2 AND restaurant = $3 AND position <> $1`, at, thing, restaurant)
	return err
}

func softDelete(ctx context.Context, tx *db.Tx, part Part, restaurant, thing id.ID, at time.Time) (int64, error) {
	return tx.Exec(ctx, `UPDATE `+tables[part].name+` SET deleted_at = $1 WHERE id = $2 AND restaurant = $3 AND deleted_at = 0`, at.UnixMicro(), thing, restaurant)
}

func undelete(ctx context.Context, tx *db.Tx, part Part, restaurant, thing id.ID) (int64, error) {
	return tx.Exec(ctx, `UPDATE `+tables[part].name+` SET deleted_at = 0 WHERE id = $1 AND restaurant = $2`, thing, restaurant)
}

func insertMenu(ctx context.Context, tx *db.Tx, restaurant, menu id.ID, at int64, in MenuInput) error {
	_, err := tx.Exec(ctx, `INSERT INTO menu (id, restaurant, name, hours, position, deleted_at) VALUES ($1, $2, $3, $4, $5, 0)`,
		menu, restaurant, in.Name, in.Hours, at)
	return err
}

func updateMenu(ctx context.Context, tx *db.Tx, restaurant, menu id.ID, in MenuInput) (int64, error) {
	return tx.Exec(ctx, `UPDATE menu SET name = $1, hours = $2 WHERE id = $3 AND restaurant = $4 AND deleted_at = 0`, in.Name, in.Hours, menu, restaurant)
}

func insertSection(ctx context.Context, tx *db.Tx, restaurant, section id.ID, at int64, in SectionInput) error {
	_, err := tx.Exec(ctx, `INSERT INTO menu_section (id, restaurant, menu, name, note, hours, position, deleted_at) VALUES ($1, $2, $3, $4, $5, $6, $7, 0)`,
		section, restaurant, in.Menu, in.Name, in.Note, in.Hours, at)
	return err
}

// updateSection leaves the section in its menu where in.Menu is 0.
func updateSection(ctx context.Context, tx *db.Tx, restaurant, section id.ID, in SectionInput) (int64, error) {
	return tx.Exec(ctx, `UPDATE menu_section SET name = $1, note = $2, hours = $3, menu = CASE WHEN $4 = CAST(0 AS BIGINT) THEN menu ELSE $4 END
		WHERE id = $5 AND restaurant = $6 AND deleted_at = 0`, in.Name, in.Note, in.Hours, in.Menu, section, restaurant)
}

func insertItem(ctx context.Context, tx *db.Tx, restaurant, item id.ID, at int64, in ItemInput) error {
	_, err := tx.Exec(ctx, `INSERT INTO menu_item (id, restaurant, section, name, description, price, tax, photo, allergens, diets, group_ids,
		hidden, out_until, position, deleted_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 0, $13, 0)`,
		item, restaurant, in.Section, in.Name, in.Description, in.Price, in.Tax, in.Photo, list(in.Allergens), list(in.Diets), list(in.Groups), in.Hidden, at)
	return err
}

func updateItem(ctx context.Context, tx *db.Tx, restaurant, item id.ID, in ItemInput) (int64, error) {
	return tx.Exec(ctx, `UPDATE menu_item SET section = $1, name = $2, description = $3, price = $4, tax = $5, photo = $6, allergens = $7, diets = $8,
		group_ids = $9, hidden = $10 WHERE id = $11 AND restaurant = $12 AND deleted_at = 0`,
		in.Section, in.Name, in.Description, in.Price, in.Tax, in.Photo, list(in.Allergens), list(in.Diets), list(in.Groups), in.Hidden, item, restaurant)
}

func insertGroup(ctx context.Context, tx *db.Tx, restaurant, group id.ID, in GroupInput) error {
	_, err := tx.Exec(ctx, `INSERT INTO menu_group (id, restaurant, name, min_count, max_count, rule, deleted_at) VALUES ($1, $2, $3, $4, $5, $6, 0)`,
		group, restaurant, in.Name, in.Min, in.Max, in.Rule)
	return err
}

func updateGroup(ctx context.Context, tx *db.Tx, restaurant, group id.ID, in GroupInput) (int64, error) {
	return tx.Exec(ctx, `UPDATE menu_group SET name = $1, min_count = $2, max_count = $3, rule = $4 WHERE id = $5 AND restaurant = $6 AND deleted_at = 0`,
		in.Name, in.Min, in.Max, in.Rule, group, restaurant)
}

func optionIDs(ctx context.Context, tx *db.Tx, restaurant, group id.ID) ([]id.ID, error) {
	return db.All(ctx, tx, scanID, `SELECT id FROM menu_option WHERE group_id = $1 AND restaurant = $2`, group, restaurant)
}

func insertOption(ctx context.Context, tx *db.Tx, restaurant, group id.ID, at int, o OptionInput) error {
	_, err := tx.Exec(ctx, `INSERT INTO menu_option (id, restaurant, group_id, name, price, out_until, position) VALUES ($1, $2, $3, $4, $5, 0, $6)`,
		o.ID, restaurant, group, o.Name, o.Price, at)
	return err
}

func updateOption(ctx context.Context, tx *db.Tx, restaurant id.ID, at int, o OptionInput) error {
	_, err := tx.Exec(ctx, `UPDATE menu_option SET name = $1, price = $2, position = $3 WHERE id = $4 AND restaurant = $5`, o.Name, o.Price, at, o.ID, restaurant)
	return err
}

func deleteOption(ctx context.Context, tx *db.Tx, restaurant, option id.ID) error {
	if err := dropStock(ctx, tx, restaurant, option); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `DELETE FROM menu_option WHERE id = $1 AND restaurant = $2`, option, restaurant)
	return err
}

// purge removes what was deleted before the given time, and what stood below it.
func purge(ctx context.Context, tx *db.Tx, before time.Time) error {
	for _, q := range []string{
		`DELETE FROM menu WHERE deleted_at > 0 AND deleted_at < $1`,
		`DELETE FROM menu_section WHERE deleted_at > 0 AND deleted_at < $1 OR menu NOT IN (SELECT id FROM menu)`,
		`DELETE FROM menu_item WHERE deleted_at > 0 AND deleted_at < $1 OR section NOT IN (SELECT id FROM menu_section)`,
		`DELETE FROM menu_group WHERE deleted_at > 0 AND deleted_at < $1`,
	} {
		if _, err := tx.Exec(ctx, q, before.UnixMicro()); err != nil {
			return err
		}
	}
	if _, err := tx.Exec(ctx, `DELETE FROM menu_option WHERE group_id NOT IN (SELECT id FROM menu_group)`); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `DELETE FROM menu_stock WHERE id NOT IN (SELECT id FROM menu_item UNION ALL SELECT id FROM menu_option)`)
	return err
}

// shows reports whether the picture at a URL path is shown to everybody.
func shows(ctx context.Context, tx *db.Tx, path string) (bool, error) {
	return tx.Exists(ctx, `SELECT 1 FROM menu_item WHERE photo = $1`, path)
}
