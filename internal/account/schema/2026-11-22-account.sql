-- handle and email are stored in the form in which they are compared. An empty password_hash never signs in.
CREATE TABLE account (
  id BIGINT PRIMARY KEY,
  handle TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL,
  email TEXT NOT NULL UNIQUE,
  password_hash TEXT NOT NULL,
  lang TEXT NOT NULL,
  tz TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('active', 'suspended')),
  created_at BIGINT NOT NULL,
  changed_at BIGINT NOT NULL
);

-- place is a restaurant for owner and staff, else 0.
CREATE TABLE account_role (
  account BIGINT NOT NULL REFERENCES account (id) ON DELETE CASCADE,
  role TEXT NOT NULL,
  place BIGINT NOT NULL,
  granted_at BIGINT NOT NULL,
  PRIMARY KEY (account, role, place)
);

CREATE INDEX account_role_place ON account_role (place, role);

-- kind "session" is a sign-in, "token" one made for an app by an operator. scopes is words with spaces, NULL where everything is allowed.
-- expires_at is 0 where a token lasts until it is revoked.
CREATE TABLE account_session (
  token_sha256 BYTEA PRIMARY KEY,
  id BIGINT NOT NULL UNIQUE,
  account BIGINT NOT NULL REFERENCES account (id) ON DELETE CASCADE,
  kind TEXT NOT NULL CHECK (kind IN ('session', 'token')),
  device TEXT NOT NULL,
  scopes TEXT,
  created_at BIGINT NOT NULL,
  seen_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL
);

CREATE INDEX account_session_account ON account_session (account, created_at);
