-- Which order of a person has what is for their first order in town (restaurant 0) or at a restaurant: whoever is quicker. The row goes when
-- the order is cancelled.
CREATE TABLE promo_first (
  account BIGINT NOT NULL,
  restaurant BIGINT NOT NULL,
  order_id BIGINT NOT NULL,
  PRIMARY KEY (account, restaurant)
);
CREATE INDEX promo_first_order ON promo_first (order_id);
