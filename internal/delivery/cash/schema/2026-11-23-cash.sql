-- Cash that couriers handed in, as it was counted. Amounts are minor units; expected is what the books said, difference is counted less
-- expected. choice: keep (a difference stays with the courier), write_off (the town bears it). No row is ever changed but for its note.
CREATE TABLE cash_handin (
    id         BIGINT PRIMARY KEY,
    courier    BIGINT NOT NULL,
    currency   TEXT NOT NULL,
    expected   BIGINT NOT NULL,
    counted    BIGINT NOT NULL,
    difference BIGINT NOT NULL,
    choice     TEXT NOT NULL,
    taken_by   BIGINT NOT NULL,
    at         BIGINT NOT NULL,
    note       TEXT NOT NULL
);
CREATE INDEX cash_handin_courier ON cash_handin (courier, id);
CREATE INDEX cash_handin_taken ON cash_handin (taken_by, id);
