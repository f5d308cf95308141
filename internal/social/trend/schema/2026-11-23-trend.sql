-- Who has used a hashtag or shared a link on a day, once a person: kind is tag or link, name the folded tag or the URL, day counts from 1970
-- in UTC.
CREATE TABLE trend_use (
  kind TEXT NOT NULL,
  name TEXT NOT NULL,
  day BIGINT NOT NULL,
  account BIGINT NOT NULL,
  uses BIGINT NOT NULL,
  last_at BIGINT NOT NULL,
  PRIMARY KEY (kind, name, day, account)
);

CREATE INDEX trend_use_day ON trend_use (day);
CREATE INDEX trend_use_account ON trend_use (account);

-- What others did with a public status.
CREATE TABLE trend_status (
  status BIGINT PRIMARY KEY,
  account BIGINT NOT NULL,
  at BIGINT NOT NULL,
  favourites BIGINT NOT NULL,
  boosts BIGINT NOT NULL,
  replies BIGINT NOT NULL
);

CREATE INDEX trend_status_at ON trend_status (at);
CREATE INDEX trend_status_account ON trend_status (account);

-- What moderators have said of a tag, a link or a status: whether it may trend.
CREATE TABLE trend_review (
  kind TEXT NOT NULL,
  name TEXT NOT NULL,
  allowed BIGINT NOT NULL,
  by_account BIGINT NOT NULL,
  at BIGINT NOT NULL,
  PRIMARY KEY (kind, name)
);
