package account

import (
	"strconv"
	"strings"
	"time"

	"github.com/stoa-town/stoa/internal/base/errs"
)

// maxSpan is the longest time that a role can be given for: a longer one is given for good.
const maxSpan = 5 * 366 * 24 * time.Hour

// ParseSpan reads a length of time as people write it: "8h", "90m", "3d", "2w". It returns an Invalid error for what is none, or longer than
// five years.
func ParseSpan(text string) (time.Duration, error) {
	text = strings.TrimSpace(text)
	d, err := time.ParseDuration(text)
	for unit, long := range map[string]time.Duration{"d": 24 * time.Hour, "w": 7 * 24 * time.Hour} {
		if digits, ok := strings.CutSuffix(text, unit); ok {
			var n int
			n, err = strconv.Atoi(digits)
			n = min(n, int(maxSpan/long)+1)
			d = time.Duration(n) * long
		}
	}
	if err != nil || d < time.Second || d > maxSpan {
		return 0, errs.InvalidField("for", "Write how long as 8h, 90m, 3d or 2w: at least a second, at most five years.")
	}
	return d, nil
}
