package i18n

import (
	"context"
	"testing"
)

type layer int

// deep returns a context as a page has it: some layers above the language.
func deep(lang string) context.Context {
	ctx := With(context.Background(), lang)
	for i := range 4 {
		ctx = context.WithValue(ctx, layer(i), i)
	}
	return ctx
}

func BenchmarkT(b *testing.B) {
	for _, lang := range Langs {
		b.Run(lang, func(b *testing.B) {
			ctx := deep(lang)
			for b.Loop() {
				T(ctx, "Cart")
			}
		})
	}
}

func BenchmarkN(b *testing.B) {
	for _, lang := range Langs {
		b.Run(lang, func(b *testing.B) {
			ctx := deep(lang)
			for b.Loop() {
				N(ctx, 3, "Cart, %d portion", "Cart, %d portions")
			}
		})
	}
}
