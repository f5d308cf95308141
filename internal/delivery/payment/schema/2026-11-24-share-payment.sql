-- What is paid may be a share in a group order: order_id is the share's id then.
ALTER TABLE payment ADD COLUMN group_id BIGINT NOT NULL DEFAULT 0;
