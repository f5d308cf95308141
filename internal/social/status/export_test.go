package status

import (
	"testing"

	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/access"
)

// What the tests over HTTP use of a town; they stand outside the package, because the routes import it.

type Town = town

func NewTown(t testing.TB) *Town { return onLite(t) }

func (w *town) Person(name string) access.Actor { return w.person(name) }

func (w *town) Say(a access.Actor, text string) id.ID { return w.say(a, text) }

func (w *town) Follow(who, whom access.Actor) { w.follow(who, whom) }

func (w *town) Loose(file id.ID) { w.loose[file] = true }
