-- A file that somebody sent for a status. loose_at is since when no status carries it, 0 while one does; length is in µs; focused says
-- whether focus_x and focus_y are given. own_preview: preview is a file of its own, not one of ours that stands for every film or sound.
CREATE TABLE attachment (
  id BIGINT PRIMARY KEY,
  owner BIGINT NOT NULL,
  status BIGINT NOT NULL,
  position BIGINT NOT NULL,
  loose_at BIGINT NOT NULL,
  kind TEXT NOT NULL,
  path TEXT NOT NULL,
  preview TEXT NOT NULL,
  own_preview BIGINT NOT NULL,
  bytes BIGINT NOT NULL,
  width BIGINT NOT NULL,
  height BIGINT NOT NULL,
  small_width BIGINT NOT NULL,
  small_height BIGINT NOT NULL,
  length BIGINT NOT NULL,
  rate DOUBLE PRECISION NOT NULL,
  description TEXT NOT NULL,
  blurhash TEXT NOT NULL,
  focused BIGINT NOT NULL,
  focus_x DOUBLE PRECISION NOT NULL,
  focus_y DOUBLE PRECISION NOT NULL
);
CREATE INDEX attachment_status ON attachment (status, position) WHERE status > 0;
CREATE INDEX attachment_owner ON attachment (owner, id);
CREATE INDEX attachment_loose ON attachment (loose_at) WHERE status = 0;

-- How much everybody's files take, and under owner 0 all of them together.
CREATE TABLE attachment_use (
  owner BIGINT PRIMARY KEY,
  files BIGINT NOT NULL,
  bytes BIGINT NOT NULL
);
