-- A person's copy of everything that is stored about them. state: waiting, ready, failed. done of parts are in it. attempt is the try of
-- the job whose pieces make the archive.
CREATE TABLE privacy_copy (
    id         BIGINT PRIMARY KEY,
    account    BIGINT NOT NULL,
    state      TEXT NOT NULL,
    done       BIGINT NOT NULL,
    parts      BIGINT NOT NULL,
    size       BIGINT NOT NULL,
    asked_at   BIGINT NOT NULL,
    ready_at   BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    attempt    BIGINT NOT NULL
);
CREATE INDEX privacy_copy_account ON privacy_copy (account, id);
-- One at a time.
CREATE UNIQUE INDEX privacy_copy_waiting ON privacy_copy (account) WHERE state = 'waiting';

-- The archive in pieces, in the order of n: every node can make it and hand it out, and it never lies in a folder that is served. attempt is
-- the try of the job that wrote it.
CREATE TABLE privacy_piece (
    copy    BIGINT NOT NULL,
    attempt BIGINT NOT NULL,
    n       BIGINT NOT NULL,
    body    BYTEA NOT NULL,
    PRIMARY KEY (copy, attempt, n)
);

-- Who has asked for the deletion of their account. begun_at is when the deletion began, after which nobody can stay; erased_at when it was
-- done. email and lang are filled then, for the last letter, and the row goes when that is out.
CREATE TABLE privacy_leaving (
    account   BIGINT PRIMARY KEY,
    asked_at  BIGINT NOT NULL,
    due_at    BIGINT NOT NULL,
    begun_at  BIGINT NOT NULL,
    erased_at BIGINT NOT NULL,
    email     TEXT NOT NULL
);

-- Handles of people who left, as a digest under a key that is itself sealed: nobody else may take one and pass as them.
CREATE TABLE privacy_handle (
    digest  BYTEA PRIMARY KEY,
    gone_at BIGINT NOT NULL
);

-- The one sealed key of those digests.
CREATE TABLE privacy_key (
    id     BIGINT PRIMARY KEY,
    sealed BYTEA NOT NULL
);
