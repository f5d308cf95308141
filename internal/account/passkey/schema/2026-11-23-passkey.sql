-- credential is the key's own id, public_key its public half in COSE form, signs its counter. transports is words with spaces.
-- cloned_at is when the counter went backwards, 0 for never; used_at likewise.
CREATE TABLE account_passkey (
  id BIGINT PRIMARY KEY,
  account BIGINT NOT NULL REFERENCES account (id) ON DELETE CASCADE,
  credential BYTEA NOT NULL UNIQUE,
  public_key BYTEA NOT NULL,
  aaguid BYTEA NOT NULL,
  transports TEXT NOT NULL,
  signs BIGINT NOT NULL,
  eligible BOOLEAN NOT NULL,
  synced BOOLEAN NOT NULL,
  name TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  used_at BIGINT NOT NULL,
  cloned_at BIGINT NOT NULL
);

CREATE INDEX account_passkey_account ON account_passkey (account, created_at);
