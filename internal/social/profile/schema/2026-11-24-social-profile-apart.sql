-- Those few who are not simply there: timelines ask for all of them at once.
CREATE INDEX social_profile_apart ON social_profile (id) WHERE state <> 'here' OR limited;
