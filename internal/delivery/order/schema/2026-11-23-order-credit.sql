-- credit is how much of the total the customer paid with what they had to their credit.
ALTER TABLE orders ADD COLUMN credit BIGINT NOT NULL DEFAULT 0;
