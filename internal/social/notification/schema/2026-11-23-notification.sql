-- Who is told of what. sender is the profile that did it, thing what else it is about (an order, a group), data the rest as JSON or empty.
-- held: the reader's policy keeps it among the requests. group_key is shared by those that are shown as one, empty for the others.
CREATE TABLE notification (
    id         BIGINT NOT NULL PRIMARY KEY,
    account    BIGINT NOT NULL,
    type       TEXT   NOT NULL,
    sender     BIGINT NOT NULL,
    status     BIGINT NOT NULL,
    thing      BIGINT NOT NULL,
    group_key  TEXT   NOT NULL,
    held       BIGINT NOT NULL,
    data       TEXT   NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE INDEX notification_newest ON notification (account, held, id);
CREATE INDEX notification_sender ON notification (sender, account, id);
CREATE INDEX notification_status ON notification (status) WHERE status <> 0;
CREATE INDEX notification_thing ON notification (thing) WHERE thing <> 0;
CREATE INDEX notification_group ON notification (account, group_key) WHERE group_key <> '';

-- What somebody wants to have held or dropped: accept, filter or drop.
CREATE TABLE notification_policy (
    account          BIGINT NOT NULL PRIMARY KEY,
    not_following    TEXT   NOT NULL,
    not_followers    TEXT   NOT NULL,
    new_accounts     TEXT   NOT NULL,
    private_mentions TEXT   NOT NULL,
    limited_accounts TEXT   NOT NULL
);

-- One row for each sender whose notifications are held, the newest of them last.
CREATE TABLE notification_request (
    id          BIGINT NOT NULL PRIMARY KEY,
    account     BIGINT NOT NULL,
    sender      BIGINT NOT NULL,
    last_status BIGINT NOT NULL,
    held        BIGINT NOT NULL,
    dismissed   BIGINT NOT NULL,
    created_at  BIGINT NOT NULL,
    updated_at  BIGINT NOT NULL
);
CREATE UNIQUE INDEX notification_request_once ON notification_request (account, sender);
CREATE INDEX notification_request_sender ON notification_request (sender);
CREATE INDEX notification_request_page ON notification_request (account, dismissed, id);

-- Whose notifications are let in whatever the policy says, because a request of theirs was accepted.
CREATE TABLE notification_permission (
    account    BIGINT NOT NULL,
    sender     BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (account, sender)
);
CREATE INDEX notification_permission_sender ON notification_permission (sender);
