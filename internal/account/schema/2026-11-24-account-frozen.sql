-- frozen: moderators keep the owner out, while others still see what they wrote.
ALTER TABLE account ADD COLUMN frozen BIGINT NOT NULL DEFAULT 0;
