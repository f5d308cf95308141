-- Which public statuses link to which page: the SHA-256 of its address.
CREATE TABLE status_link (
  page BYTEA NOT NULL,
  status BIGINT NOT NULL,
  PRIMARY KEY (page, status)
);
CREATE INDEX status_link_status ON status_link (status);
