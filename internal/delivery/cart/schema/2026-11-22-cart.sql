-- What people are about to order: one cart for each owner. owner is "a" and the account's id, or "g" and the SHA-256 of a guest's cookie.
-- doc holds restaurant, dishes by id, address and the rest; never a price. aside is the cart that the last step put away, for undo.
CREATE TABLE cart (
  owner TEXT PRIMARY KEY,
  rev BIGINT NOT NULL,
  restaurant BIGINT NOT NULL,
  portions BIGINT NOT NULL,
  doc TEXT NOT NULL,
  aside TEXT NOT NULL,
  updated_at BIGINT NOT NULL
);
CREATE INDEX cart_updated ON cart (updated_at);
