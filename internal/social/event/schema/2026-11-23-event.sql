-- What takes place in town. status is the post that tells of it, which also says who may see it; 0 for the moment until it is posted. rev is the
-- sequence of iCalendar. coming, maybe and waiting count the rows of social_answer; capacity 0: no bound. reminded is how many minutes
-- before the beginning people were reminded last. lat and lon are both 0 where no point was given.
CREATE TABLE social_event (
  id BIGINT PRIMARY KEY,
  account BIGINT NOT NULL,
  status BIGINT NOT NULL,
  public BIGINT NOT NULL,
  title TEXT NOT NULL,
  starts_at BIGINT NOT NULL,
  ends_at BIGINT NOT NULL,
  tz TEXT NOT NULL,
  place TEXT NOT NULL,
  lat DOUBLE PRECISION NOT NULL,
  lon DOUBLE PRECISION NOT NULL,
  capacity BIGINT NOT NULL,
  coming BIGINT NOT NULL,
  maybe BIGINT NOT NULL,
  waiting BIGINT NOT NULL,
  cancelled BIGINT NOT NULL,
  reminded BIGINT NOT NULL,
  rev BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  changed_at BIGINT NOT NULL
);
CREATE INDEX social_event_starts ON social_event (starts_at, id);
CREATE INDEX social_event_account ON social_event (account, id);
CREATE INDEX social_event_status ON social_event (status);

-- Who comes: coming, maybe, no or waiting. at is since when: the waiting list goes by it.
CREATE TABLE social_answer (
  event BIGINT NOT NULL,
  account BIGINT NOT NULL,
  answer TEXT NOT NULL,
  at BIGINT NOT NULL,
  PRIMARY KEY (event, account)
);
CREATE INDEX social_answer_account ON social_answer (account, event);
CREATE INDEX social_answer_list ON social_answer (event, answer, at);

-- How often somebody has asked for a new link to their calendar: links are signed with that number, and older ones lead nowhere.
CREATE TABLE social_calendar (
  account BIGINT PRIMARY KEY,
  gen BIGINT NOT NULL
);
