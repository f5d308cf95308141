-- What is kept out, or let in. kind: ip (value is a CIDR range), mail (a domain of e-mail addresses), address (SHA-256 of an e-mail address),
-- domain and allow (another server). options are words with spaces. account is whose address it is, where it was given by the account.
-- expires_at is 0 where it holds for good.
CREATE TABLE moderation_block (
    id         BIGINT NOT NULL PRIMARY KEY,
    kind       TEXT   NOT NULL,
    value      TEXT   NOT NULL,
    severity   TEXT   NOT NULL,
    comment    TEXT   NOT NULL,
    public     TEXT   NOT NULL,
    options    TEXT   NOT NULL,
    account    BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX moderation_block_value ON moderation_block (kind, value);
CREATE INDEX moderation_block_list ON moderation_block (kind, id);

-- How often somebody wanted to sign up with an address that a block keeps out, by days since 1970.
CREATE TABLE moderation_block_hit (
    block BIGINT NOT NULL,
    day   BIGINT NOT NULL,
    tries BIGINT NOT NULL,
    PRIMARY KEY (block, day)
);
