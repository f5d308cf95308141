-- A group of the town; id is that of its profile, too. members counts the rows of social_member with the role of a member. joining is open, ask or
-- invite. deleted_at is 0 while it is there.
CREATE TABLE social_group (
  id BIGINT PRIMARY KEY,
  handle TEXT NOT NULL,
  name TEXT NOT NULL,
  folded TEXT NOT NULL,
  about TEXT NOT NULL,
  rules TEXT NOT NULL,
  closed BIGINT NOT NULL,
  joining TEXT NOT NULL,
  members BIGINT NOT NULL,
  created_by BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  deleted_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX social_group_handle ON social_group (handle) WHERE deleted_at = 0;
CREATE INDEX social_group_name ON social_group (folded, id) WHERE deleted_at = 0;

-- What somebody is to a group: owner, moderator, member, asked, invited or barred. One row for each pair. by_account is who did that.
CREATE TABLE social_member (
  grp BIGINT NOT NULL,
  account BIGINT NOT NULL,
  role TEXT NOT NULL,
  by_account BIGINT NOT NULL,
  at BIGINT NOT NULL,
  PRIMARY KEY (grp, account)
);
CREATE INDEX social_member_account ON social_member (account, grp);
CREATE INDEX social_member_role ON social_member (grp, role, account);
