-- What has been counted of the event log up to cursor_, in one row (id 1); seen_at is up to when sign-ins were counted.
CREATE TABLE instance_tally (
  id BIGINT PRIMARY KEY,
  cursor_ BIGINT NOT NULL,
  users BIGINT NOT NULL,
  statuses BIGINT NOT NULL,
  seen_at BIGINT NOT NULL
);

-- Figures of a week, which begins on a Monday (µs, UTC).
CREATE TABLE instance_week (
  week BIGINT PRIMARY KEY,
  statuses BIGINT NOT NULL,
  logins BIGINT NOT NULL,
  registrations BIGINT NOT NULL
);

-- When an account was last here.
CREATE TABLE instance_seen (
  account BIGINT PRIMARY KEY,
  at BIGINT NOT NULL
);
CREATE INDEX instance_seen_at ON instance_seen (at);
