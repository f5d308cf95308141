-- A batch of gift codes, made by an admin. expires_at 0: never.
CREATE TABLE gift_batch (
  id BIGINT PRIMARY KEY,
  amount BIGINT NOT NULL CHECK (amount > 0),
  currency TEXT NOT NULL,
  count BIGINT NOT NULL CHECK (count > 0),
  note TEXT NOT NULL,
  expires_at BIGINT NOT NULL,
  created_by BIGINT NOT NULL,
  created_at BIGINT NOT NULL
);

-- A gift code, by its digest: the code itself is shown once, to the admin who makes it. state is 'new', 'redeemed' (by account at a time)
-- or 'expired'.
CREATE TABLE gift_code (
  digest TEXT PRIMARY KEY,
  batch BIGINT NOT NULL REFERENCES gift_batch (id),
  state TEXT NOT NULL,
  account BIGINT NOT NULL,
  at BIGINT NOT NULL
);
CREATE INDEX gift_code_batch ON gift_code (batch, state);
CREATE INDEX gift_code_account ON gift_code (account);
