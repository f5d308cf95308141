package audit

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"
)

// CSV writes the entries of a filter, newest first, as a table that spreadsheets open. What somebody typed can't become a formula there: a
// cell that a spreadsheet would take for one begins with an apostrophe.
func (a *Audit) CSV(ctx context.Context, w io.Writer, f Filter) error {
	out := csv.NewWriter(w)
	if err := out.Write([]string{"id", "at", "actor", "handle", "address", "verb", "thing", "detail"}); err != nil {
		return fmt.Errorf("audit: export: %w", err)
	}
	err := a.each(ctx, f, func(e Entry) error {
		row := []string{e.ID.String(), e.At.Format(time.RFC3339), e.Actor.String(), e.Handle, e.Address, e.Verb, e.Thing, string(e.Detail)}
		for i := range row {
			row[i] = Cell(row[i])
		}
		return out.Write(row)
	})
	out.Flush()
	if err == nil {
		err = out.Error()
	}
	if err != nil {
		return fmt.Errorf("audit: export: %w", err)
	}
	return nil
}

// Cell returns s as a cell of a CSV file that no spreadsheet takes for a formula.
func Cell(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r\n|%", rune(s[0])) {
		return "'" + s
	}
	return s
}

// Lines writes the entries of a filter, newest first, as JSON objects, one a line.
func (a *Audit) Lines(ctx context.Context, w io.Writer, f Filter) error {
	enc := json.NewEncoder(w)
	if err := a.each(ctx, f, func(e Entry) error { return enc.Encode(e) }); err != nil {
		return fmt.Errorf("audit: export: %w", err)
	}
	return nil
}
