-- The documents about what was sold: receipts and credit notes, as issued; nothing changes data. ref says what of an order a document is
-- about ("sale:1", "void:1", "refund:ID"), so that each is issued once. Whose document it is stands apart from it, so that it can be
-- forgotten while the sale is kept.
CREATE TABLE invoice (
  id BIGINT PRIMARY KEY,
  kind TEXT NOT NULL,
  number TEXT NOT NULL,
  order_id BIGINT NOT NULL,
  ref TEXT NOT NULL,
  restaurant BIGINT NOT NULL,
  account BIGINT NOT NULL,
  buyer TEXT NOT NULL,
  issued_at BIGINT NOT NULL,
  currency TEXT NOT NULL,
  total BIGINT NOT NULL,
  data TEXT NOT NULL
);
CREATE UNIQUE INDEX invoice_number ON invoice (number);
CREATE UNIQUE INDEX invoice_order ON invoice (order_id, ref);
CREATE INDEX invoice_restaurant ON invoice (restaurant, id);
CREATE INDEX invoice_account ON invoice (account, id);

-- How far the numbers of a series have come: one series for each restaurant, kind and year.
CREATE TABLE invoice_series (
  restaurant BIGINT NOT NULL,
  kind TEXT NOT NULL,
  year BIGINT NOT NULL,
  last BIGINT NOT NULL,
  PRIMARY KEY (restaurant, kind, year)
);

-- Who wants no letter with their receipts.
CREATE TABLE invoice_unlettered (
  account BIGINT PRIMARY KEY
);
