package guard

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/stoa-town/stoa/internal/base/clock"
	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/i18n"
	"github.com/stoa-town/stoa/internal/base/id"
	"github.com/stoa-town/stoa/internal/contract/social"
	"github.com/stoa-town/stoa/internal/platform/access"
	"github.com/stoa-town/stoa/internal/platform/audit"
	"github.com/stoa-town/stoa/internal/platform/db"
	"github.com/stoa-town/stoa/internal/platform/events"
	"github.com/stoa-town/stoa/internal/platform/personal"
)

// Deps are what a Service needs.
type Deps struct {
	DB    *db.DB
	Log   *events.Log
	IDs   interface{ Next() id.ID }
	Now   clock.Func
	Audit func(ctx context.Context, tx *db.Tx, verb, thing string, detail map[string]any) error
	// Email returns the e-mail address of an account, or a NotFound error.
	Email func(ctx context.Context, account id.ID) (string, error)
	// Refuse answers a request from an address that has no access.
	Refuse func(w http.ResponseWriter, r *http.Request, err error)
}

// Service keeps blocks, and holds requests against them. Safe for concurrent use.
type Service struct {
	Deps
	now  atomic.Pointer[table]
	wake chan struct{}
}

// New returns a Service. React and Load must be called before it serves, and Run keeps it true.
func New(d Deps) *Service {
	s := &Service{Deps: d, wake: make(chan struct{}, 1)}
	s.now.Store(tableOf(nil))
	return s
}

// React has this node hear of blocks that change on any node.
func (s *Service) React() {
	s.Log.Watch(func(list []events.Event) {
		for i := range list {
			if list[i].Kind == social.KindBlocksChanged {
				select {
				case s.wake <- struct{}{}:
				default:
				}
			}
		}
	})
}

// Load reads all blocks.
func (s *Service) Load(ctx context.Context) error {
	return s.DB.Read(ctx, func(tx *db.Tx) error {
		list, err := all(ctx, tx)
		if err == nil {
			s.now.Store(tableOf(list))
		}
		return err
	})
}

// again is how long a node waits before it tries anew to read blocks.
const again = time.Second

// Run reads blocks anew whenever they change, until ctx ends.
func (s *Service) Run(ctx context.Context) error {
	for {
		if err := s.Load(ctx); err != nil && ctx.Err() == nil {
			slog.ErrorContext(ctx, "guard: cannot read what is kept out", "err", err)
			select {
			case <-ctx.Done():
			case <-time.After(again):
				continue
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-s.wake:
		}
	}
}

var errRefused = errs.New(errs.Forbidden, "There is no access to this town from where you are.")

// Wrap keeps requests out that come from where there is no access. Those of this machine, and of moderators and admins who are signed in, are
// let in always: nobody can lock the town's keepers out by a slip.
func (s *Service) Wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		t := s.now.Load()
		if len(t.ips) == 0 {
			next.ServeHTTP(w, r)
			return
		}
		a, err := address(r.RemoteAddr)
		if err != nil || a.IsLoopback() || t.ip(a, s.Now()) != NoAccess {
			next.ServeHTTP(w, r)
			return
		}
		if who := access.From(r.Context()); who.Has(access.RoleAdmin) || who.Has(access.RoleModerator) {
			next.ServeHTTP(w, r)
			return
		}
		s.Refuse(w, r, errRefused)
	})
}

func address(remote string) (netip.Addr, error) {
	host, _, err := net.SplitHostPort(remote)
	if err != nil {
		host = remote
	}
	a, err := netip.ParseAddr(host)
	return a.Unmap(), err
}

// errSignUp is the same for everything that keeps somebody from signing up: it says neither what, nor whether anybody has the address.
var errSignUp = errs.InvalidField("email", "Nobody can sign up with this address, or from where you are. Ask the people who run this town.")

// SignUp says whether somebody may sign up with an e-mail address from an IP address, and whether an admin has to say yes first whatever the
// town's settings are. It returns an Invalid error about the field "email" for who may not.
func (s *Service) SignUp(ctx context.Context, email, ip string) (wait bool, err error) {
	t := s.now.Load()
	if a, bad := netip.ParseAddr(ip); bad == nil && !a.IsLoopback() {
		switch t.ip(a, s.Now()) {
		case NoAccess, NoSignUp:
			return false, errSignUp
		case NeedsApproval:
			wait = true
		}
	}
	if b := t.mail(email); b != nil {
		if !b.Has(WithApproval) {
			return false, s.kept(ctx, b)
		}
		wait = true
	}
	if hash, bad := Hash(email); bad == nil && t.address[hash] != nil {
		return false, s.kept(ctx, t.address[hash])
	}
	return wait, nil
}

// kept counts that a block kept somebody out, and returns what they are told.
func (s *Service) kept(ctx context.Context, b *Block) error {
	if err := s.DB.Write(ctx, func(tx *db.Tx) error { return hit(ctx, tx, b.ID, s.Now().Unix()/86400) }); err != nil {
		return err
	}
	return errSignUp
}

// verbs are what changing a kind of blocks needs.
var verbs = map[Kind]string{
	IP: "moderation.write_ips", Mail: "moderation.write_mails", Address: "moderation.write_addresses", Domain: "moderation.write_domains", Allow: "moderation.write_allows",
}

// Add stores a block and returns it as it is stored. It returns an Invalid error for what is none, and one about the field "value" with the code
// "taken" where there is one already, whose id By finds.
func (s *Service) Add(ctx context.Context, b Block) (*Block, error) {
	if err := b.check(); err != nil {
		return nil, err
	}
	b.ID, b.CreatedAt = s.IDs.Next(), s.Now().UTC().Truncate(time.Microsecond)
	err := s.change(ctx, b.Kind, "add", &b, func(tx *db.Tx) error {
		err := insert(ctx, tx, &b)
		if db.IsUnique(err) {
			return errs.InvalidField("value", "There is a block of this already.").WithCode("taken").WithCause(err)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return &b, nil
}

// Save changes a block. Errors are those of Add, and NotFound.
func (s *Service) Save(ctx context.Context, b Block) (*Block, error) {
	if err := b.check(); err != nil {
		return nil, err
	}
	err := s.change(ctx, b.Kind, "change", &b, func(tx *db.Tx) error {
		ok, err := update(ctx, tx, &b)
		if db.IsUnique(err) {
			return errs.InvalidField("value", "There is a block of this already.").WithCode("taken").WithCause(err)
		}
		if err == nil && !ok {
			err = errGone
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return s.Get(ctx, b.Kind, b.ID)
}

// Remove deletes a block and returns it as it was, or a NotFound error.
func (s *Service) Remove(ctx context.Context, kind Kind, block id.ID) (*Block, error) {
	b, err := s.Get(ctx, kind, block)
	if err != nil {
		return nil, err
	}
	err = s.change(ctx, kind, "remove", b, func(tx *db.Tx) error { return remove(ctx, tx, kind, block) })
	return b, err
}

// change runs fn in a transaction, notes it, and has all nodes hear of it; this one at once.
func (s *Service) change(ctx context.Context, kind Kind, what string, b *Block, fn func(tx *db.Tx) error) error {
	actor := access.From(ctx)
	if err := access.Could(actor, verbs[kind]); err != nil {
		return err
	}
	err := s.DB.Write(ctx, func(tx *db.Tx) error {
		if err := fn(tx); err != nil {
			return err
		}
		if err := s.Audit(ctx, tx, "block."+what, audit.Thing("block", b.ID), map[string]any{"kind": string(kind), "value": b.Value, "severity": b.Severity}); err != nil {
			return err
		}
		return s.Log.Append(ctx, tx, s.Now(), actor.ID, social.BlocksChanged{})
	})
	if err != nil {
		return err
	}
	return s.Load(ctx)
}

// Get returns one block of a kind, or a NotFound error.
func (s *Service) Get(ctx context.Context, kind Kind, block id.ID) (b *Block, err error) {
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		b, err = get(ctx, tx, kind, block)
		return err
	})
	return b, err
}

// Find returns the block of the same kind and value as one that Add refused, or a NotFound error.
func (s *Service) Find(ctx context.Context, b Block) (*Block, error) {
	if err := b.check(); err != nil {
		return nil, err
	}
	return s.By(ctx, b.Kind, b.Value)
}

// By returns the block of a value, as it is stored, or a NotFound error.
func (s *Service) By(ctx context.Context, kind Kind, value string) (b *Block, err error) {
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		b, err = byValue(ctx, tx, kind, value)
		return err
	})
	return b, err
}

// List returns blocks of a kind between two ids (exclusive, 0: no bound), the newest first; with up those that come directly above the lower.
func (s *Service) List(ctx context.Context, kind Kind, below, above id.ID, up bool, limit int) (out []*Block, err error) {
	if below == 0 {
		below = 1<<63 - 1
	}
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		out, err = list(ctx, tx, kind, below, above, up, limit)
		return err
	})
	return out, err
}

// Tries returns how often a block kept somebody from signing up in the last seven days, today first.
func (s *Service) Tries(ctx context.Context, block id.ID) (out [7]int64, today int64, err error) {
	today = s.Now().Unix() / 86400
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		found, err := hits(ctx, tx, block, today-6)
		for i := range out {
			out[i] = found[today-int64(i)]
		}
		return err
	})
	return out, today, err
}

// HashOf returns what the e-mail address of an account is known by, or a NotFound error.
func (s *Service) HashOf(ctx context.Context, account id.ID) (string, error) {
	email, err := s.Email(ctx, account)
	if err != nil {
		return "", err
	}
	return Hash(email)
}

// Public is a server that is kept out, as everybody may read it.
type Public struct{ Domain, Digest, Severity, Comment string }

// Servers returns which servers are kept out, for everybody to read.
func (s *Service) Servers(ctx context.Context) ([]Public, error) {
	blocks, err := s.List(ctx, Domain, 0, 0, false, 5000)
	out := []Public{}
	for _, b := range blocks {
		if b.Severity == "noop" {
			continue
		}
		p := Public{b.Value, digest(b.Value), b.Severity, b.Public}
		if b.Has(Obfuscate) {
			p.Domain = Obscure(b.Value)
		}
		out = append(out, p)
	}
	return out, err
}

// keepRunOut is how long a block that has run out is kept, and how long it is known whom one kept out.
const keepRunOut = 30 * 24 * time.Hour

// Personal says what blocks hold of people.
func (s *Service) Personal() personal.Part {
	return personal.Part{
		Name: "blocks",
		Tables: []personal.Table{
			{Name: "moderation_block", Link: "account", Plain: "id kind value severity comment public options created_at expires_at"},
			{Name: "moderation_block_hit", Plain: "block day tries"},
		},
		About: func(ctx context.Context) personal.About {
			return personal.About{
				Title: i18n.T(ctx, "What is kept out"),
				What:  i18n.T(ctx, "Addresses of the net and of e-mail that moderators keep out; an e-mail address as a figure from which it can't be read."),
				Why:   i18n.T(ctx, "So that people whom moderators have sent away don't come back under another name."),
				Kept:  i18n.T(ctx, "Until a moderator takes it back, or it runs out."),
			}
		},
		Erase: func(ctx context.Context, tx *db.Tx, account id.ID) (personal.Erased, error) {
			return personal.Erased{}, forget(ctx, tx, account)
		},
		Rules: []personal.Rule{{Name: "blocks", Keep: func() time.Duration { return keepRunOut }, Sweep: func(ctx context.Context, before time.Time) error {
			return s.DB.Write(ctx, func(tx *db.Tx) error { return sweep(ctx, tx, before) })
		}}},
	}
}
