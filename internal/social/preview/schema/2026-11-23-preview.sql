-- What is known of a page that a status links to. card is JSON, empty where there is nothing to show; image is the picture's path here.
CREATE TABLE preview (
  url_sha256 BYTEA PRIMARY KEY,
  card TEXT NOT NULL,
  image TEXT NOT NULL,
  fetched_at BIGINT NOT NULL
);

CREATE INDEX preview_fetched ON preview (fetched_at);
CREATE INDEX preview_image ON preview (image);
