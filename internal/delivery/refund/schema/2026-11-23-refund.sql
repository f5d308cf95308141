-- What was given back of an order's price while the order stands. state: pending (the card's provider has not answered), done, failed (the
-- provider refuses: nothing was given back). lines and taxes are JSON.
CREATE TABLE refund (
    id         BIGINT PRIMARY KEY,
    order_id   BIGINT NOT NULL,
    restaurant BIGINT NOT NULL,
    amount     BIGINT NOT NULL CHECK (amount > 0),
    currency   TEXT NOT NULL,
    way        TEXT NOT NULL,
    state      TEXT NOT NULL,
    reason     TEXT NOT NULL,
    liable     TEXT NOT NULL,
    note       TEXT NOT NULL,
    why        TEXT NOT NULL DEFAULT '',
    lines      TEXT NOT NULL,
    taxes      TEXT NOT NULL,
    granted_by BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX refund_order ON refund (order_id, id);
CREATE INDEX refund_note ON refund (granted_by) WHERE note <> '';

-- What an order's customer has paid and what of it was given back or is about to be: what refunds are taken from, by conditional update.
CREATE TABLE refund_total (
    order_id BIGINT PRIMARY KEY,
    paid     BIGINT NOT NULL,
    given    BIGINT NOT NULL CHECK (given >= 0)
);
