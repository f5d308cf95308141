package sheet

import (
	"bytes"
	"encoding/csv"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/xuri/excelize/v2"
)

// payloads are what spreadsheet programs would run.
var payloads = []string{"=cmd|'/C calc'!A0", "+1+1", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "\n=1", `=HYPERLINK("https://evil.example","x")`}

func TestNoCellOfTextBecomesAFormula(t *testing.T) {
	var c, x bytes.Buffer
	xw, err := XLSX(&x, "Accounts")
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range []Writer{CSV(&c), xw} {
		for _, p := range payloads {
			if err := w.Row(p, "plain "+p); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	rows, err := csv.NewReader(&c).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	f, err := excelize.OpenReader(&x)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for i, p := range payloads {
		if got := rows[i][0]; got[0] != '\'' {
			t.Errorf("CSV: %q stands as %q", p, got)
		}
		cell, _ := excelize.CoordinatesToCellName(1, i+1)
		formula, err := f.GetCellFormula("Accounts", cell)
		if err != nil || formula != "" {
			t.Errorf("XLSX: %q became the formula %q, %v", p, formula, err)
		}
		value, err := f.GetCellValue("Accounts", cell)
		if err != nil || value == "" || value[0] != '\'' {
			t.Errorf("XLSX: %q stands as %q, %v", p, value, err)
		}
	}
}

func TestFiguresStayFigures(t *testing.T) {
	row := []any{Money{-1250, "EUR"}, Money{1250, "JPY"}, Money{5, "KWD"}, 7, int64(-3), "Dal"}
	want := []string{"-12.50", "1250", "0.005", "7", "-3", "Dal"}
	var c, x bytes.Buffer
	cw := CSV(&c)
	xw, err := XLSX(&x, "Accounts")
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range []Writer{cw, xw} {
		if err := w.Row(row...); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	got, err := csv.NewReader(&c).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got[0]); diff != "" {
		t.Errorf("CSV (-want +got):\n%s", diff)
	}
	f, err := excelize.OpenReader(&x)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := f.GetRows("Accounts")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, rows[0]); diff != "" {
		t.Errorf("XLSX (-want +got):\n%s", diff)
	}
	if kind, err := f.GetCellType("Accounts", "A1"); err != nil || kind == excelize.CellTypeInlineString || kind == excelize.CellTypeSharedString {
		t.Errorf("an amount is stored as %v, %v", kind, err)
	}
}
