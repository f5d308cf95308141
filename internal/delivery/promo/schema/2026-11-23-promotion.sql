-- What makes orders cheaper. restaurant 0 is the whole town; code is '' where it applies by itself. doc holds the rules as JSON, which are
-- always read and changed as a whole. used counts the orders that have it now, most is how many may (0: any number), each how many of one
-- person.
CREATE TABLE promotion (
  id BIGINT PRIMARY KEY,
  restaurant BIGINT NOT NULL,
  code TEXT NOT NULL,
  state TEXT NOT NULL,
  doc TEXT NOT NULL,
  used BIGINT NOT NULL,
  most BIGINT NOT NULL,
  each BIGINT NOT NULL,
  rev BIGINT NOT NULL,
  created_by BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  changed_at BIGINT NOT NULL,
  CHECK (most = 0 OR used <= most)
);
CREATE UNIQUE INDEX promotion_code ON promotion (code) WHERE code <> '';
CREATE INDEX promotion_restaurant ON promotion (restaurant, id);

-- Which order used which promotion: state is 'used', or 'back' where the order was cancelled.
CREATE TABLE promo_use (
  promotion BIGINT NOT NULL,
  order_id BIGINT NOT NULL,
  account BIGINT NOT NULL,
  amount BIGINT NOT NULL,
  state TEXT NOT NULL,
  at BIGINT NOT NULL,
  PRIMARY KEY (promotion, order_id)
);
CREATE INDEX promo_use_order ON promo_use (order_id);
CREATE INDEX promo_use_account ON promo_use (account, order_id);

-- How many orders of a person have a promotion now, for those that count it.
CREATE TABLE promo_person (
  promotion BIGINT NOT NULL,
  account BIGINT NOT NULL,
  used BIGINT NOT NULL,
  PRIMARY KEY (promotion, account)
);
