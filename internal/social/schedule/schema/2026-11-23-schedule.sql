-- A status that is posted at a time to come. doc is the status as its slice posts it, params the same as apps sent it, both JSON; media are
-- ids with a space between. failed is why it could not be posted, in the author's language, empty while it waits.
CREATE TABLE schedule_status (
  id BIGINT PRIMARY KEY,
  account BIGINT NOT NULL,
  at BIGINT NOT NULL,
  doc TEXT NOT NULL,
  params TEXT NOT NULL,
  media TEXT NOT NULL,
  failed TEXT NOT NULL
);

CREATE INDEX schedule_status_account ON schedule_status (account, id);
CREATE INDEX schedule_status_at ON schedule_status (account, at);

-- A status that its author has not finished. doc is JSON of what stands in the form.
CREATE TABLE schedule_draft (
  id BIGINT PRIMARY KEY,
  account BIGINT NOT NULL,
  doc TEXT NOT NULL,
  media TEXT NOT NULL,
  changed_at BIGINT NOT NULL
);

CREATE INDEX schedule_draft_account ON schedule_draft (account, changed_at);
