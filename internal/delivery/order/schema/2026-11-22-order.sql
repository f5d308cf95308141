-- An order. What was bought is one JSON document (snapshot) and not rows of lines: it never changes, is always read whole, and one row
-- makes one order in the hot path; figures about dishes are rolled up from the event log. rev grows with every change, and every change is
-- conditional on it. announced is false while a card has not been authorised: the kitchen does not see the order then. open repeats the
-- state for the index of what somebody has to work on. Zero and '' stand for none.
CREATE TABLE orders (
    id            BIGINT PRIMARY KEY,
    rev           BIGINT NOT NULL DEFAULT 1,
    code          TEXT NOT NULL,
    secret        TEXT NOT NULL,
    account       BIGINT NOT NULL,
    restaurant    BIGINT NOT NULL,
    courier       BIGINT NOT NULL DEFAULT 0,
    mode          TEXT NOT NULL,
    state         TEXT NOT NULL,
    before        TEXT NOT NULL DEFAULT '',
    announced     BOOLEAN NOT NULL,
    open          BOOLEAN NOT NULL,
    warned        BOOLEAN NOT NULL DEFAULT FALSE,
    flagged       BOOLEAN NOT NULL DEFAULT FALSE,
    method        TEXT NOT NULL,
    total         BIGINT NOT NULL CHECK (total >= 0),
    currency      TEXT NOT NULL,
    pickup_code   TEXT NOT NULL,
    handover_code TEXT NOT NULL,
    capacity      TEXT NOT NULL,
    idem_key      TEXT NOT NULL,
    reason        TEXT NOT NULL DEFAULT '',
    liable        TEXT NOT NULL DEFAULT '',
    note          TEXT NOT NULL DEFAULT '',
    proof         TEXT NOT NULL DEFAULT '',
    placed_at     BIGINT NOT NULL,
    confirm_by    BIGINT NOT NULL,
    ready_at      BIGINT NOT NULL,
    promise_from  BIGINT NOT NULL,
    promise_to    BIGINT NOT NULL,
    moved_at      BIGINT NOT NULL,
    heading_at    BIGINT NOT NULL DEFAULT 0,
    arrived_at    BIGINT NOT NULL DEFAULT 0,
    eta           BIGINT NOT NULL DEFAULT 0,
    snapshot      TEXT NOT NULL
);
CREATE UNIQUE INDEX orders_code ON orders (code);
CREATE INDEX orders_account ON orders (account, id);
CREATE INDEX orders_restaurant ON orders (restaurant, id);
CREATE INDEX orders_open ON orders (restaurant, id) WHERE open;

-- What happened to an order after it was placed; at is when it truly happened, which is earlier than its id where a courier was offline.
CREATE TABLE order_history (
    order_id BIGINT NOT NULL,
    id       BIGINT NOT NULL,
    at       BIGINT NOT NULL,
    actor    BIGINT NOT NULL,
    what     TEXT NOT NULL,
    state    TEXT NOT NULL,
    reason   TEXT NOT NULL,
    note     TEXT NOT NULL,
    PRIMARY KEY (order_id, id)
);
