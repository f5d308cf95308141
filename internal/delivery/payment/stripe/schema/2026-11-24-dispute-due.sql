-- Until when Stripe takes an answer to a dispute; 0: it has said nothing of that.
ALTER TABLE stripe_dispute ADD COLUMN due_at BIGINT NOT NULL DEFAULT 0;
