-- The town's own emoji, by the name that they are written with.
CREATE TABLE custom_emoji (
  shortcode TEXT PRIMARY KEY,
  path TEXT NOT NULL,
  category TEXT NOT NULL,
  hidden BIGINT NOT NULL,
  created_at BIGINT NOT NULL
);
