-- Takes back 0003: families, features, handles and roles go; tasks stay.
DROP VIEW user_contacts;
DROP VIEW arc_task_examples;
ALTER TABLE user_identities DROP COLUMN metadata;
ALTER TABLE user_identities DROP COLUMN role;
DROP TABLE user_handles;
DROP TABLE task_features;
DROP INDEX ix_arc_tasks_family;
ALTER TABLE arc_tasks DROP COLUMN metadata_json;
ALTER TABLE arc_tasks DROP COLUMN difficulty_level;
ALTER TABLE arc_tasks DROP COLUMN task_source;
ALTER TABLE arc_tasks DROP COLUMN task_id;
ALTER TABLE arc_tasks DROP COLUMN family_id;
DROP TABLE task_families;
