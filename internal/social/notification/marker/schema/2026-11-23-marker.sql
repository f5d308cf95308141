-- How far somebody has read a timeline: home or notifications. version counts its moves.
CREATE TABLE notification_marker (
    account    BIGINT NOT NULL,
    timeline   TEXT   NOT NULL,
    last_read  BIGINT NOT NULL,
    version    BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (account, timeline)
);
