-- What admins set while the server runs, and every change of it. A setting without a row has the value of its defaults.
CREATE TABLE setting (
    key        TEXT PRIMARY KEY,
    value      TEXT NOT NULL
);
-- was and became are NULL where the default stood.
CREATE TABLE setting_change (
    id           BIGINT PRIMARY KEY,
    at           BIGINT NOT NULL,
    actor        BIGINT NOT NULL,
    actor_handle TEXT NOT NULL,
    key          TEXT NOT NULL,
    was          TEXT,
    became       TEXT
);
CREATE INDEX setting_change_key ON setting_change (key, id);
