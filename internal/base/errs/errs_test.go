package errs

import (
	"errors"
	"fmt"
	"testing"
)

func TestKindSurvivesWrapping(t *testing.T) {
	err := fmt.Errorf("order: place: %w", InvalidField("lines[0].qty", "Order between 1 and %d of each dish.", 99))
	if !Is(err, Invalid) {
		t.Fatalf("KindOf(%v) = %v; want invalid", err, KindOf(err))
	}
	if Is(nil, Internal) {
		t.Fatal("a nil error has a kind")
	}
}

func TestForeignErrorsAreInternal(t *testing.T) {
	if k := KindOf(errors.New("disk on fire")); k != Internal {
		t.Fatalf("KindOf = %v; want internal", k)
	}
}

func TestInvalidFieldsOfNothingIsNoError(t *testing.T) {
	if err := InvalidFields(nil); err != nil {
		t.Fatalf("InvalidFields(nil) = %v; want nil", err)
	}
	err := InvalidFields([]Field{{Path: "a", Message: "A."}, {Path: "b", Message: "B."}})
	e, ok := errors.AsType[*Error](err)
	if !ok || len(e.Fields) != 2 || e.Kind != Invalid {
		t.Fatalf("InvalidFields = %#v; want two invalid fields", err)
	}
}

func TestWithCodeLeavesTheOriginalAlone(t *testing.T) {
	base := New(Conflict, "Sold out.")
	if c := base.WithCode("sold_out"); base.Code != "" || CodeOf(c) != "sold_out" {
		t.Fatalf("WithCode changed the original or lost the code: %q %q", base.Code, c.Code)
	}
}
