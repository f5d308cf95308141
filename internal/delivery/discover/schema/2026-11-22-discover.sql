-- Addresses that people have saved. deleted_at is 0, or when it was deleted: for a while that can be undone.
CREATE TABLE saved_address (
  id BIGINT PRIMARY KEY,
  account BIGINT NOT NULL,
  label TEXT NOT NULL,
  is_default BOOLEAN NOT NULL,
  address TEXT NOT NULL,
  changed_at BIGINT NOT NULL,
  deleted_at BIGINT NOT NULL
);
CREATE INDEX saved_address_account ON saved_address (account, id);
