-- What readers don't want to meet, or not without a warning. contexts is a list of words with commas between; expires_at is in µs, 0: never.
CREATE TABLE social_filter (
  id BIGINT PRIMARY KEY,
  owner BIGINT NOT NULL,
  title TEXT NOT NULL,
  contexts TEXT NOT NULL,
  action TEXT NOT NULL,
  expires_at BIGINT NOT NULL
);
CREATE INDEX social_filter_owner ON social_filter (owner, id);

CREATE TABLE social_filter_keyword (
  id BIGINT PRIMARY KEY,
  filter BIGINT NOT NULL,
  keyword TEXT NOT NULL,
  whole_word BOOLEAN NOT NULL
);
CREATE INDEX social_filter_keyword_filter ON social_filter_keyword (filter, id);

-- Single statuses that a filter is to catch.
CREATE TABLE social_filter_status (
  id BIGINT PRIMARY KEY,
  filter BIGINT NOT NULL,
  status BIGINT NOT NULL
);
CREATE UNIQUE INDEX social_filter_status_filter ON social_filter_status (filter, status);
