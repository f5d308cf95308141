-- What a customer thought of an order: one review for each order. verified is 1 where it counts towards the stars of the restaurant and
-- its dishes: the author's own delivered order, of a restaurant where they don't work. hidden is 0, or why others don't see it: 1 moderators, 2 its author
-- is suspended; then it does not count either. status is the post, 0 for none; answer is the restaurant's.
CREATE TABLE review (
  id BIGINT PRIMARY KEY,
  order_id BIGINT NOT NULL,
  restaurant BIGINT NOT NULL,
  account BIGINT NOT NULL,
  stars BIGINT NOT NULL CHECK (stars BETWEEN 1 AND 5),
  text TEXT NOT NULL,
  visibility TEXT NOT NULL,
  verified BIGINT NOT NULL,
  hidden BIGINT NOT NULL,
  status BIGINT NOT NULL,
  at BIGINT NOT NULL,
  edited_at BIGINT NOT NULL,
  answer TEXT NOT NULL,
  answer_status BIGINT NOT NULL,
  answered_by BIGINT NOT NULL,
  answered_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX review_order ON review (order_id);
CREATE INDEX review_restaurant ON review (restaurant, id);
CREATE INDEX review_account ON review (account, id);
CREATE INDEX review_status ON review (status);

-- The stars of dishes in a review.
CREATE TABLE review_dish (
  review BIGINT NOT NULL,
  item BIGINT NOT NULL,
  name TEXT NOT NULL,
  stars BIGINT NOT NULL CHECK (stars BETWEEN 1 AND 5),
  PRIMARY KEY (review, item)
);

-- How often the restaurant or dish thing got one star, two and so on, in reviews that count.
CREATE TABLE review_figure (
  thing BIGINT PRIMARY KEY,
  restaurant BIGINT NOT NULL,
  one BIGINT NOT NULL,
  two BIGINT NOT NULL,
  three BIGINT NOT NULL,
  four BIGINT NOT NULL,
  five BIGINT NOT NULL
);
CREATE INDEX review_figure_restaurant ON review_figure (restaurant);
