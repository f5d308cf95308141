-- The path of the archive whose posts are taken in; empty for other files.
ALTER TABLE social_import ADD COLUMN archive TEXT NOT NULL DEFAULT '';
