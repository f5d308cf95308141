package assets

import (
	"fmt"
	"math"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// colour is a token of css/tokens.css in OKLCH. A hue that follows the town's is NaN, with the distance from it in shift.
type colour struct{ l, c, h, shift float64 }

var (
	tokenLine = regexp.MustCompile(`(?m)^\s*--([a-z0-9-]+): light-dark\(oklch\(([^;]+)\), oklch\(([^;]+)\)\);`)
	shifted   = regexp.MustCompile(`calc\(var\(--accent-h\) \+ (\d+)\)`)
)

func parseColour(t *testing.T, s string) colour {
	t.Helper()
	var c colour
	if m := shifted.FindStringSubmatch(s); m != nil {
		c.shift, _ = strconv.ParseFloat(m[1], 64)
		s = shifted.ReplaceAllString(s, "NaN")
	}
	s = strings.ReplaceAll(s, "var(--accent-h)", "NaN")
	if _, err := fmt.Sscanf(s, "%g %g %g", &c.l, &c.c, &c.h); err != nil {
		t.Fatalf("oklch(%s): %v", s, err)
	}
	return c
}

// luminance returns the relative luminance as WCAG defines it, of the colour cut to what a screen can show.
func (k colour) luminance(accent float64) float64 {
	h := k.h
	if math.IsNaN(h) {
		h = accent + k.shift
	}
	a, b := k.c*math.Cos(h*math.Pi/180), k.c*math.Sin(h*math.Pi/180)
	cube := func(v float64) float64 { return v * v * v }
	l := cube(k.l + 0.3963377774*a + 0.2158037573*b)
	m := cube(k.l - 0.1055613458*a - 0.0638541728*b)
	s := cube(k.l - 0.0894841775*a - 1.2914855480*b)
	clip := func(v float64) float64 { return min(max(v, 0), 1) }
	return 0.2126*clip(4.0767416621*l-3.3077115913*m+0.2309699292*s) +
		0.7152*clip(-1.2684380046*l+2.6097574011*m-0.3413193965*s) +
		0.0722*clip(-0.0041960863*l-0.7034186147*m+1.7076147010*s)
}

func contrast(a, b float64) float64 {
	return (max(a, b) + 0.05) / (min(a, b) + 0.05)
}

// AA asks for 4.5 between words and their ground, 3 between a control's edge and its ground.
func TestColoursKeepContrastForEveryHueOfATown(t *testing.T) {
	css, err := os.ReadFile("css/tokens.css")
	if err != nil {
		t.Fatal(err)
	}
	root, board, _ := strings.Cut(string(css), ".layout-board")
	pairs := []struct {
		ink, ground string
		want        float64
	}{
		{"ink", "paper", 7},
		{"ink", "sheet", 7},
		{"ink", "sunk", 7},
		{"ink-2", "paper", 4.5},
		{"ink-2", "sheet", 4.5},
		{"ink-2", "sunk", 4.5},
		{"accent-ink", "accent", 4.5},
		{"accent-ink", "accent-hover", 4.5},
		{"accent-text", "paper", 4.5},
		{"accent-text", "sheet", 4.5},
		{"accent-text", "accent-soft", 4.5},
		{"ink-2", "accent-soft", 4.5},
		{"ink", "accent-soft", 4.5},
		{"rule-strong", "paper", 3},
		{"rule-strong", "sheet", 3},
		{"focus", "paper", 3},
		{"good", "good-soft", 4.5},
		{"warn", "warn-soft", 4.5},
		{"bad", "bad-soft", 4.5},
		{"news", "news-soft", 4.5},
		{"ride", "ride-soft", 4.5},
		{"cook", "cook-soft", 4.5},
		{"ink", "good-soft", 7},
		{"ink", "warn-soft", 7},
		{"ink", "bad-soft", 7},
		{"bad", "paper", 4.5},
		{"warn", "sheet", 4.5},
	}
	tokens := [2]map[string]colour{{}, {}}
	for _, part := range []string{root, board} {
		for _, m := range tokenLine.FindAllStringSubmatch(part, -1) {
			tokens[0][m[1]] = parseColour(t, m[2])
			tokens[1][m[1]] = parseColour(t, m[3])
		}
		for theme, name := range []string{"light", "dark"} {
			for _, p := range pairs {
				ink, ok1 := tokens[theme][p.ink]
				ground, ok2 := tokens[theme][p.ground]
				if !ok1 || !ok2 {
					t.Fatalf("no token %s or %s", p.ink, p.ground)
				}
				for hue := 0.0; hue < 360; hue += 10 {
					if got := contrast(ink.luminance(hue), ground.luminance(hue)); got < p.want {
						t.Errorf("%s, hue %g: %s on %s has contrast %.2f; want %g", name, hue, p.ink, p.ground, got, p.want)
						break
					}
				}
			}
		}
	}
}
