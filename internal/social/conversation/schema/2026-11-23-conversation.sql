-- A conversation of direct statuses as one of those in it sees it. others are the ids of the rest, ascending, with a space between. held: the
-- owner's policy keeps it back until they let its sender in.
CREATE TABLE conversation (
    id          BIGINT NOT NULL PRIMARY KEY,
    account     BIGINT NOT NULL,
    thread      BIGINT NOT NULL,
    others      TEXT   NOT NULL,
    last_status BIGINT NOT NULL,
    unread      BIGINT NOT NULL,
    held        BIGINT NOT NULL
);
CREATE UNIQUE INDEX conversation_once ON conversation (account, thread, others);
CREATE INDEX conversation_page ON conversation (account, held, last_status);

CREATE TABLE conversation_status (
    conversation BIGINT NOT NULL,
    status       BIGINT NOT NULL,
    PRIMARY KEY (conversation, status)
);
CREATE INDEX conversation_status_status ON conversation_status (status);
