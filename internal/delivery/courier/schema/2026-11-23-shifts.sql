-- A shift is one time on duty, from when the server heard of its begin to its end (0: not yet). floor is what was added to what the courier
-- earned in it, in minor units.
CREATE TABLE courier_shift (
  id BIGINT PRIMARY KEY,
  account BIGINT NOT NULL,
  began_at BIGINT NOT NULL,
  ended_at BIGINT NOT NULL,
  floor BIGINT NOT NULL,
  currency TEXT NOT NULL
);
CREATE UNIQUE INDEX courier_shift_open ON courier_shift (account) WHERE ended_at = 0;
CREATE INDEX courier_shift_account ON courier_shift (account, began_at);
