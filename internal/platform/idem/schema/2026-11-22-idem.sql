-- Answers already given to requests that cost money or food, so that one sent twice is done once.
-- state: running, done (reply is the answer), failed (reply is the error). Kept for 72 hours.
CREATE TABLE idempotency (
    account    BIGINT NOT NULL,
    route      TEXT NOT NULL,
    key        TEXT NOT NULL,
    body_hash  BYTEA NOT NULL,
    state      TEXT NOT NULL,
    reply      TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (account, route, key)
);
CREATE INDEX idempotency_age ON idempotency (created_at);
