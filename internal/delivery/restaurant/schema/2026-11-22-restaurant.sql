-- A restaurant and its settings, one JSON document: it is always read and changed as a whole, under its version.
CREATE TABLE restaurant (
  id BIGINT PRIMARY KEY,
  slug TEXT NOT NULL UNIQUE,
  version BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  changed_at BIGINT NOT NULL,
  settings TEXT NOT NULL
);

-- How many orders a restaurant has for a window of time (seconds since 1970). Changed by conditional updates only.
CREATE TABLE restaurant_capacity (
  restaurant BIGINT NOT NULL REFERENCES restaurant (id),
  window_start BIGINT NOT NULL,
  taken BIGINT NOT NULL,
  PRIMARY KEY (restaurant, window_start)
);
