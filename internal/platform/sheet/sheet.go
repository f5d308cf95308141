// Package sheet writes tables for spreadsheet programs, as CSV or as XLSX, row by row. No cell of text can become a formula in the program
// that opens it: figures are written as figures, and texts that begin as formulas do get an apostrophe before them.
package sheet

import (
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/xuri/excelize/v2"

	"github.com/stoa-town/stoa/internal/base/money"
)

// Money is a cell that holds an amount in minor units of a currency. It is written in units, with a point: 12.50.
type Money struct {
	Amount   money.Amount
	Currency string
}

// Writer takes a table row by row. A cell is a string, an int, an int64 or Money; others are written as text.
type Writer interface {
	Row(cells ...any) error
	// Close ends the table. What was written is whole only after it returned no error.
	Close() error
}

// Text returns a text that no spreadsheet takes for a formula.
func Text(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r\n", rune(s[0])) {
		return "'" + s
	}
	return s
}

// Decimal returns an amount in units with a point, such as "-12.50".
func (m Money) Decimal() string {
	s, _, _ := strings.Cut(money.Format(m.Amount, m.Currency), " ")
	return s
}

// text returns a cell as CSV has it.
func text(cell any) string {
	switch v := cell.(type) {
	case string:
		return Text(v)
	case int:
		return strconv.Itoa(v)
	case int64:
		return strconv.FormatInt(v, 10)
	case Money:
		return v.Decimal()
	}
	return Text(fmt.Sprint(cell))
}

type csvWriter struct{ w *csv.Writer }

// CSV returns a Writer of comma-separated values (RFC 4180, UTF-8) to w.
func CSV(w io.Writer) Writer {
	c := csv.NewWriter(w)
	c.UseCRLF = true
	return csvWriter{c}
}

func (c csvWriter) Row(cells ...any) error {
	out := make([]string, len(cells))
	for i, cell := range cells {
		out[i] = text(cell)
	}
	return c.w.Write(out)
}

func (c csvWriter) Close() error {
	c.w.Flush()
	return c.w.Error()
}

// xlsxWriter keeps rows that don't fit its buffer in a temporary file until Close.
type xlsxWriter struct {
	to    io.Writer
	file  *excelize.File
	out   *excelize.StreamWriter
	row   int
	style map[int]int // by decimals
}

// XLSX returns a Writer of an Office Open XML workbook with one sheet to w. Nothing is written to w before Close.
func XLSX(w io.Writer, name string) (Writer, error) {
	f := excelize.NewFile()
	if err := f.SetSheetName("Sheet1", name); err != nil {
		return nil, fmt.Errorf("sheet: name %q: %w", name, err)
	}
	s, err := f.NewStreamWriter(name)
	if err != nil {
		return nil, fmt.Errorf("sheet: begin: %w", err)
	}
	x := &xlsxWriter{to: w, file: f, out: s, style: map[int]int{}}
	return x, nil
}

func (x *xlsxWriter) Row(cells ...any) error {
	x.row++
	out := make([]any, len(cells))
	for i, cell := range cells {
		switch v := cell.(type) {
		case int, int64:
			out[i] = v
		case Money:
			style, err := x.styleOf(money.Decimals(v.Currency))
			if err != nil {
				return err
			}
			// Exact: a float64 holds any amount below 2^53 minor units such that its decimals read back as they were.
			units, err := strconv.ParseFloat(v.Decimal(), 64)
			if err != nil {
				return fmt.Errorf("sheet: amount: %w", err)
			}
			out[i] = excelize.Cell{StyleID: style, Value: units}
		default:
			out[i] = text(cell)
		}
	}
	at, err := excelize.CoordinatesToCellName(1, x.row)
	if err != nil {
		return fmt.Errorf("sheet: too many rows: %w", err)
	}
	return x.out.SetRow(at, out)
}

func (x *xlsxWriter) styleOf(decimals int) (int, error) {
	if s, ok := x.style[decimals]; ok {
		return s, nil
	}
	format := "0"
	if decimals > 0 {
		format += "." + strings.Repeat("0", decimals)
	}
	s, err := x.file.NewStyle(&excelize.Style{CustomNumFmt: &format})
	if err != nil {
		return 0, fmt.Errorf("sheet: style: %w", err)
	}
	x.style[decimals] = s
	return s, nil
}

func (x *xlsxWriter) Close() error {
	defer x.file.Close()
	if err := x.out.Flush(); err != nil {
		return fmt.Errorf("sheet: end: %w", err)
	}
	if _, err := x.file.WriteTo(x.to); err != nil {
		return fmt.Errorf("sheet: write: %w", err)
	}
	return nil
}
