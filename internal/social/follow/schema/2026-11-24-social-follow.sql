-- Who follows whom. pending: it was asked for, and the one followed has not said yes. id names the place in lists, newest highest. langs is words
-- with spaces, empty for all languages.
CREATE TABLE social_follow (
  follower BIGINT NOT NULL,
  followee BIGINT NOT NULL,
  id BIGINT NOT NULL UNIQUE,
  pending BOOLEAN NOT NULL,
  boosts BOOLEAN NOT NULL,
  notify BOOLEAN NOT NULL,
  langs TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (follower, followee)
);

CREATE INDEX social_follow_mine ON social_follow (follower, pending, id);
CREATE INDEX social_follow_theirs ON social_follow (followee, pending, id);

CREATE TABLE social_block (
  blocker BIGINT NOT NULL,
  blocked BIGINT NOT NULL,
  id BIGINT NOT NULL UNIQUE,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (blocker, blocked)
);

CREATE INDEX social_block_blocked ON social_block (blocked, blocker);
CREATE INDEX social_block_page ON social_block (blocker, id);

-- until is when it ends, 0: when it is taken back.
CREATE TABLE social_mute (
  muter BIGINT NOT NULL,
  muted BIGINT NOT NULL,
  id BIGINT NOT NULL UNIQUE,
  notifications BOOLEAN NOT NULL,
  until BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (muter, muted)
);

CREATE INDEX social_mute_muted ON social_mute (muted);
CREATE INDEX social_mute_page ON social_mute (muter, id);
CREATE INDEX social_mute_until ON social_mute (until);

-- Servers that somebody wants to hear nothing from.
CREATE TABLE social_domain_block (
  profile BIGINT NOT NULL,
  domain TEXT NOT NULL,
  id BIGINT NOT NULL UNIQUE,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (profile, domain)
);

CREATE INDEX social_domain_block_page ON social_domain_block (profile, id);

-- Hashtags followed. name is folded, shown as it was written.
CREATE TABLE social_tag_follow (
  profile BIGINT NOT NULL,
  name TEXT NOT NULL,
  shown TEXT NOT NULL,
  id BIGINT NOT NULL UNIQUE,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (profile, name)
);

CREATE INDEX social_tag_follow_page ON social_tag_follow (profile, id);

-- What somebody notes about another, for themselves alone.
CREATE TABLE social_note (
  author BIGINT NOT NULL,
  about BIGINT NOT NULL,
  text TEXT NOT NULL,
  changed_at BIGINT NOT NULL,
  PRIMARY KEY (author, about)
);

CREATE INDEX social_note_about ON social_note (about);

-- Profiles that somebody recommends on their own.
CREATE TABLE social_endorsement (
  profile BIGINT NOT NULL,
  target BIGINT NOT NULL,
  id BIGINT NOT NULL UNIQUE,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (profile, target)
);

CREATE INDEX social_endorsement_page ON social_endorsement (profile, id);
CREATE INDEX social_endorsement_target ON social_endorsement (target);

-- A file of follows, blocks, mutes, servers, lists or bookmarks that somebody has sent. done of total lines were taken, failed of those could not
-- be; rows is what is left to do.
CREATE TABLE social_import (
  id BIGINT PRIMARY KEY,
  profile BIGINT NOT NULL,
  kind TEXT NOT NULL,
  overwrite BOOLEAN NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('waiting', 'running', 'done', 'failed')),
  total BIGINT NOT NULL,
  done BIGINT NOT NULL,
  failed BIGINT NOT NULL,
  lines TEXT NOT NULL,
  problems TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  ended_at BIGINT NOT NULL
);

CREATE INDEX social_import_profile ON social_import (profile, id);
