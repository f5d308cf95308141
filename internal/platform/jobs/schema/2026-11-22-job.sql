-- The job queue. state: available, running, completed, cancelled, discarded (given up). Zero and '' stand for none.
-- run_at and the ends are times of the town's clock; claimed_until is the machines' real time, since it says whether a process lives.
CREATE TABLE job (
    id            BIGINT PRIMARY KEY,
    kind          TEXT NOT NULL,
    args          TEXT NOT NULL,
    state         TEXT NOT NULL DEFAULT 'available',
    run_at        BIGINT NOT NULL,
    attempt       BIGINT NOT NULL DEFAULT 0,
    max_attempts  BIGINT NOT NULL,
    unique_key    TEXT NOT NULL DEFAULT '',
    claimed_by    BIGINT NOT NULL DEFAULT 0,
    claimed_until BIGINT NOT NULL DEFAULT 0,
    last_error    TEXT NOT NULL DEFAULT '',
    created_at    BIGINT NOT NULL,
    finished_at   BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX job_due ON job (run_at, id) WHERE state = 'available';
CREATE INDEX job_claimed ON job (claimed_until) WHERE state = 'running';
CREATE INDEX job_finished ON job (state, finished_at) WHERE finished_at > 0;
CREATE UNIQUE INDEX job_unique ON job (unique_key) WHERE unique_key <> '' AND state IN ('available', 'running');

-- What runs by the calendar: next_at moves by a conditional update, so that of many nodes one enqueues.
CREATE TABLE job_schedule (
    name    TEXT PRIMARY KEY,
    spec    TEXT NOT NULL,
    tz      TEXT NOT NULL,
    kind    TEXT NOT NULL,
    args    TEXT NOT NULL,
    next_at BIGINT NOT NULL,
    last_at BIGINT NOT NULL DEFAULT 0
);
