-- What is said in statuses, for the engine's own full-text search. SQLite keeps the index alone, without the text; PostgreSQL lexemes with
-- their places. Words are folded before they come here, so that both engines see the same ones.
-- only sqlite
CREATE VIRTUAL TABLE search_text USING fts5 (body, content = '', contentless_delete = 1, tokenize = 'unicode61');
-- end
-- only postgres
CREATE TABLE search_text (
  rowid BIGINT PRIMARY KEY,
  body TSVECTOR NOT NULL
);
CREATE INDEX search_text_body ON search_text USING GIN (body);
-- end

-- What a search can ask of a status besides its words. about holds words such as media, poll, link, reply, sensitive.
CREATE TABLE search_status (
  status BIGINT PRIMARY KEY,
  account BIGINT NOT NULL,
  at BIGINT NOT NULL,
  lang TEXT NOT NULL,
  about TEXT NOT NULL
);

CREATE INDEX search_status_account ON search_status (account, status);

-- Statuses that somebody has marked or boosted: they find them again, whoever wrote them.
CREATE TABLE search_kept (
  account BIGINT NOT NULL,
  status BIGINT NOT NULL,
  mark TEXT NOT NULL,
  PRIMARY KEY (account, status, mark)
);

CREATE INDEX search_kept_status ON search_kept (status);

-- Hashtags ever used: name is folded, uses counts public statuses.
CREATE TABLE search_tag (
  name TEXT PRIMARY KEY,
  uses BIGINT NOT NULL,
  last_at BIGINT NOT NULL
);
