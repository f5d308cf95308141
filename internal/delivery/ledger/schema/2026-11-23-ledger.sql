-- The accounts. balance is kept for wallets alone, where it is what a conditional update looks at, so that nobody spends what they don't
-- have; of every other account it stays 0 and the sum of the entries is what counts. sub is '' and owner and rate 0 where they mean nothing.
CREATE TABLE ledger_account (
    id       BIGINT PRIMARY KEY,
    kind     TEXT NOT NULL,
    owner    BIGINT NOT NULL,
    sub      TEXT NOT NULL,
    rate     BIGINT NOT NULL,
    currency TEXT NOT NULL,
    balance  BIGINT NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX ledger_account_book ON ledger_account (kind, owner, sub, rate, currency);
CREATE INDEX ledger_account_owner ON ledger_account (owner);

-- What moved money, once for each ref. lines is how many entries it has, so that one that is missing is missed.
CREATE TABLE ledger_posting (
    id       BIGINT PRIMARY KEY,
    ref      TEXT NOT NULL,
    what     TEXT NOT NULL,
    order_id BIGINT NOT NULL,
    actor    BIGINT NOT NULL,
    at       BIGINT NOT NULL,
    note     TEXT NOT NULL,
    lines    BIGINT NOT NULL
);
CREATE UNIQUE INDEX ledger_posting_ref ON ledger_posting (ref);
CREATE INDEX ledger_posting_order ON ledger_posting (order_id, id) WHERE order_id <> 0;

-- The entries; those of a posting sum to zero in each currency. at repeats the posting's, so that an account's entries can be read by time.
-- Only sqlite: without a row number of its own there are two trees to write and not three.
CREATE TABLE ledger_entry (
    posting BIGINT NOT NULL,
    line    BIGINT NOT NULL,
    account BIGINT NOT NULL,
    at      BIGINT NOT NULL,
    amount  BIGINT NOT NULL,
    what    TEXT NOT NULL,
    PRIMARY KEY (posting, line)
-- only sqlite
) STRICT, WITHOUT ROWID;
-- end
-- only postgres
);
-- end
CREATE INDEX ledger_entry_account ON ledger_entry (account, at, posting, amount);
