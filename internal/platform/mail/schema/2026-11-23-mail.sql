-- Letters, by the id of the job that sends each. body is the whole letter as JSON; it may hold links that let its reader in, and is
-- therefore emptied as soon as the letter is sent or given up (with mail.mode = "dev" it stays, to be shown).
-- state: waiting, sending, sent, failed (given up), late (not sent because it had lost its point).
CREATE TABLE mail_letter (
    id         BIGINT PRIMARY KEY,
    kind       TEXT NOT NULL,
    address    TEXT NOT NULL,
    subject    TEXT NOT NULL,
    body       TEXT NOT NULL,
    message_id TEXT NOT NULL,
    state      TEXT NOT NULL DEFAULT 'waiting',
    attempt    BIGINT NOT NULL DEFAULT 0,
    error      TEXT NOT NULL DEFAULT '',
    created_at BIGINT NOT NULL,
    ended_at   BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX mail_letter_recipient ON mail_letter (address, kind, created_at);
CREATE INDEX mail_letter_age ON mail_letter (created_at);

-- One row for each kind of letter and address, held while a letter is counted: two at once can't both be the last that is allowed.
CREATE TABLE mail_recipient (
    address TEXT NOT NULL,
    kind    TEXT NOT NULL,
    held_at BIGINT NOT NULL,
    PRIMARY KEY (address, kind)
);
CREATE INDEX mail_recipient_age ON mail_recipient (held_at);
