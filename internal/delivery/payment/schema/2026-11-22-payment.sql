-- What an order costs its customer and where that money is: one row an order, made for a card when the order is placed and for money paid
-- at the door when it is collected. aim is where the payment is to end up; asking is what the provider
-- is being asked, '' for nothing but an authorisation while state is new; attempt counts authorisations, each with keys of its own.
CREATE TABLE payment (
    order_id   BIGINT PRIMARY KEY,
    method     TEXT NOT NULL,
    state      TEXT NOT NULL,
    aim        TEXT NOT NULL,
    amount     BIGINT NOT NULL CHECK (amount >= 0),
    refunded   BIGINT NOT NULL DEFAULT 0 CHECK (refunded >= 0 AND refunded <= amount),
    currency   TEXT NOT NULL,
    token      TEXT NOT NULL DEFAULT '',
    ref        TEXT NOT NULL DEFAULT '',
    asking     TEXT NOT NULL DEFAULT '',
    attempt    BIGINT NOT NULL DEFAULT 1,
    decline    TEXT NOT NULL DEFAULT '',
    taken_by   BIGINT NOT NULL DEFAULT 0,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);

-- The sandbox acquirer's own books: one row a charge, found by the key of the authorisation.
CREATE TABLE sandbox_charge (
    auth_key TEXT PRIMARY KEY,
    ref      TEXT NOT NULL UNIQUE,
    amount   BIGINT NOT NULL,
    currency TEXT NOT NULL,
    state    TEXT NOT NULL,
    decline  TEXT NOT NULL,
    asked    BIGINT NOT NULL,
    captured BIGINT NOT NULL DEFAULT 0,
    refunded BIGINT NOT NULL DEFAULT 0
);

-- What the sandbox has done under which key, so that it does nothing twice.
CREATE TABLE sandbox_call (
    key    TEXT PRIMARY KEY,
    ref    TEXT NOT NULL,
    verb   TEXT NOT NULL,
    amount BIGINT NOT NULL
);
