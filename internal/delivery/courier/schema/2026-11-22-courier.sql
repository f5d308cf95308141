-- A courier, from their first duty on. Where they are is kept while they are on duty and forgotten after.
-- Their name is the one they had when their last duty began, so that lists of couriers need nobody else.
CREATE TABLE courier (
  account BIGINT PRIMARY KEY,
  name TEXT NOT NULL,
  vehicle TEXT NOT NULL,
  on_duty BOOLEAN NOT NULL,
  duty_since BIGINT NOT NULL,
  lat DOUBLE PRECISION NOT NULL,
  lon DOUBLE PRECISION NOT NULL,
  heading DOUBLE PRECISION NOT NULL,
  pos_at BIGINT NOT NULL
);
CREATE INDEX courier_on_duty ON courier (on_duty, account);
