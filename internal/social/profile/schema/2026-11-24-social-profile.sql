-- A profile: how a person, a restaurant or a group is known to others. id is that of the account, the restaurant or the group. handle is unique
-- among all of one host; host and uri are empty for those who live here. name, page and photo are copies: of the account's or the restaurant's
-- name, of the path of the shop or the group, and of the restaurant's picture. state 'hidden': nobody meets it, since its person waits for an admin's word or customers don't see
-- the restaurant. limited: silenced by moderators. guarded: all its media are sensitive by their word. avatar and header are URL paths, empty where
-- there is none. note and fields (a JSON list) are as they were written. last_status_at is 0 where there is none. indexed is whether
-- social_profile_word holds its words.
CREATE TABLE social_profile (
  id BIGINT PRIMARY KEY,
  kind TEXT NOT NULL CHECK (kind IN ('person', 'restaurant', 'group')),
  handle TEXT NOT NULL,
  host TEXT NOT NULL DEFAULT '',
  uri TEXT NOT NULL DEFAULT '',
  page TEXT NOT NULL DEFAULT '',
  photo TEXT NOT NULL DEFAULT '',
  name TEXT NOT NULL,
  note TEXT NOT NULL DEFAULT '',
  fields TEXT NOT NULL DEFAULT '[]',
  avatar TEXT NOT NULL DEFAULT '',
  avatar_alt TEXT NOT NULL DEFAULT '',
  header TEXT NOT NULL DEFAULT '',
  header_alt TEXT NOT NULL DEFAULT '',
  locked BOOLEAN NOT NULL DEFAULT FALSE,
  bot BOOLEAN NOT NULL DEFAULT FALSE,
  discoverable BOOLEAN NOT NULL DEFAULT TRUE,
  indexable BOOLEAN NOT NULL DEFAULT FALSE,
  hide_collections BOOLEAN NOT NULL DEFAULT FALSE,
  post_visibility TEXT NOT NULL DEFAULT 'public',
  post_sensitive BOOLEAN NOT NULL DEFAULT FALSE,
  post_language TEXT NOT NULL DEFAULT '',
  post_quotes TEXT NOT NULL DEFAULT 'public',
  state TEXT NOT NULL DEFAULT 'here' CHECK (state IN ('here', 'hidden', 'suspended')),
  limited BOOLEAN NOT NULL DEFAULT FALSE,
  guarded BOOLEAN NOT NULL DEFAULT FALSE,
  statuses BIGINT NOT NULL DEFAULT 0,
  followers BIGINT NOT NULL DEFAULT 0,
  following BIGINT NOT NULL DEFAULT 0,
  last_status_at BIGINT NOT NULL DEFAULT 0,
  indexed BOOLEAN NOT NULL DEFAULT FALSE,
  created_at BIGINT NOT NULL,
  changed_at BIGINT NOT NULL,
  UNIQUE (handle, host)
);

CREATE INDEX social_profile_indexed ON social_profile (indexed, id);
CREATE INDEX social_profile_active ON social_profile (last_status_at, id);

-- The words by which a profile is found: of its handle and its name, folded.
CREATE TABLE social_profile_word (
-- only postgres
  word TEXT COLLATE "C" NOT NULL,
-- end
-- only sqlite
  word TEXT NOT NULL,
-- end
  profile BIGINT NOT NULL REFERENCES social_profile (id) ON DELETE CASCADE,
  PRIMARY KEY (word, profile)
);

CREATE INDEX social_profile_word_profile ON social_profile_word (profile);

-- Hashtags that somebody shows on their profile. name is folded, shown as it was written.
CREATE TABLE social_featured_tag (
  id BIGINT PRIMARY KEY,
  profile BIGINT NOT NULL REFERENCES social_profile (id) ON DELETE CASCADE,
  name TEXT NOT NULL,
  shown TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  UNIQUE (profile, name)
);

-- Who is here already. People whose account was erased have no name.
INSERT INTO social_profile (id, kind, handle, name, post_language, state, created_at, changed_at)
SELECT id, 'person', handle, name, lang,
  CASE WHEN state = 'suspended' THEN 'suspended' WHEN stage = 'pending' THEN 'hidden' ELSE 'here' END, created_at, created_at
FROM account WHERE name <> '';

-- A restaurant's handle is made of the name in its address; where that is somebody's, too short or too long, its number makes it unique.
-- only sqlite
INSERT INTO social_profile (id, kind, handle, page, photo, name, state, created_at, changed_at)
SELECT r.id, 'restaurant',
  CASE WHEN LENGTH(r.slug) BETWEEN 2 AND 30 AND NOT EXISTS (SELECT 1 FROM account a WHERE a.handle = REPLACE(r.slug, '-', '_')) THEN REPLACE(r.slug, '-', '_')
  ELSE SUBSTR(REPLACE(r.slug, '-', '_'), 1, 10) || '_' || CAST(r.id AS TEXT) END,
  '/r/' || r.slug, COALESCE(json_extract(r.settings, '$.photo'), ''), json_extract(r.settings, '$.name'), CASE WHEN json_extract(r.settings, '$.active') THEN 'here' ELSE 'hidden' END, r.created_at, r.created_at
FROM restaurant r;
-- end
-- only postgres
INSERT INTO social_profile (id, kind, handle, page, photo, name, state, created_at, changed_at)
SELECT r.id, 'restaurant',
  CASE WHEN LENGTH(r.slug) BETWEEN 2 AND 30 AND NOT EXISTS (SELECT 1 FROM account a WHERE a.handle = REPLACE(r.slug, '-', '_')) THEN REPLACE(r.slug, '-', '_')
  ELSE SUBSTR(REPLACE(r.slug, '-', '_'), 1, 10) || '_' || CAST(r.id AS TEXT) END,
  '/r/' || r.slug, COALESCE(CAST(r.settings AS JSON) ->> 'photo', ''), CAST(r.settings AS JSON) ->> 'name', CASE WHEN CAST(r.settings AS JSON) ->> 'active' = 'true' THEN 'here' ELSE 'hidden' END,
  r.created_at, r.created_at
FROM restaurant r;
-- end
