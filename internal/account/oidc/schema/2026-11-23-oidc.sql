-- Who an account is elsewhere. issuer and subject together are the identity; email and name are only what to recognise it by.
-- used_at is 0 for never.
CREATE TABLE account_identity (
  id BIGINT PRIMARY KEY,
  account BIGINT NOT NULL REFERENCES account (id) ON DELETE CASCADE,
  issuer TEXT NOT NULL,
  subject TEXT NOT NULL,
  email TEXT NOT NULL,
  name TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  used_at BIGINT NOT NULL,
  UNIQUE (issuer, subject)
);

CREATE INDEX account_identity_account ON account_identity (account, created_at);
