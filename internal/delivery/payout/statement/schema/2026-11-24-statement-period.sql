-- The periods for which statements were issued, each beginning where the one before ended: done is 1 where everybody has theirs.
CREATE TABLE payout_statement_run (
  to_at BIGINT PRIMARY KEY,
  from_at BIGINT NOT NULL UNIQUE,
  done BIGINT NOT NULL
);
INSERT INTO payout_statement_run (to_at, from_at, done) SELECT DISTINCT to_at, from_at, 1 FROM payout_statement;
