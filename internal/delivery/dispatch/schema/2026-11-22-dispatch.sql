-- A trip: an order's way from counter to door, and who is to make it. Lists of couriers are JSON arrays of ids. Zero and '' stand for none.
-- version grows with every change: whoever changes a trip takes its row first, and so the changes of a trip and of its tasks have one order.
CREATE TABLE trip (
  order_id BIGINT PRIMARY KEY,
  version BIGINT NOT NULL,
  code TEXT NOT NULL,
  restaurant BIGINT NOT NULL,
  state TEXT NOT NULL,
  courier BIGINT NOT NULL,
  offered_to BIGINT NOT NULL,
  offer_until BIGINT NOT NULL,
  declined TEXT NOT NULL,
  known TEXT NOT NULL,
  failed_by BIGINT NOT NULL,
  ready_at BIGINT NOT NULL,
  promise_to BIGINT NOT NULL,
  assign_at BIGINT NOT NULL,
  tip BIGINT NOT NULL,
  due BIGINT NOT NULL,
  currency TEXT NOT NULL,
  closed_at BIGINT NOT NULL
);
-- A courier thinks about one offer at a time.
CREATE UNIQUE INDEX trip_offer ON trip (offered_to) WHERE state = 'offered';
CREATE INDEX trip_open ON trip (state, assign_at);
CREATE INDEX trip_courier ON trip (courier, closed_at);

-- The two stops of a trip. Each moment is kept twice: when it truly was, by the phone, and when the server heard of it.
CREATE TABLE task (
  id BIGINT PRIMARY KEY,
  order_id BIGINT NOT NULL REFERENCES trip (order_id),
  stop TEXT NOT NULL,
  state TEXT NOT NULL,
  courier BIGINT NOT NULL,
  lat DOUBLE PRECISION NOT NULL,
  lon DOUBLE PRECISION NOT NULL,
  place TEXT NOT NULL,
  street TEXT NOT NULL,
  planned_at BIGINT NOT NULL,
  started_at BIGINT NOT NULL,
  started_heard BIGINT NOT NULL,
  arrived_at BIGINT NOT NULL,
  arrived_heard BIGINT NOT NULL,
  ended_at BIGINT NOT NULL,
  ended_heard BIGINT NOT NULL,
  reason TEXT NOT NULL,
  note TEXT NOT NULL,
  photo TEXT NOT NULL
);
CREATE UNIQUE INDEX task_stop ON task (order_id, stop);
