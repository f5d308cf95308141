package menu

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/base/money"
	"github.com/stoa-town/stoa/internal/base/text"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/db"
)

// MaxImport is the largest file that Import reads, in bytes.
const MaxImport = 5 << 20

// ImportOptions say what an import does to the card that is there.
type ImportOptions struct {
	Replace bool // what the file does not name is deleted; false: it stays
	DryRun  bool // nothing is changed, the report says what would be
}

// Report says what an import did, or would do.
type Report struct {
	Applied   bool      `json:"applied" doc:"Whether anything was stored: all of the file or nothing."`
	Sections  int       `json:"sections" doc:"In the file."`
	Items     int       `json:"items" doc:"In the file."`
	Added     int       `json:"added" doc:"Items that were not on the card."`
	Changed   int       `json:"changed" doc:"Items that were there and are different now."`
	Unchanged int       `json:"unchanged"`
	Removed   int       `json:"removed" doc:"Items that are no longer on the card."`
	Problems  []BadLine `json:"problems" doc:"Every bad line."`
	Warnings  []BadLine `json:"warnings" doc:"What was left out."`
}

// Import reads a card from a CSV (see Columns) or JSON (see Document) file; format is "csv" or "json". Dishes are the same where menu,
// section and name are: they keep their ids, photos they have no new one for, and what is sold out; a CSV file changes of them only the
// columns it has. All of the file is stored in one transaction, or nothing. Where anything is wrong the report lists each bad line and the
// error is Invalid with code "bad_lines", naming the first hundred; a dry run returns the report alone.
func (s *Service) Import(ctx context.Context, actor access.Actor, restaurant id.ID, format string, r io.Reader, o ImportOptions) (Report, error) {
	if err := mayManage(actor, restaurant); err != nil {
		return Report{}, err
	}
	shop, err := s.shops.Shop(ctx, restaurant)
	if err != nil {
		return Report{}, err
	}
	data, err := io.ReadAll(io.LimitReader(r, MaxImport+1))
	if err != nil {
		return Report{}, fmt.Errorf("menu: read the file: %w", err)
	}
	if len(data) > MaxImport {
		return Report{}, errs.New(errs.TooLarge, "A menu file has at most 5 MB.")
	}
	switch format {
	case "csv":
		return s.merge(ctx, actor, restaurant, readCSV(data, money.Decimals(shop.Currency)), o)
	case "json":
		return s.merge(ctx, actor, restaurant, readJSON(data), o)
	}
	return Report{}, errs.InvalidField("format", "Menus are imported from csv or json.")
}

// ImportDocument does what Import does with a document made by a program.
func (s *Service) ImportDocument(ctx context.Context, actor access.Actor, restaurant id.ID, doc Document, o ImportOptions) (Report, error) {
	if err := mayManage(actor, restaurant); err != nil {
		return Report{}, err
	}
	return s.merge(ctx, actor, restaurant, &parsed{doc: doc}, o)
}

// Export writes the card as a file that Import reads; format is "csv" or "json". What is sold out for a time is not part of it.
func (s *Service) Export(ctx context.Context, actor access.Actor, restaurant id.ID, format string, w io.Writer) error {
	if err := mayManage(actor, restaurant); err != nil {
		return err
	}
	shop, err := s.shops.Shop(ctx, restaurant)
	if err != nil {
		return err
	}
	var card *Card
	err = s.db.Read(ctx, func(tx *db.Tx) (err error) {
		card, err = loadCard(ctx, tx, restaurant)
		return err
	})
	if err != nil {
		return fmt.Errorf("menu: read the card of %d: %w", restaurant, err)
	}
	switch format {
	case "csv":
		return writeCSV(w, card.document(), money.Decimals(shop.Currency))
	case "json":
		enc := json.NewEncoder(w)
		enc.SetIndent("", "  ")
		enc.SetEscapeHTML(false)
		return enc.Encode(card.document())
	}
	return errs.InvalidField("format", "Menus are exported as csv or json.")
}

// readJSON reads a document. Like readCSV it never fails.
func readJSON(data []byte) *parsed {
	p := &parsed{}
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	err := dec.Decode(&p.doc)
	if err == nil && dec.More() {
		err = errors.New("there is more behind the end")
	}
	if err == nil {
		return p
	}
	at := dec.InputOffset()
	field := ""
	if e, ok := errors.AsType[*json.SyntaxError](err); ok {
		at = e.Offset
	}
	if e, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		at, field = e.Offset, e.Field
	}
	line := 1 + bytes.Count(data[:min(max(int(at), 0), len(data))], []byte("\n"))
	p.bad(line, field, "This is not a menu in JSON: %s.", text.Clean(err.Error(), 160))
	return p
}

// examine adds what the document's check finds, so that all mistakes are seen at once; where a cell could not be read, that is its one.
func (p *parsed) examine() {
	type cell struct {
		line  int
		field string
	}
	known := map[cell]bool{}
	for _, b := range p.problems {
		known[cell{b.Line, b.Field}] = true
	}
	for _, b := range p.doc.check() {
		if !known[cell{b.Line, b.Field}] {
			p.problems = append(p.problems, b)
		}
	}
	slices.SortStableFunc(p.problems, func(a, b BadLine) int { return a.Line - b.Line })
	if more := len(p.problems) - maxProblems; more > 0 {
		p.problems = append(p.problems[:maxProblems], badLine(0, "", "And %d more.", more))
	}
}

// merge brings a file onto the card.
func (s *Service) merge(ctx context.Context, actor access.Actor, restaurant id.ID, p *parsed, o ImportOptions) (Report, error) {
	p.examine()
	rep := Report{Problems: p.problems, Warnings: p.warnings}
	for _, m := range p.doc.Menus {
		rep.Sections += len(m.Sections)
		for _, sec := range m.Sections {
			rep.Items += len(sec.Items)
		}
	}
	if len(rep.Problems) > 0 {
		return rep.refuse(o)
	}
	work := func(tx *db.Tx, write bool) error {
		card, err := loadCard(ctx, tx, restaurant)
		if err != nil {
			return fmt.Errorf("menu: read the card of %d: %w", restaurant, err)
		}
		m := &merger{s: s, ctx: ctx, card: card, file: p, o: o, rep: rep}
		if write {
			m.tx = tx
		}
		if err := m.run(); err != nil {
			return fmt.Errorf("menu: import: %w", err)
		}
		rep = m.rep // counted anew each time the transaction runs
		return nil
	}
	if o.DryRun {
		err := s.db.Read(ctx, func(tx *db.Tx) error { return work(tx, false) })
		return rep, err
	}
	clean := rep
	err := s.change(ctx, actor, restaurant, "import", func(tx *db.Tx) error {
		rep = clean
		return work(tx, true)
	})
	rep.Applied = err == nil
	return rep, err
}

// refuse answers an import of a file with mistakes.
func (rep Report) refuse(o ImportOptions) (Report, error) {
	if o.DryRun {
		return rep, nil
	}
	e := errs.New(errs.Invalid, "Nothing was imported: %d things in the file need another look.", len(rep.Problems)).WithCode("bad_lines")
	if len(rep.Problems) == 1 {
		e = errs.New(errs.Invalid, "Nothing was imported: %s", rep.Problems[0].phrase()).WithCode("bad_lines")
	}
	for _, p := range rep.Problems[:min(len(rep.Problems), 100)] {
		path := p.Field
		if p.Line > 0 {
			path = fmt.Sprintf("line[%d]", p.Line)
			if p.Field != "" {
				path += "." + p.Field
			}
		}
		e.Fields = append(e.Fields, p.field(or(path, "body")))
	}
	return rep, e
}

// merger carries out one import. Without tx it only counts.
type merger struct {
	s    *Service
	ctx  context.Context //nolint:containedctx // lives for one call of run
	tx   *db.Tx
	card *Card
	file *parsed
	o    ImportOptions
	rep  Report

	groups map[string]id.ID // by what they are
	used   map[id.ID]bool   // groups that an item names when all is done
}

// has reports whether the file speaks about a column.
func (m *merger) has(column string) bool { return m.file.has == nil || m.file.has[column] }

// do runs a statement unless this is a dry run.
func (m *merger) do(fn func(tx *db.Tx) error) error {
	if m.tx == nil {
		return nil
	}
	return fn(m.tx)
}

func (m *merger) run() error {
	m.groups, m.used = map[string]id.ID{}, map[id.ID]bool{}
	before := map[id.ID]bool{}
	for _, g := range m.card.Groups {
		m.groups[key(m.card.docGroup(g))] = g.ID
	}
	var order []id.ID
	for i := range m.file.doc.Menus {
		menu, err := m.menu(&m.file.doc.Menus[i])
		if err != nil {
			return err
		}
		order = append(order, menu)
	}
	for _, it := range m.card.items() {
		for _, g := range it.Groups {
			before[g] = true
		}
	}
	for _, menu := range m.card.Menus {
		if slices.Contains(order, menu.ID) {
			continue
		}
		if err := m.leave(PartMenu, menu.ID, menu.items()); err != nil {
			return err
		}
	}
	for g := range before {
		if m.used[g] {
			continue
		}
		err := m.do(func(tx *db.Tx) error {
			_, err := softDelete(m.ctx, tx, PartGroup, m.card.Restaurant, g, m.s.now())
			return err
		})
		if err != nil {
			return err
		}
	}
	if n := len(m.card.items()) + m.rep.Added - m.rep.Removed; n > MaxItems {
		return errs.InvalidField("body", "A card has at most %d dishes; with this file it would have %d.", MaxItems, n)
	}
	return m.place(PartMenu, ids(m.card.Menus, func(x *Menu) id.ID { return x.ID }), order)
}

// leave deals with a part that the file does not name: it goes with its items, or it stays.
func (m *merger) leave(part Part, thing id.ID, items []*Item) error {
	if !m.o.Replace {
		for _, it := range items {
			for _, g := range it.Groups {
				m.used[g] = true
			}
		}
		return nil
	}
	m.rep.Removed += len(items)
	return m.do(func(tx *db.Tx) error {
		_, err := softDelete(m.ctx, tx, part, m.card.Restaurant, thing, m.s.now())
		return err
	})
}

// place orders parts: as in the file where it replaces the card, else those that were there first.
func (m *merger) place(part Part, old, file []id.ID) error {
	order := file
	if !m.o.Replace {
		order = slices.Clone(old)
		for _, k := range file {
			if !slices.Contains(order, k) {
				order = append(order, k)
			}
		}
	}
	return m.do(func(tx *db.Tx) error { return place(m.ctx, tx, part, m.card.Restaurant, order) })
}

func ids[T any](list []T, of func(T) id.ID) []id.ID {
	out := make([]id.ID, 0, len(list))
	for _, x := range list {
		out = append(out, of(x))
	}
	return out
}

func (m *merger) menu(dm *DocMenu) (id.ID, error) {
	var old *Menu
	for _, x := range m.card.Menus {
		if text.Fold(x.Name) == text.Fold(dm.Name) {
			old = x
		}
	}
	in := MenuInput{Name: dm.Name, Hours: dm.Hours}
	if old == nil {
		old = &Menu{ID: m.s.ids.Next()}
		if err := m.do(func(tx *db.Tx) error { return insertMenu(m.ctx, tx, m.card.Restaurant, old.ID, 0, in) }); err != nil {
			return 0, err
		}
	} else {
		if !m.has("menu_hours") {
			in.Hours = old.Hours
		}
		err := m.do(func(tx *db.Tx) error { return found(updateMenu(m.ctx, tx, m.card.Restaurant, old.ID, in)) })
		if err != nil {
			return 0, err
		}
	}
	var order []id.ID
	for i := range dm.Sections {
		sec, err := m.section(old, &dm.Sections[i])
		if err != nil {
			return 0, err
		}
		order = append(order, sec)
	}
	for _, sec := range old.Sections {
		if !slices.Contains(order, sec.ID) {
			if err := m.leave(PartSection, sec.ID, sec.Items); err != nil {
				return 0, err
			}
		}
	}
	return old.ID, m.place(PartSection, ids(old.Sections, func(x *Section) id.ID { return x.ID }), order)
}

func (m *merger) section(menu *Menu, ds *DocSection) (id.ID, error) {
	var old *Section
	for _, x := range menu.Sections {
		if text.Fold(x.Name) == text.Fold(ds.Name) {
			old = x
		}
	}
	in := SectionInput{Menu: menu.ID, Name: ds.Name, Note: ds.Note, Hours: ds.Hours}
	if old == nil {
		old = &Section{ID: m.s.ids.Next()}
		err := m.do(func(tx *db.Tx) error { return insertSection(m.ctx, tx, m.card.Restaurant, old.ID, 0, in) })
		if err != nil {
			return 0, err
		}
	} else {
		if !m.has("note") {
			in.Note = old.Note
		}
		if !m.has("hours") {
			in.Hours = old.Hours
		}
		err := m.do(func(tx *db.Tx) error { return found(updateSection(m.ctx, tx, m.card.Restaurant, old.ID, in)) })
		if err != nil {
			return 0, err
		}
	}
	byName := make(map[string]*Item, len(old.Items))
	for _, it := range old.Items {
		byName[text.Fold(it.Name)] = it
	}
	// In the file's order where it replaces the card; else what is new comes behind what was there.
	next := int64(0)
	if n := len(old.Items); n > 0 && !m.o.Replace {
		next = old.Items[n-1].position
	}
	kept := map[id.ID]bool{}
	for i := range ds.Items {
		before := byName[text.Fold(ds.Items[i].Name)]
		if before == nil || m.o.Replace {
			next++
		}
		item, err := m.item(old.ID, next, before, &ds.Items[i])
		if err != nil {
			return 0, err
		}
		kept[item] = true
	}
	for _, it := range old.Items {
		if !kept[it.ID] {
			if err := m.leave(PartItem, it.ID, []*Item{it}); err != nil {
				return 0, err
			}
		}
	}
	return old.ID, nil
}

// item stores an item of the file. at is its place where it is new or the file replaces the card.
func (m *merger) item(section id.ID, at int64, old *Item, di *DocItem) (id.ID, error) {
	in := ItemInput{
		Section: section, Name: di.Name, Description: di.Description, Price: di.Price, Tax: di.Tax, Photo: di.Photo, Allergens: di.Allergens,
		Diets: di.Diets, Hidden: di.Hidden, Stock: di.Stock,
	}
	if old == nil || m.has("group") {
		for i := range di.Groups {
			g, err := m.group(&di.Groups[i])
			if err != nil {
				return 0, err
			}
			in.Groups = append(in.Groups, g)
		}
	}
	if old == nil {
		for _, g := range in.Groups {
			m.used[g] = true
		}
		m.rep.Added++
		item := m.s.ids.Next()
		return item, m.do(func(tx *db.Tx) error {
			if err := insertItem(m.ctx, tx, m.card.Restaurant, item, at, in); err != nil {
				return err
			}
			return m.s.putStock(m.ctx, tx, m.card.Restaurant, item, in.Stock)
		})
	}
	m.keep(&in, old)
	for _, g := range in.Groups {
		m.used[g] = true
	}
	if m.o.Replace && old.position != at {
		if err := m.do(func(tx *db.Tx) error { return setPosition(m.ctx, tx, PartItem, m.card.Restaurant, old.ID, at) }); err != nil {
			return 0, err
		}
	}
	if m.same(&in, old) {
		m.rep.Unchanged++
		return old.ID, nil
	}
	m.rep.Changed++
	return old.ID, m.do(func(tx *db.Tx) error {
		if err := found(updateItem(m.ctx, tx, m.card.Restaurant, old.ID, in)); err != nil {
			return err
		}
		return m.s.putStock(m.ctx, tx, m.card.Restaurant, old.ID, in.Stock)
	})
}

// keep takes from the item that is there what the file says nothing about. A price list must not wipe allergens off.
func (m *merger) keep(in *ItemInput, old *Item) {
	keep(m.has("description"), &in.Description, old.Description)
	keep(m.has("tax"), &in.Tax, old.Tax)
	keep(m.has("photo") && in.Photo != "", &in.Photo, old.Photo)
	keep(m.has("allergens"), &in.Allergens, old.Allergens)
	keep(m.has("diets"), &in.Diets, old.Diets)
	keep(m.has("hidden"), &in.Hidden, old.Hidden)
	keep(m.has("group"), &in.Groups, old.Groups)
	if !m.has("stock") {
		in.Stock = nil
	} else if in.Stock == nil {
		none := int64(-1)
		in.Stock = &none
	}
}

func keep[T any](spoken bool, to *T, old T) {
	if !spoken {
		*to = old
	}
}

func (m *merger) same(in *ItemInput, old *Item) bool {
	left := int64(-1)
	if n, ok := m.card.Stock[old.ID]; ok {
		left = n
	}
	return in.Name == old.Name && in.Description == old.Description && in.Price == old.Price && in.Tax == old.Tax && in.Photo == old.Photo &&
		in.Hidden == old.Hidden && slices.Equal(in.Allergens, old.Allergens) && slices.Equal(in.Diets, old.Diets) &&
		slices.Equal(in.Groups, old.Groups) && (in.Stock == nil || *in.Stock == left)
}

// key tells groups apart: those with the same key are one.
func key(g DocGroup) string {
	b, _ := json.Marshal(g) // plain strings and numbers always encode
	return string(b)
}

// group returns the id of a group that is just like this one, and makes it where there is none.
func (m *merger) group(g *DocGroup) (id.ID, error) {
	k := key(*g)
	if known, ok := m.groups[k]; ok {
		return known, nil
	}
	group := m.s.ids.Next()
	m.groups[k] = group
	in := GroupInput{Name: g.Name, Min: g.Min, Max: g.Max, Rule: g.Rule}
	for _, o := range g.Options {
		in.Options = append(in.Options, OptionInput{Name: o.Name, Price: o.Price, Stock: o.Stock})
	}
	return group, m.do(func(tx *db.Tx) error {
		if err := insertGroup(m.ctx, tx, m.card.Restaurant, group, in); err != nil {
			return err
		}
		return m.s.saveOptions(m.ctx, tx, m.card.Restaurant, group, in.Options)
	})
}
