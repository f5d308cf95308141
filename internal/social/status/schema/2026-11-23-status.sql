-- What was posted, boosts included. mentions are ids and tags folded hashtags, each with a space between; source is the text as typed,
-- content its HTML. A boost has no text. thread is the first status of the conversation, its own id where it is no answer, 0 for boosts.
CREATE TABLE status (
  id BIGINT PRIMARY KEY,
  account BIGINT NOT NULL,
  written_by BIGINT NOT NULL,
  visibility TEXT NOT NULL,
  at BIGINT NOT NULL,
  edited_at BIGINT NOT NULL,
  boost_of BIGINT NOT NULL,
  boost_from BIGINT NOT NULL,
  reply_to BIGINT NOT NULL,
  reply_from BIGINT NOT NULL,
  thread BIGINT NOT NULL,
  quote_of BIGINT NOT NULL,
  quote_from BIGINT NOT NULL,
  quote_state TEXT NOT NULL,
  quote_policy TEXT NOT NULL,
  reply_policy TEXT NOT NULL,
  group_id BIGINT NOT NULL,
  closed BOOLEAN NOT NULL,
  mentions TEXT NOT NULL,
  tags TEXT NOT NULL,
  media BIGINT NOT NULL,
  lang TEXT NOT NULL,
  sensitive BOOLEAN NOT NULL,
  spoiler TEXT NOT NULL,
  source TEXT NOT NULL,
  content TEXT NOT NULL,
  app_name TEXT NOT NULL,
  app_url TEXT NOT NULL,
  extra_kind TEXT NOT NULL,
  extra_id BIGINT NOT NULL,
  poll BIGINT NOT NULL,
  replies BIGINT NOT NULL,
  boosts BIGINT NOT NULL,
  favourites BIGINT NOT NULL,
  quotes BIGINT NOT NULL
);
CREATE INDEX status_account ON status (account, id);
CREATE INDEX status_thread ON status (thread, id) WHERE reply_to <> 0;
CREATE INDEX status_boost ON status (boost_of, id) WHERE boost_of <> 0;
CREATE INDEX status_quote ON status (quote_of, id) WHERE quote_of <> 0;
CREATE INDEX status_group ON status (group_id, id) WHERE group_id <> 0;
CREATE INDEX status_written ON status (written_by, id) WHERE written_by <> account;

CREATE TABLE status_tag (
  tag TEXT NOT NULL,
  status BIGINT NOT NULL,
  PRIMARY KEY (tag, status)
);
CREATE INDEX status_tag_status ON status_tag (status);

CREATE TABLE status_mention (
  account BIGINT NOT NULL,
  status BIGINT NOT NULL,
  PRIMARY KEY (account, status)
);
CREATE INDEX status_mention_status ON status_mention (status);

-- What a status was before it was edited. media and poll are JSON.
CREATE TABLE status_edit (
  status BIGINT NOT NULL,
  version BIGINT NOT NULL,
  at BIGINT NOT NULL,
  sensitive BOOLEAN NOT NULL,
  spoiler TEXT NOT NULL,
  source TEXT NOT NULL,
  content TEXT NOT NULL,
  media TEXT NOT NULL,
  poll TEXT NOT NULL,
  PRIMARY KEY (status, version)
);

-- Who has done what with a status: favourite, bookmark, pin, boost (id is that of the boost), vote (value is the choices, with a space
-- between), mute (status is the conversation).
CREATE TABLE status_mark (
  id BIGINT PRIMARY KEY,
  account BIGINT NOT NULL,
  kind TEXT NOT NULL,
  status BIGINT NOT NULL,
  value TEXT NOT NULL
);
CREATE UNIQUE INDEX status_mark_once ON status_mark (status, kind, account);
CREATE INDEX status_mark_account ON status_mark (account, status);
CREATE INDEX status_mark_list ON status_mark (account, kind, id);

CREATE TABLE poll (
  id BIGINT PRIMARY KEY,
  status BIGINT NOT NULL,
  account BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  multiple BOOLEAN NOT NULL,
  hide_totals BOOLEAN NOT NULL,
  voters BIGINT NOT NULL,
  votes BIGINT NOT NULL,
  ended BOOLEAN NOT NULL
);
CREATE INDEX poll_status ON poll (status);

CREATE TABLE poll_choice (
  poll BIGINT NOT NULL,
  n BIGINT NOT NULL,
  title TEXT NOT NULL,
  votes BIGINT NOT NULL,
  PRIMARY KEY (poll, n)
);
