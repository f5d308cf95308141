-- expires_at is when a role ends, 0 where it does not.
ALTER TABLE account_role ADD COLUMN expires_at BIGINT NOT NULL DEFAULT 0;
