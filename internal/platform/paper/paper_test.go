package paper

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ledongthuc/pdf"
)

// read returns the text of a document and how many pages it has.
func read(t *testing.T, b []byte) (string, int) {
	t.Helper()
	r, err := pdf.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	plain, err := r.GetPlainText()
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if _, err := out.ReadFrom(plain); err != nil {
		t.Fatal(err)
	}
	return out.String(), r.NumPage()
}

func TestALongTableGoesOnOnTheNextPageUnderItsHeadings(t *testing.T) {
	d := New(Info{Title: "Long", At: time.Unix(0, 0), Footer: []string{"The Town"}})
	d.Title("Überschrift")
	d.Sides([]string{"Nonna", "Elm 3"}, []string{"NONNA-2026-000001", "1 May"})
	var rows []Row
	for i := range 100 {
		rows = append(rows, Row{Cells: []string{fmt.Sprintf("Dish %03d", i), fmt.Sprintf("%d,50\u00a0€", i)}, Under: []string{"with cheese"}})
	}
	d.Table([]Column{{"Dish", 3, false}, {"Price", 1, true}}, rows)
	b, err := d.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	text, pages := read(t, b)
	if pages < 3 || strings.Count(text, "Price") != pages {
		t.Fatalf("%d pages with %d headings", pages, strings.Count(text, "Price"))
	}
	for _, want := range []string{"Überschrift", "NONNA-2026-000001", "Dish 000", "Dish 099", "99,50 €", "The Town"} {
		if !strings.Contains(strings.ReplaceAll(text, "\u00a0", " "), want) {
			t.Errorf("the text lacks %q", want)
		}
	}
}

func TestLettersThatTheFaceLacksBecomeQuestionMarks(t *testing.T) {
	d := New(Info{Title: "x", At: time.Unix(0, 0)})
	d.Para("Łódź 寿司 Αθήνα Київ")
	b, err := d.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	if text, _ := read(t, b); !strings.Contains(text, "Łódź ?? Αθήνα Київ") {
		t.Fatalf("reads %q", text)
	}
}
