-- What is asked of Stripe is written down before it is asked, so that whoever asks again under the same key asks for the same. ref is the
-- PaymentIntent, '' until it is known; destination the restaurant's own account, fee what of the amount stays with the town; page where the
-- customer's bank sends them back to.
CREATE TABLE stripe_charge (
    auth_key    TEXT PRIMARY KEY,
    order_id    BIGINT NOT NULL,
    customer    TEXT NOT NULL,
    destination TEXT NOT NULL,
    fee         BIGINT NOT NULL,
    amount      BIGINT NOT NULL,
    currency    TEXT NOT NULL,
    live        BIGINT NOT NULL,
    page        TEXT NOT NULL,
    ref         TEXT NOT NULL DEFAULT '',
    created_at  BIGINT NOT NULL
);

CREATE INDEX stripe_charge_ref ON stripe_charge (ref);

CREATE INDEX stripe_charge_order ON stripe_charge (order_id);

-- By which name Stripe knows a customer: with test keys (live 0) another than with those that move money.
CREATE TABLE stripe_customer (
    account    BIGINT NOT NULL,
    live       BIGINT NOT NULL,
    customer   TEXT NOT NULL UNIQUE,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (account, live)
);

-- A restaurant's own account at Stripe: ready to be paid or not, and what Stripe wants to know still, one a line.
CREATE TABLE stripe_account (
    restaurant BIGINT NOT NULL,
    live       BIGINT NOT NULL,
    account    TEXT NOT NULL UNIQUE,
    ready      BIGINT NOT NULL DEFAULT 0,
    due        TEXT NOT NULL DEFAULT '',
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (restaurant, live)
);

-- Events that have come, so that none counts twice.
CREATE TABLE stripe_event (
    id   TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    at   BIGINT NOT NULL
);

CREATE INDEX stripe_event_at ON stripe_event (at);

-- Charges that a customer's bank takes back, or asks about.
CREATE TABLE stripe_dispute (
    id         TEXT PRIMARY KEY,
    order_id   BIGINT NOT NULL,
    ref        TEXT NOT NULL,
    amount     BIGINT NOT NULL,
    currency   TEXT NOT NULL,
    reason     TEXT NOT NULL,
    status     TEXT NOT NULL,
    booked     BIGINT NOT NULL DEFAULT 0,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);

CREATE INDEX stripe_dispute_created ON stripe_dispute (created_at);
