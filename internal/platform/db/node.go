package db

import (
	"context"
	"time"

	"github.com/stoa-town/stoa/internal/base/errs"
	"github.com/stoa-town/stoa/internal/base/id"
)

// nodeTTL is how long a node's number stays its own without a sign of life.
const nodeTTL = time.Minute

// Node is this process's claim to a node number.
type Node struct {
	db     *DB
	holder string
	Number int // in [0, id.Nodes)
}

// ClaimNode takes the lowest free node number. The number must be kept by calling Keep more often than once a minute, and is given back
// by Release. It returns an Unavailable error where all numbers are taken.
func (d *DB) ClaimNode(ctx context.Context) (*Node, error) {
	n := &Node{db: d, holder: id.Code(16), Number: -1}
	err := d.Write(ctx, func(tx *Tx) error {
		now := time.Now()
		taken := map[int]bool{}
		if _, err := tx.Exec(ctx, `DELETE FROM node WHERE seen_at < $1`, now.Add(-nodeTTL).UnixMicro()); err != nil {
			return err
		}
		err := tx.Each(ctx, func(s Scanner) error {
			var k int
			err := s.Scan(&k)
			taken[k] = true
			return err
		}, `SELECT number FROM node`)
		if err != nil {
			return err
		}
		for k := range id.Nodes {
			if taken[k] {
				continue
			}
			// Two processes may see the same number free: the primary key lets one have it, and the other goes on to the next.
			got, err := tx.Exec(ctx, `INSERT INTO node (number, holder, seen_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`, k, n.holder, now.UnixMicro())
			if err != nil {
				return err
			}
			if got == 1 {
				n.Number = k
				return nil
			}
		}
		return errs.New(errs.Unavailable, "All %d node numbers are taken.", id.Nodes)
	})
	if err != nil {
		return nil, err
	}
	return n, nil
}

// Keep renews the claim. It returns a Conflict error where the number was lost to another process: this one must then stop making ids.
func (n *Node) Keep(ctx context.Context) error {
	return n.db.Write(ctx, func(tx *Tx) error {
		kept, err := tx.Exec(ctx, `UPDATE node SET seen_at = $1 WHERE number = $2 AND holder = $3`, time.Now().UnixMicro(), n.Number, n.holder)
		if err == nil && kept == 0 {
			return errs.New(errs.Conflict, "Node number %d was taken over by another process.", n.Number)
		}
		return err
	})
}

// Release gives the number back.
func (n *Node) Release(ctx context.Context) error {
	return n.db.Write(ctx, func(tx *Tx) error {
		_, err := tx.Exec(ctx, `DELETE FROM node WHERE number = $1 AND holder = $2`, n.Number, n.holder)
		return err
	})
}
