-- The event log: whatever happened, once, in the order of seq. See the package comment for why that order can be trusted.
-- only postgres
-- MINVALUE 0 and one call: last_value is then always the number given last, also before the first event.
CREATE SEQUENCE event_seq MINVALUE 0 START WITH 0;
SELECT nextval('event_seq');
-- event_next gives an event its number. A transaction's first call leaves a mark that others can see until it ends: a shared lock on the
-- number given last, below which none of its own can be. The setting remembers the mark; both go when a savepoint is rolled back.
-- +goose StatementBegin
CREATE FUNCTION event_next() RETURNS BIGINT LANGUAGE plpgsql AS $$
DECLARE
    floor BIGINT;
BEGIN
    IF COALESCE(current_setting('stoa.appends', TRUE), '') = '' THEN
        SELECT last_value INTO floor FROM event_seq;
        PERFORM pg_advisory_xact_lock_shared((83::BIGINT << 56) | floor);
        PERFORM set_config('stoa.appends', 'yes', TRUE);
    END IF;
    RETURN nextval('event_seq');
END
$$;
-- +goose StatementEnd
-- end
CREATE TABLE event (
    seq     BIGINT PRIMARY KEY,
    subject TEXT NOT NULL,
    kind    TEXT NOT NULL,
    at      BIGINT NOT NULL,
    actor   BIGINT NOT NULL,
    data    TEXT NOT NULL
);
CREATE INDEX event_subject ON event (subject, seq);
-- only postgres
ALTER TABLE event ALTER COLUMN seq SET DEFAULT event_next();
-- end

-- How far each durable subscription has come: it has handled every event up to seq.
CREATE TABLE event_cursor (
    name TEXT PRIMARY KEY,
    seq  BIGINT NOT NULL
);
