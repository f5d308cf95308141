-- Where payees' money goes: holder, IBAN and BIC as one sealed document. kind is restaurant, courier or town (owner 0). tail is the end of
-- the IBAN, to be recognised by.
CREATE TABLE payout_bank (
  kind TEXT NOT NULL,
  owner BIGINT NOT NULL,
  sealed BYTEA NOT NULL,
  tail TEXT NOT NULL,
  changed_at BIGINT NOT NULL,
  changed_by BIGINT NOT NULL,
  PRIMARY KEY (kind, owner)
);

-- A payout run. There is one draft at most.
CREATE TABLE payout_run (
  id BIGINT PRIMARY KEY,
  state TEXT NOT NULL,
  minimum BIGINT NOT NULL,
  note TEXT NOT NULL,
  made_at BIGINT NOT NULL,
  made_by BIGINT NOT NULL,
  approved_at BIGINT NOT NULL,
  approved_by BIGINT NOT NULL
);
CREATE UNIQUE INDEX payout_run_draft ON payout_run (state) WHERE state = 'draft';

-- Who gets how much of a run. entries is what is posted for it, less what leaves for the bank; sealed is the account that it went to.
CREATE TABLE payout_item (
  run BIGINT NOT NULL,
  kind TEXT NOT NULL,
  owner BIGINT NOT NULL,
  currency TEXT NOT NULL,
  name TEXT NOT NULL,
  amount BIGINT NOT NULL,
  cash BIGINT NOT NULL,
  entries TEXT NOT NULL,
  state TEXT NOT NULL,
  note TEXT NOT NULL,
  sealed BYTEA NOT NULL,
  changed_at BIGINT NOT NULL,
  PRIMARY KEY (run, kind, owner, currency)
);
CREATE INDEX payout_item_owner ON payout_item (owner);
