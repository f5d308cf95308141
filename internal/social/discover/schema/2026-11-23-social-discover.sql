-- Whom somebody does not want to be told to follow.
CREATE TABLE social_dismissed (
  account BIGINT NOT NULL,
  target BIGINT NOT NULL,
  at BIGINT NOT NULL,
  PRIMARY KEY (account, target)
);

CREATE INDEX social_dismissed_target ON social_dismissed (target);
