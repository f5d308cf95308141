-- What has been counted of the event log, up to the event number seq. Days are days since 1970, UTC; months are year * 12 + month.
CREATE TABLE figures_cursor (
    id  BIGINT NOT NULL PRIMARY KEY,
    seq BIGINT NOT NULL
);

-- what: new_users, interactions, statuses.
CREATE TABLE figures_day (
    day  BIGINT NOT NULL,
    what TEXT   NOT NULL,
    n    BIGINT NOT NULL,
    PRIMARY KEY (day, what)
);

CREATE TABLE figures_active (
    day     BIGINT NOT NULL,
    account BIGINT NOT NULL,
    month   BIGINT NOT NULL,
    PRIMARY KEY (day, account)
);
CREATE INDEX figures_active_account ON figures_active (account, day);

CREATE TABLE figures_joined (
    account BIGINT NOT NULL PRIMARY KEY,
    day     BIGINT NOT NULL,
    month   BIGINT NOT NULL
);
CREATE INDEX figures_joined_day ON figures_joined (day);

CREATE TABLE figures_tag (
    tag     TEXT   NOT NULL,
    day     BIGINT NOT NULL,
    account BIGINT NOT NULL,
    lang    TEXT   NOT NULL,
    uses    BIGINT NOT NULL,
    PRIMARY KEY (tag, day, account, lang)
);
CREATE INDEX figures_tag_day ON figures_tag (day);
