-- Who did what to what, for whoever has to find out later. Rows are added and, once they are older than the town keeps them, swept out;
-- none is ever changed. actor is 0 and actor_handle says who it was where no account acted ("operator" on the command line).
CREATE TABLE audit (
    id           BIGINT PRIMARY KEY,
    at           BIGINT NOT NULL,
    actor        BIGINT NOT NULL,
    actor_handle TEXT NOT NULL,
    address      TEXT NOT NULL,
    verb         TEXT NOT NULL,
    thing        TEXT NOT NULL,
    detail       TEXT NOT NULL
);
CREATE INDEX audit_actor ON audit (actor, id);
CREATE INDEX audit_thing ON audit (thing, id);
CREATE INDEX audit_at ON audit (at);
