-- For whom and with whom a card is charged: what a provider is told, and which one it is. client and url are what a customer's bank wants of
-- them (3-D Secure), while state is action_required. refunding is the sum of what is on its way back (payment_refund).
ALTER TABLE payment ADD COLUMN provider TEXT NOT NULL DEFAULT 'sandbox';
ALTER TABLE payment ADD COLUMN customer BIGINT NOT NULL DEFAULT 0;
ALTER TABLE payment ADD COLUMN restaurant BIGINT NOT NULL DEFAULT 0;
ALTER TABLE payment ADD COLUMN keep_card BIGINT NOT NULL DEFAULT 0;
ALTER TABLE payment ADD COLUMN client TEXT NOT NULL DEFAULT '';
ALTER TABLE payment ADD COLUMN url TEXT NOT NULL DEFAULT '';
ALTER TABLE payment ADD COLUMN refunding BIGINT NOT NULL DEFAULT 0 CHECK (refunding >= 0 AND refunded + refunding <= amount);
ALTER TABLE payment ADD COLUMN fee BIGINT NOT NULL DEFAULT 0;
ALTER TABLE payment ADD COLUMN sent BIGINT NOT NULL DEFAULT 0;

-- By what a provider calls a charge, for its hints; and what is unclear, for the reconciler.
CREATE INDEX payment_ref ON payment (ref) WHERE ref <> '';
CREATE INDEX payment_unclear ON payment (updated_at) WHERE (asking <> '' OR state IN ('new', 'action_required') OR refunding > 0
    OR aim = 'release' AND state IN ('authorised', 'captured', 'refunded_partially', 'capture_failed') OR aim = 'capture' AND state = 'authorised');
CREATE INDEX payment_refused ON payment (updated_at) WHERE state IN ('refund_failed', 'capture_failed');

-- What goes back of a captured card: one row a question to the provider. part is 1 for a refund that somebody granted (id is its id) and 0
-- for what is left of an order that was cancelled.
CREATE TABLE payment_refund (
    id         BIGINT PRIMARY KEY,
    order_id   BIGINT NOT NULL,
    part       BIGINT NOT NULL,
    amount     BIGINT NOT NULL CHECK (amount > 0),
    state      TEXT NOT NULL,
    pulled     BIGINT NOT NULL DEFAULT 0,
    why        TEXT NOT NULL DEFAULT '',
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX payment_refund_order ON payment_refund (order_id);
CREATE INDEX payment_refund_pending ON payment_refund (created_at) WHERE state = 'pending';

-- What a provider says that disagrees with what is known here, and what it refuses: for people to look at.
CREATE TABLE payment_incident (
    id         BIGINT PRIMARY KEY,
    order_id   BIGINT NOT NULL,
    provider   TEXT NOT NULL,
    ref        TEXT NOT NULL,
    kind       TEXT NOT NULL,
    detail     TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    closed_at  BIGINT NOT NULL DEFAULT 0,
    closed_by  BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX payment_incident_open ON payment_incident (id) WHERE closed_at = 0;

-- The sandbox: which order a charge is of, for the page that stands for a bank.
ALTER TABLE sandbox_charge ADD COLUMN order_id BIGINT NOT NULL DEFAULT 0;
ALTER TABLE sandbox_charge ADD COLUMN token TEXT NOT NULL DEFAULT '';
