-- What admins write to each other about somebody. Nobody else sees it; it goes with the account.
CREATE TABLE account_note (
    id            BIGINT PRIMARY KEY,
    account       BIGINT NOT NULL,
    at            BIGINT NOT NULL,
    author        BIGINT NOT NULL,
    author_handle TEXT NOT NULL,
    text          TEXT NOT NULL
);
CREATE INDEX account_note_account ON account_note (account, id);
