-- Few of many followers want to be told of each post: they are found without looking at the others.
CREATE INDEX social_follow_notify ON social_follow (followee, follower) WHERE notify;
