-- What somebody told the moderators of an account. statuses and rules are words with spaces; resolved_at is 0 while it is open, assigned who
-- looks after it.
CREATE TABLE moderation_report (
    id          BIGINT NOT NULL PRIMARY KEY,
    target      BIGINT NOT NULL,
    by_account  BIGINT NOT NULL,
    category    TEXT   NOT NULL,
    comment     TEXT   NOT NULL,
    rules       TEXT   NOT NULL,
    statuses    TEXT   NOT NULL,
    forward     BIGINT NOT NULL,
    assigned    BIGINT NOT NULL,
    resolved_by BIGINT NOT NULL,
    resolved_at BIGINT NOT NULL,
    created_at  BIGINT NOT NULL,
    updated_at  BIGINT NOT NULL
);
CREATE INDEX moderation_report_target ON moderation_report (target, id);
CREATE INDEX moderation_report_by ON moderation_report (by_account, id);
CREATE INDEX moderation_report_open ON moderation_report (resolved_at, id);

-- What moderators did to a profile: it is told, and may appeal once. statuses are those that it is about. undone_at and decided_at are 0 until
-- then; appealed_at is 0 where nobody appealed.
CREATE TABLE moderation_strike (
    id          BIGINT NOT NULL PRIMARY KEY,
    profile     BIGINT NOT NULL,
    action      TEXT   NOT NULL,
    text        TEXT   NOT NULL,
    report      BIGINT NOT NULL,
    statuses    TEXT   NOT NULL,
    by_account  BIGINT NOT NULL,
    at          BIGINT NOT NULL,
    undone_by   BIGINT NOT NULL,
    undone_at   BIGINT NOT NULL,
    appeal      TEXT   NOT NULL,
    appealed_at BIGINT NOT NULL,
    decided_by  BIGINT NOT NULL,
    decided_at  BIGINT NOT NULL,
    accepted    BIGINT NOT NULL
);
CREATE INDEX moderation_strike_profile ON moderation_strike (profile, id);
CREATE INDEX moderation_strike_appeal ON moderation_strike (decided_at, appealed_at);

-- What moderators write to each other about a profile, or about a report on it (0: about none).
CREATE TABLE moderation_note (
    id         BIGINT NOT NULL PRIMARY KEY,
    profile    BIGINT NOT NULL,
    report     BIGINT NOT NULL,
    by_account BIGINT NOT NULL,
    text       TEXT   NOT NULL,
    at         BIGINT NOT NULL
);
CREATE INDEX moderation_note_profile ON moderation_note (profile, id);
