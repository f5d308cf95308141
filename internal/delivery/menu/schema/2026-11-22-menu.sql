-- The version of a restaurant's whole card. Every change takes this row first, so that changes of one card come one after another.
CREATE TABLE menu_version (
  restaurant BIGINT PRIMARY KEY,
  version BIGINT NOT NULL
);

-- A menu is a part of the card with hours of its own: lunch, dinner. What is deleted keeps its row for a while, so that it can come back.
CREATE TABLE menu (
  id BIGINT PRIMARY KEY,
  restaurant BIGINT NOT NULL,
  name TEXT NOT NULL,
  hours TEXT NOT NULL,
  position BIGINT NOT NULL,
  deleted_at BIGINT NOT NULL
);
CREATE INDEX menu_restaurant ON menu (restaurant);

CREATE TABLE menu_section (
  id BIGINT PRIMARY KEY,
  restaurant BIGINT NOT NULL,
  menu BIGINT NOT NULL,
  name TEXT NOT NULL,
  note TEXT NOT NULL,
  hours TEXT NOT NULL,
  position BIGINT NOT NULL,
  deleted_at BIGINT NOT NULL
);
CREATE INDEX menu_section_restaurant ON menu_section (restaurant);

-- allergens, diets and group_ids are JSON lists; out_until is in µs, 0: not sold out.
CREATE TABLE menu_item (
  id BIGINT PRIMARY KEY,
  restaurant BIGINT NOT NULL,
  section BIGINT NOT NULL,
  name TEXT NOT NULL,
  description TEXT NOT NULL,
  price BIGINT NOT NULL,
  tax TEXT NOT NULL,
  photo TEXT NOT NULL,
  allergens TEXT NOT NULL,
  diets TEXT NOT NULL,
  group_ids TEXT NOT NULL,
  hidden BOOLEAN NOT NULL,
  out_until BIGINT NOT NULL,
  position BIGINT NOT NULL,
  deleted_at BIGINT NOT NULL
);
CREATE INDEX menu_item_restaurant ON menu_item (restaurant);

-- An option group belongs to the restaurant; items name it in group_ids.
CREATE TABLE menu_group (
  id BIGINT PRIMARY KEY,
  restaurant BIGINT NOT NULL,
  name TEXT NOT NULL,
  min_count BIGINT NOT NULL,
  max_count BIGINT NOT NULL,
  rule TEXT NOT NULL,
  deleted_at BIGINT NOT NULL
);
CREATE INDEX menu_group_restaurant ON menu_group (restaurant);

CREATE TABLE menu_option (
  id BIGINT PRIMARY KEY,
  restaurant BIGINT NOT NULL,
  group_id BIGINT NOT NULL,
  name TEXT NOT NULL,
  price BIGINT NOT NULL,
  out_until BIGINT NOT NULL,
  position BIGINT NOT NULL
);
CREATE INDEX menu_option_restaurant ON menu_option (restaurant);

-- How many portions are left of an item or option that is counted. Orders take by UPDATE … WHERE left_ >= n.
CREATE TABLE menu_stock (
  id BIGINT PRIMARY KEY,
  restaurant BIGINT NOT NULL,
  left_ BIGINT NOT NULL
);
CREATE INDEX menu_stock_restaurant ON menu_stock (restaurant);
