-- Everybody pays their own: collecting is 1 while the shares come in, extra what all pay of fee and tip together, collect_at since when.
ALTER TABLE group_order ADD COLUMN collecting BIGINT NOT NULL DEFAULT 0;
ALTER TABLE group_order ADD COLUMN extra BIGINT NOT NULL DEFAULT 0;
ALTER TABLE group_order ADD COLUMN collect_at BIGINT NOT NULL DEFAULT 0;
CREATE INDEX group_order_collecting ON group_order (collect_at) WHERE collecting = 1;

-- A member's share. id is that of its payment, where method is 'card'; '' is not paid yet, 'credit' is in the pot. order_id is the order for
-- which it was taken out of the pot; back is 1 once it went back, or is on its way. Rows stay: they tell whose money the pot's was.
CREATE TABLE group_share (
  id BIGINT PRIMARY KEY,
  group_id BIGINT NOT NULL,
  member BIGINT NOT NULL,
  account BIGINT NOT NULL,
  amount BIGINT NOT NULL,
  currency TEXT NOT NULL,
  method TEXT NOT NULL,
  order_id BIGINT NOT NULL,
  back BIGINT NOT NULL
);
CREATE INDEX group_share_group ON group_share (group_id);
CREATE INDEX group_share_order ON group_share (order_id) WHERE order_id <> 0;

-- Somebody's own, to be led back to them.
CREATE INDEX group_member_person ON group_member (person);
