-- Who wants letters about what they missed: every is daily or weekly (no row: never). due_at is when the next is looked for, told the newest
-- notification that a letter has told of.
CREATE TABLE notification_letter (
    account BIGINT NOT NULL PRIMARY KEY,
    every   TEXT   NOT NULL,
    due_at  BIGINT NOT NULL,
    sent_at BIGINT NOT NULL,
    told    BIGINT NOT NULL
);
CREATE INDEX notification_letter_due ON notification_letter (due_at);
