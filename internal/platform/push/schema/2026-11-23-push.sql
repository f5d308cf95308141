-- The key pair by which push services know this server (VAPID): one row, the private half sealed with the master key.
CREATE TABLE push_key (
    one    BIGINT NOT NULL PRIMARY KEY,
    public BYTEA  NOT NULL,
    sealed BYTEA  NOT NULL
);

-- Where a session wants to be told of news: one row a session. token is the session's own, sealed, for apps that tell by it whom a message
-- is for; it is empty for browsers on Stoa's pages. alerts are the words of what is told of, between commas.
CREATE TABLE push_subscription (
    id         BIGINT NOT NULL PRIMARY KEY,
    account    BIGINT NOT NULL,
    session    BIGINT NOT NULL UNIQUE,
    token      BYTEA  NOT NULL,
    endpoint   TEXT   NOT NULL,
    p256dh     BYTEA  NOT NULL,
    auth       BYTEA  NOT NULL,
    standard   BIGINT NOT NULL,
    alerts     TEXT   NOT NULL,
    policy     TEXT   NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE INDEX push_subscription_account ON push_subscription (account);
