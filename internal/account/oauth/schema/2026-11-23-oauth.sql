-- secret_sha256 is empty for a public app, which can keep no secret. redirect_uris is one a line, scopes words with spaces. used_at is when
-- the app last got a token, 0 while nobody has let it in: such apps are swept out.
CREATE TABLE oauth_app (
  id BIGINT PRIMARY KEY,
  client_id TEXT NOT NULL UNIQUE,
  secret_sha256 BYTEA NOT NULL,
  name TEXT NOT NULL,
  website TEXT NOT NULL,
  redirect_uris TEXT NOT NULL,
  scopes TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  used_at BIGINT NOT NULL
);

CREATE INDEX oauth_app_unused ON oauth_app (used_at, created_at);

-- A code is exchanged for a token once: used_at is then set, in one conditional update, and session says for which token. It stays a while
-- after that, so that a second use is known for what it is.
CREATE TABLE oauth_code (
  code_sha256 BYTEA PRIMARY KEY,
  app BIGINT NOT NULL REFERENCES oauth_app (id) ON DELETE CASCADE,
  account BIGINT NOT NULL REFERENCES account (id) ON DELETE CASCADE,
  redirect_uri TEXT NOT NULL,
  scopes TEXT NOT NULL,
  challenge TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  used_at BIGINT NOT NULL,
  session BIGINT NOT NULL
);

CREATE INDEX oauth_code_expires ON oauth_code (expires_at);
CREATE INDEX oauth_code_account ON oauth_code (account, app);
CREATE INDEX oauth_code_app ON oauth_code (app);

-- Tokens by which an app is known as itself, without a person.
CREATE TABLE oauth_app_token (
  token_sha256 BYTEA PRIMARY KEY,
  app BIGINT NOT NULL REFERENCES oauth_app (id) ON DELETE CASCADE,
  scopes TEXT NOT NULL,
  created_at BIGINT NOT NULL
);

CREATE INDEX oauth_app_token_app ON oauth_app_token (app, created_at);
