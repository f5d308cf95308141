-- The link with which the first admin of a town is made; there is one at a time, and none once somebody is an admin.
CREATE TABLE setup_link (
    one          BIGINT PRIMARY KEY CHECK (one = 1),
    token_sha256 BYTEA NOT NULL,
    expires_at   BIGINT NOT NULL
);
