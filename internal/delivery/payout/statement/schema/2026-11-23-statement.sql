-- Statements as issued: what a restaurant or courier earned in a period and what they are owed after it; nothing changes data.
CREATE TABLE payout_statement (
  id BIGINT PRIMARY KEY,
  kind TEXT NOT NULL,
  owner BIGINT NOT NULL,
  currency TEXT NOT NULL,
  number TEXT NOT NULL,
  from_at BIGINT NOT NULL,
  to_at BIGINT NOT NULL,
  closing BIGINT NOT NULL,
  name TEXT NOT NULL,
  data TEXT NOT NULL
);
CREATE UNIQUE INDEX payout_statement_period ON payout_statement (kind, owner, currency, to_at);
CREATE INDEX payout_statement_owner ON payout_statement (kind, owner, id);
