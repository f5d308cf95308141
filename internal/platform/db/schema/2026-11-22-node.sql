-- Which server processes run on this database: each holds a number that makes its ids unique.
CREATE TABLE node (
    number  BIGINT PRIMARY KEY,
    holder  TEXT NOT NULL,
    seen_at BIGINT NOT NULL
);
