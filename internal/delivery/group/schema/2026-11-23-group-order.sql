-- An order that several people fill together by a link. state is 'open', 'locked' (its host is paying), 'ordered' or 'closed'. deadline 0:
-- none; order_id 0: not ordered yet.
CREATE TABLE group_order (
  id BIGINT PRIMARY KEY,
  token TEXT NOT NULL UNIQUE,
  restaurant BIGINT NOT NULL,
  host BIGINT NOT NULL,
  state TEXT NOT NULL,
  deadline BIGINT NOT NULL,
  order_id BIGINT NOT NULL,
  created_at BIGINT NOT NULL
);
CREATE INDEX group_order_host ON group_order (host, restaurant, state);
CREATE INDEX group_order_order ON group_order (order_id);

-- Who takes part: an account, or a guest by the digest of a cookie. paid is 1 once the host has their share back.
CREATE TABLE group_member (
  id BIGINT PRIMARY KEY,
  group_id BIGINT NOT NULL REFERENCES group_order (id),
  person TEXT NOT NULL,
  account BIGINT NOT NULL,
  name TEXT NOT NULL,
  paid BIGINT NOT NULL,
  UNIQUE (group_id, person)
);
CREATE INDEX group_member_account ON group_member (account);

-- A dish of a member's: doc is what was chosen, as JSON.
CREATE TABLE group_line (
  id BIGINT PRIMARY KEY,
  group_id BIGINT NOT NULL REFERENCES group_order (id),
  member BIGINT NOT NULL REFERENCES group_member (id),
  doc TEXT NOT NULL
);
CREATE INDEX group_line_group ON group_line (group_id, id);
