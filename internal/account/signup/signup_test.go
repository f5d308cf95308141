package signup

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stoa-town/stoa/internal/account"
	"github.com/stoa-town/stoa/internal/base/clock"
	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/db/dbtest"
	"github.com/stoa-town/stoa/internal/platform/events"
	"github.com/stoa-town/stoa/internal/platform/mail"
)

const password = "correct horse battery"

// post keeps the letters that are sent.
type post struct{ letters []mail.Letter }

func (*post) On() bool { return true }

func (p *post) Send(_ context.Context, tx *db.Tx, l mail.Letter) error {
	tx.AfterCommit(func() { p.letters = append(p.letters, l) })
	return nil
}

type town struct {
	*Service
	now   *clock.Manual
	post  *post
	mode  Mode
	rules string
}

func newTown(d *db.DB, mode Mode) *town {
	t := &town{now: clock.NewManual(time.Date(2026, 12, 1, 18, 0, 0, 0, time.UTC)), post: &post{}, mode: mode}
	ids := id.NewSource(1)
	people := account.New(d, events.New(d, events.NewLocal()), ids, t.now.Now, account.Options{})
	t.Service = New(d, ids, t.now.Now, people, t.post, Options{
		Mode: func() Mode { return t.mode }, ByMail: func() bool { return false }, Rules: func() string { return t.rules }, URL: func() string { return "https://eat.example.org" },
	})
	return t
}

func both(t *testing.T, test func(t *testing.T, d *db.DB)) {
	dbtest.Run(t, test, events.Schema, account.Schema)
}

func request(name, invite string) Request {
	return Request{SignUp: account.SignUp{Name: name, Email: name + "@example.org", Handle: name, Password: password}, Invite: invite}
}

// fields are the paths of an Invalid error.
func fields(err error) (out []string) {
	if e := errs.As(err); e != nil {
		for _, f := range e.Fields {
			out = append(out, f.Path)
		}
	}
	return out
}

func TestAnInvitationLetsInAsManyAsItSays(t *testing.T) {
	both(t, func(t *testing.T, d *db.DB) {
		s := newTown(d, ByInvite)
		code, v, err := s.Invite(t.Context(), InviteSpec{Uses: 2, Note: "for the choir"})
		if err != nil || v.Mark != code[:5] {
			t.Fatal(v, err)
		}
		var wg sync.WaitGroup
		var in, out atomic.Int64
		for i := range 8 {
			wg.Go(func() {
				switch _, err := s.Join(t.Context(), request("anna"+string(rune('a'+i)), code), account.Visit{}); {
				case err == nil:
					in.Add(1)
				case cmp.Equal(fields(err), []string{"invite"}):
					out.Add(1)
				default:
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if in.Load() != 2 || out.Load() != 6 {
			t.Errorf("%d joined, %d were refused; want 2 and 6", in.Load(), out.Load())
		}
		if list, err := s.Invites(t.Context()); err != nil || len(list) != 0 {
			t.Errorf("invitations that can be used: %v, %v", list, err)
		}
	})
}

func TestAnInvitationIsReadAsPeopleWriteItAndEnds(t *testing.T) {
	s := newTown(dbtest.SQLite(t, events.Schema, account.Schema), ByInvite)
	for _, none := range []string{"", "AAAAA-BBBBB-CCCCC"} {
		if _, err := s.Join(t.Context(), request("anna", none), account.Visit{}); !cmp.Equal(fields(err), []string{"invite"}) {
			t.Errorf("with %q: %v; want an error at the invitation", none, err)
		}
	}
	code, _, err := s.Invite(t.Context(), InviteSpec{Uses: 3, For: 48 * time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Join(t.Context(), request("anna", " "+code[:5]+" "+code[6:11]+code[12:]), account.Visit{}); err != nil {
		t.Errorf("without hyphens: %v", err)
	}
	s.now.Advance(48 * time.Hour)
	if _, err := s.Join(t.Context(), request("berta", code), account.Visit{}); !cmp.Equal(fields(err), []string{"invite"}) {
		t.Errorf("after its time: %v", err)
	}
	code, v, err := s.Invite(t.Context(), InviteSpec{})
	if err != nil || s.Uninvite(t.Context(), v.ID) != nil {
		t.Fatal(err)
	}
	if _, err := s.Join(t.Context(), request("berta", code), account.Visit{}); !cmp.Equal(fields(err), []string{"invite"}) {
		t.Errorf("after it was taken back: %v", err)
	}
	for path, spec := range map[string]InviteSpec{"uses": {Uses: -1}, "for": {For: time.Minute}} {
		if _, _, err := s.Invite(t.Context(), spec); !cmp.Equal(fields(err), []string{path}) {
			t.Errorf("%+v: %v", spec, err)
		}
	}
}

func TestWhoWaitsComesInWithAYesAlone(t *testing.T) {
	both(t, func(t *testing.T, d *db.DB) {
		s := newTown(d, Approval)
		in := request("anna", "")
		in.About = "I live above the bakery."
		out, err := s.Join(t.Context(), in, account.Visit{})
		if err != nil || out.Token != "" {
			t.Fatalf("Join = %+v, %v; want no token", out, err)
		}
		if _, err := s.people.SignIn(t.Context(), "anna", password, account.Visit{}); errs.CodeOf(err) != "pending" {
			t.Errorf("signing in meanwhile: %v; want pending", err)
		}
		if _, err := s.people.SignIn(t.Context(), "anna", "wrong password", account.Visit{}); !errs.Is(err, errs.Unauthenticated) {
			t.Errorf("with a wrong password: %v; want unauthenticated", err)
		}
		if _, err := s.Join(t.Context(), request("berta", ""), account.Visit{}); err != nil {
			t.Fatal(err)
		}
		list, all, err := s.Queue(t.Context())
		if err != nil || all != 2 || len(list) != 2 || list[0].About != in.About || list[0].Account.Email != "anna@example.org" {
			t.Fatalf("Queue = %+v, %d, %v", list, all, err)
		}
		if err := s.Approve(t.Context(), list[0].Account.ID); err != nil {
			t.Fatal(err)
		}
		if err := s.Reject(t.Context(), list[0].Account.ID, ""); !errs.Is(err, errs.Conflict) {
			t.Errorf("another word on who is in: %v; want a conflict", err)
		}
		if _, err := s.people.SignIn(t.Context(), "anna", password, account.Visit{}); err != nil {
			t.Errorf("after the yes: %v", err)
		}
		if err := s.Reject(t.Context(), list[1].Account.ID, "Nobody knows you."); err != nil {
			t.Fatal(err)
		}
		if _, err := s.people.Find(t.Context(), "berta@example.org"); !errs.Is(err, errs.NotFound) {
			t.Errorf("who was turned away is still known: %v", err)
		}
		var kinds []string
		for _, l := range s.post.letters {
			kinds = append(kinds, l.Kind+" "+l.To)
		}
		if diff := cmp.Diff([]string{"signup.yes anna@example.org", "signup.no berta@example.org"}, kinds); diff != "" {
			t.Errorf("letters (-want +got):\n%s", diff)
		}
		if _, all, err := s.Queue(t.Context()); err != nil || all != 0 {
			t.Errorf("%d still wait, %v", all, err)
		}
	})
}

func TestAnInvitationSparesTheWait(t *testing.T) {
	s := newTown(dbtest.SQLite(t, events.Schema, account.Schema), Approval)
	code, _, err := s.Invite(t.Context(), InviteSpec{})
	if err != nil {
		t.Fatal(err)
	}
	if out, err := s.Join(t.Context(), request("anna", code), account.Visit{}); err != nil || out.Token == "" {
		t.Errorf("Join = %v; want a session", err)
	}
}

func TestWrongInvitationsAreCounted(t *testing.T) {
	s := newTown(dbtest.SQLite(t, events.Schema, account.Schema), ByInvite)
	var err error
	for range maxLetters + 1 {
		_, err = s.Join(t.Context(), request("anna", "AAAAA-AAAAA-AAAAA"), account.Visit{IP: "192.0.2.1"})
	}
	if !errs.Is(err, errs.TooMany) {
		t.Errorf("after %d wrong codes: %v; want too many", maxLetters, err)
	}
}

func TestRulesAreAgreedToWhereThereAreSome(t *testing.T) {
	s := newTown(dbtest.SQLite(t, events.Schema, account.Schema), Open)
	s.rules = "Be kind."
	in := request("anna", "")
	if _, err := s.Join(t.Context(), in, account.Visit{}); !cmp.Equal(fields(err), []string{"agreed"}) {
		t.Errorf("without agreeing: %v", err)
	}
	in.Agreed = true
	if _, err := s.Join(t.Context(), in, account.Visit{}); err != nil {
		t.Error(err)
	}
}

func TestAFormThatIsRefusedUsesNoInvitation(t *testing.T) {
	s := newTown(dbtest.SQLite(t, events.Schema, account.Schema), ByInvite)
	code, _, err := s.Invite(t.Context(), InviteSpec{})
	if err != nil {
		t.Fatal(err)
	}
	in := request("anna", code)
	in.Password = "password"
	if _, err := s.Join(t.Context(), in, account.Visit{}); !cmp.Equal(fields(err), []string{"password"}) {
		t.Fatal(err)
	}
	if _, err := s.Join(t.Context(), request("anna", code), account.Visit{}); err != nil {
		t.Errorf("the invitation was used up by a form that was refused: %v", err)
	}
}
