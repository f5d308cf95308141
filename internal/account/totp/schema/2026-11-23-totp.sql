-- sealed is the secret under the master key. last_step is the step of the newest code that was taken. confirmed_at is 0 until a first code
-- was right: the second step counts from then on.
CREATE TABLE account_totp (
  account BIGINT PRIMARY KEY REFERENCES account (id) ON DELETE CASCADE,
  sealed BYTEA NOT NULL,
  last_step BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  confirmed_at BIGINT NOT NULL
);

-- mac is the keyed digest of a recovery code; used_at is 0 while it is good.
CREATE TABLE account_recovery (
  account BIGINT NOT NULL REFERENCES account (id) ON DELETE CASCADE,
  n BIGINT NOT NULL,
  mac TEXT NOT NULL,
  used_at BIGINT NOT NULL,
  PRIMARY KEY (account, n)
);
