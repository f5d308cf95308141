-- forgot is how much of an order is forgotten: 0 nothing, 1 the way to the door and its photo, 2 whatever says who bought it. What was bought,
-- when, at which restaurant, for how much and with which tax stays.
ALTER TABLE orders ADD COLUMN forgot BIGINT NOT NULL DEFAULT 0;
CREATE INDEX orders_forgot ON orders (forgot, placed_at);
-- Notes are rare, and are looked for by who wrote them when that person leaves.
CREATE INDEX order_history_note ON order_history (actor) WHERE note <> '';
