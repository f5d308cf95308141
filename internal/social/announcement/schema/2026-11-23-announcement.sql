-- What admins tell everybody, from publish_at until ends_at (0: for good). text is as typed.
CREATE TABLE announcement (
    id         BIGINT NOT NULL PRIMARY KEY,
    text       TEXT   NOT NULL,
    starts_at  BIGINT NOT NULL,
    ends_at    BIGINT NOT NULL,
    all_day    BIGINT NOT NULL,
    publish_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    told       BIGINT NOT NULL
);
CREATE INDEX announcement_publish ON announcement (publish_at);

CREATE TABLE announcement_dismissal (
    announcement BIGINT NOT NULL,
    account      BIGINT NOT NULL,
    PRIMARY KEY (announcement, account)
);
CREATE INDEX announcement_dismissal_account ON announcement_dismissal (account);

-- id gives the order in which the kinds of reactions came.
CREATE TABLE announcement_reaction (
    id           BIGINT NOT NULL PRIMARY KEY,
    announcement BIGINT NOT NULL,
    account      BIGINT NOT NULL,
    name         TEXT   NOT NULL
);
CREATE UNIQUE INDEX announcement_reaction_once ON announcement_reaction (announcement, name, account);
CREATE INDEX announcement_reaction_account ON announcement_reaction (account);
