-- stage is where an account stands in its life: 'pending': waits for an admin's word, 'here', or 'leaving' since its deletion was asked for.
-- state = 'suspended' is stronger.
ALTER TABLE account ADD COLUMN stage TEXT NOT NULL DEFAULT 'here' CHECK (stage IN ('pending', 'here', 'leaving'));

-- app is the OAuth application that holds a token, else 0. ip is where the sign-in came from. auth_at is when the person last proved in
-- this session who they are; 0: never, as with tokens.
ALTER TABLE account_session ADD COLUMN app BIGINT NOT NULL DEFAULT 0;
ALTER TABLE account_session ADD COLUMN ip TEXT NOT NULL DEFAULT '';
ALTER TABLE account_session ADD COLUMN auth_at BIGINT NOT NULL DEFAULT 0;

-- A ticket is a secret that does one thing once: a link in a letter, or the time between the two steps of a sign-in. browser_sha256 is the
-- browser that it belongs to, empty for any. tries counts wrong codes.
CREATE TABLE account_ticket (
  token_sha256 BYTEA PRIMARY KEY,
  kind TEXT NOT NULL,
  account BIGINT NOT NULL,
  email TEXT NOT NULL,
  data TEXT NOT NULL,
  browser_sha256 BYTEA NOT NULL,
  tries BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL
);

CREATE INDEX account_ticket_account ON account_ticket (account, kind);
CREATE INDEX account_ticket_expires ON account_ticket (expires_at);

-- Wrong tries since a window began. key says of what: an account, a login, a device of an account, an address.
CREATE TABLE account_try (
  key TEXT PRIMARY KEY,
  began_at BIGINT NOT NULL,
  wrong BIGINT NOT NULL
);

CREATE INDEX account_try_began ON account_try (began_at);

-- The browsers in which an account has signed in, by the SHA-256 of what their cookie holds.
CREATE TABLE account_device (
  account BIGINT NOT NULL REFERENCES account (id) ON DELETE CASCADE,
  browser_sha256 BYTEA NOT NULL,
  first_at BIGINT NOT NULL,
  last_at BIGINT NOT NULL,
  PRIMARY KEY (account, browser_sha256)
);

-- What somebody who waits for an admin's word wrote to them.
CREATE TABLE account_waiting (
  account BIGINT PRIMARY KEY REFERENCES account (id) ON DELETE CASCADE,
  about TEXT NOT NULL,
  asked_at BIGINT NOT NULL
);

-- An invitation: uses_left sign-ups until expires_at. mark is how its code begins, to know it by.
CREATE TABLE account_invite (
  id BIGINT PRIMARY KEY,
  code_sha256 BYTEA NOT NULL UNIQUE,
  mark TEXT NOT NULL,
  note TEXT NOT NULL,
  uses_left BIGINT NOT NULL CHECK (uses_left >= 0),
  made_by BIGINT NOT NULL,
  made_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL
);
