-- Lists of accounts that somebody reads apart. replies: followed, list or none.
CREATE TABLE social_list (
  id BIGINT PRIMARY KEY,
  owner BIGINT NOT NULL,
  title TEXT NOT NULL,
  replies TEXT NOT NULL,
  exclusive BOOLEAN NOT NULL
);
CREATE INDEX social_list_owner ON social_list (owner, id);

-- id orders the members by when they were added.
CREATE TABLE social_list_member (
  list BIGINT NOT NULL,
  account BIGINT NOT NULL,
  id BIGINT NOT NULL,
  PRIMARY KEY (list, account)
);
CREATE INDEX social_list_member_account ON social_list_member (account);
