package privacy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/jobs"
)

// React registers the jobs, has everything be forgotten in time, and lets people hear how their copy comes along.
func (s *Service) React() {
	ofAccount := func(fn func(context.Context, id.ID) error) func(context.Context, jobs.Job) error {
		return func(ctx context.Context, j jobs.Job) error {
			var a accountArgs
			if err := json.Unmarshal(j.Args, &a); err != nil {
				return jobs.Discard(err)
			}
			return fn(ctx, a.Account)
		}
	}
	s.Jobs.Handle(eraseKind, ofAccount(s.erase))
	s.Jobs.Handle(afterKind, ofAccount(s.after))
	s.Jobs.Handle(copyKind, s.makeCopy)
	s.Jobs.Handle(unlinkKind, s.unlink)
	s.Jobs.Handle(sweepKind, func(ctx context.Context, _ jobs.Job) error { return s.Sweep(ctx) })
	s.Jobs.Schedule(sweepKind, "9 * * * *", "UTC", sweepKind, struct{}{})
	s.Hub.Allow(copyTopic, mayListen)
}

// copyTopic is the prefix of the topics on which people hear of their copies.
const copyTopic = "copy"

func topicOf(account id.ID) string { return copyTopic + ":" + account.String() }

func mayListen(ctx context.Context, topic string) error {
	actor, err := access.Require(ctx)
	if err != nil {
		return err
	}
	if topic != topicOf(actor.ID) {
		return errs.New(errs.NotFound, "There is nothing to listen to.")
	}
	return access.Can(actor, "account.secure", access.Thing{Kind: "account", ID: actor.ID})
}

// Sweep forgets everything whose time is over. One rule that fails holds no other up.
func (s *Service) Sweep(ctx context.Context) error {
	var problems []error
	now := s.Now()
	for _, p := range s.parts {
		for _, r := range p.Rules {
			keep := r.Keep()
			if keep <= 0 {
				continue
			}
			if err := r.Sweep(ctx, now.Add(-keep)); err != nil {
				problems = append(problems, fmt.Errorf("privacy: rule %s: %w", r.Name, err))
			}
		}
	}
	return errors.Join(problems...)
}

// Unlink has pictures deleted once tx is on disk. It fits the interface by which slices ask for that.
func (s *Service) Unlink(ctx context.Context, tx *db.Tx, pictures []string) error {
	if len(pictures) == 0 {
		return nil
	}
	_, err := s.Jobs.Enqueue(ctx, tx, unlinkKind, unlinkArgs{pictures}, jobs.Opts{})
	return err
}

// unlink deletes pictures, but not those that a menu or a restaurant shows to everybody.
func (s *Service) unlink(ctx context.Context, j jobs.Job) error {
	var a unlinkArgs
	if err := json.Unmarshal(j.Args, &a); err != nil {
		return jobs.Discard(err)
	}
	for _, path := range a.Pictures {
		shown, err := s.shown(ctx, path)
		if err != nil {
			return err
		}
		if shown || !strings.HasPrefix(path, "/") {
			continue
		}
		if err := s.Pictures.Remove(path); err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) shown(ctx context.Context, path string) (shown bool, err error) {
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		for _, p := range s.parts {
			if p.Shows == nil || shown {
				continue
			}
			if shown, err = p.Shows(ctx, tx, path); err != nil {
				return err
			}
		}
		return nil
	})
	return shown, err
}
